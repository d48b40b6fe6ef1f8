"""The ways to the service that a sender has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ._answers import Answer, TryAgain
from ._complaints import complain
from ._http_transport import HttpTransport
from ._options import Options


class Transport(Protocol):
    @property
    def window_batches_max(self) -> int:
        """How many batches are under way together at most."""
        ...

    def send(self, bodies: Iterable[bytes], timeout_s: float) -> list[Answer]:
        """Sends encoded LogBatchRequests; an answer to each, in order, and none where it came to an end."""
        ...


class LineTransport(Transport, Protocol):
    def send_line(self, line: bytes, timeout_s: float) -> Answer:
        """Sends a line of a spool as it stands."""
        ...


class Transports:
    """`live` carries what is logged, `http` what comes from a spool."""

    def __init__(self, options: Options) -> None:
        try:
            self.http: LineTransport = HttpTransport(options)
            self.live: Transport = self.http if options.transport == "http" else _grpc_transport(options)
        except ImportError as error:
            complain("transport", f"the extra gravitas-telemetry[grpc] is not installed: {error}; HTTP is used")
            self.live = self.http
        except Exception as error:  # a URL that is none, say
            complain("transport", f"there is no way to {options.url}: {error}")
            self.live = self.http = _NoTransport(str(error))


class _NoTransport:
    """What is logged goes to the fallback."""

    window_batches_max = 1

    def __init__(self, reason: str) -> None:
        self._failure = TryAgain(reason)

    def send(self, bodies: Iterable[bytes], timeout_s: float) -> list[Answer]:
        return [self._failure for _ in bodies]

    def send_line(self, line: bytes, timeout_s: float) -> Answer:
        return self._failure


def _grpc_transport(options: Options) -> Transport:
    # Only who has installed the extra has grpcio.
    from ._grpc_transport import GrpcTransport

    return GrpcTransport(options)
