"""Batches over gRPC's StreamBatches, several at a time, for high volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import grpc

from ._answers import Answer, TooLarge, TryAgain, acknowledged, duration_s, judge, retry_after_s
from ._generated.ingest_pb2 import StreamBatchesResponse
from ._http_transport import TIMEOUT_S, id_of
from ._options import Options
from ._proxies import proxy_of
from ._tls import grpc_files

_METHOD = "/gravitas.telemetry.v1.IngestService/StreamBatches"
_CODES = {code.value[0]: code.name.lower() for code in grpc.StatusCode}


class GrpcTransport:
    """Streams a few batches at a time, each stream with a deadline, on one connection."""

    window_batches_max = 16

    def __init__(self, options: Options) -> None:
        secure = options.url.startswith("https:")
        settings: list[tuple[str, int | str]] = [
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.initial_reconnect_backoff_ms", 100),
        ]
        proxy = proxy_of(options.url)
        settings.append(("grpc.http_proxy", proxy) if proxy else ("grpc.enable_http_proxy", 0))
        self._channel = (
            grpc.secure_channel(target_of(options.url), grpc.ssl_channel_credentials(**grpc_files(options)), settings)
            if secure
            else grpc.insecure_channel(target_of(options.url), settings)
        )
        self._metadata = [(name.lower(), value) for name, value in options.request_headers().items()]
        # The messages are encoded already; a StreamBatchesRequest has the encoding of a LogBatchRequest.
        self._stream = self._channel.stream_stream(
            _METHOD,
            request_serializer=None,
            response_deserializer=StreamBatchesResponse.FromString,
        )

    def send(self, bodies: Iterable[bytes], timeout_s: float = TIMEOUT_S) -> list[Answer]:
        """Gives the answers that came, and then why there are no more."""
        answers: list[Answer] = []
        ids: list[str] = []

        def sent() -> Iterator[bytes]:
            for body in bodies:
                ids.append(id_of(body))
                yield body

        try:
            for response in self._stream(sent(), timeout=timeout_s, metadata=self._metadata):
                # In the order of the batches: an answer to none that was sent is nobody's.
                answers.append(_answer(response, ids[len(answers)]))
        except grpc.RpcError as error:
            answers.append(_failure(error))
        except Exception as error:  # an answer that can't be read, say
            answers.append(TryAgain(f"{type(error).__name__}: {error}"))
        return answers

    def abort(self) -> None:
        self._channel.close()

    def close(self) -> None:
        self._channel.close()


def target_of(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _answer(response: StreamBatchesResponse, batch_id: str) -> Answer:
    if not response.HasField("error"):
        return acknowledged(response.ack, batch_id)
    error = response.error
    delay_s = duration_s(error.retry_delay) if error.HasField("retry_delay") else None
    return judge(_CODES.get(error.code, "unknown"), error.message, delay_s)


def _failure(error: grpc.RpcError) -> Answer:
    trailers = {name: value for name, value in error.trailing_metadata() or ()}
    retry_after = trailers.get("retry-after", "")
    delay_s = retry_after_s(retry_after if isinstance(retry_after, str) else "")
    answer = judge(error.code().name.lower(), error.details() or "", delay_s)
    # Of a stream that ends so nobody knows which batch was too large; from the spool each goes alone.
    return TryAgain(answer.message) if isinstance(answer, TooLarge) else answer
