"""The ways to the service that a sender has."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from ._answers import Answer, TryAgain
from ._complaints import complain
from ._http_transport import HttpTransport
from ._options import Options
from ._proxies import proxy_of
from ._tls import version


class Transport(Protocol):
    @property
    def window_batches_max(self) -> int:
        """How many batches are under way together at most."""
        ...

    def send(self, bodies: Iterable[bytes], timeout_s: float) -> list[Answer]:
        """Sends encoded LogBatchRequests; an answer to each, in order, and none where it came to an end."""
        ...

    def abort(self) -> None:
        """From another thread: ends what is under way. No request begins after that."""
        ...

    def close(self) -> None: ...


class LineTransport(Transport, Protocol):
    def send_line(self, line: bytes, batch_id: str, timeout_s: float) -> Answer:
        """Sends a line of a spool as it stands."""
        ...


class Transports:
    """`live` carries what is logged, `http` what comes from a spool."""

    def __init__(self, options: Options) -> None:
        self._options = options
        if options.tells_secrets():
            complain("plain_text", f"{options.shown_url} is sent secrets in plain text: use https")
        self._is_built = False
        self._build()

    def rebuild(self) -> None:
        """Where that has failed: what was missing may be there by now. And with certificates that are new."""
        if self._is_built and self._version == version(self._options):
            return
        if self._is_built:
            self.close()
        self._build()

    def abort(self) -> None:
        for transport in self._each():
            with suppress(Exception):
                transport.abort()

    def close(self) -> None:
        for transport in self._each():
            with suppress(Exception):
                transport.close()

    def _each(self) -> list[Transport]:
        return [self.http] if self.live is self.http else [self.live, self.http]

    def _build(self) -> None:
        self._version = version(self._options)
        self._is_built = False
        try:
            self.http: LineTransport = HttpTransport(self._options)
            self.live: Transport = self.http if self._options.transport == "http" else self._grpc()
            self._is_built = True
        except Exception as error:  # a proxy without its package, a certificate that is none
            self.live = self.http = _NoTransport(f"{type(error).__name__}: {error}")

    def _grpc(self) -> Transport:
        try:
            # Only who has installed the extra has grpcio.
            from ._grpc_transport import GrpcTransport
        except ImportError as error:
            complain("grpc", f"the extra gravitas-telemetry[grpc] is not installed: {error}; HTTP is used")
            return self.http
        proxy = proxy_of(self._options.url)
        if proxy and not proxy.lower().startswith("http://"):
            # gRPC's own library would connect without it.
            complain("grpc", "gRPC goes through proxies of HTTP only; HTTP is used")
            return self.http
        if self._options.verify is not True:
            complain("grpc", "gRPC takes no verify: give ca_file instead; HTTP is used")
            return self.http
        return GrpcTransport(self._options)


class _NoTransport:
    """What is logged goes to the fallback."""

    window_batches_max = 1

    def __init__(self, reason: str) -> None:
        self._failure = TryAgain(reason)

    def send(self, bodies: Iterable[bytes], timeout_s: float) -> list[Answer]:
        return [self._failure for _ in bodies]

    def send_line(self, line: bytes, batch_id: str, timeout_s: float) -> Answer:
        return self._failure

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass
