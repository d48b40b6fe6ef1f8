"""Batches over HTTP: the Connect protocol with protobuf (docs/specs/client.md, 3.1)."""

from __future__ import annotations

import _socket

# httpx and the socket module import these when they are first needed, which would be in the
# sender's thread: a process that forks in the middle of that has a child with half a module.
import encodings.idna  # noqa: F401
import json
import os
import socket
import zlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import httpcore  # noqa: F401
import httpx
from google.protobuf.json_format import ParseDict

from ._answers import Answer, TryAgain, acknowledged, judge_http
from ._couriers import Couriers
from ._generated.ingest_pb2 import LogBatchResponse
from ._http_client import bound_answer, mark_sending_thread, new_stream, settings
from ._options import Options

CONNECT_TIMEOUT_S = 1.0
TIMEOUT_S = 5.0
_COURIERS = 4
_ANSWER_BYTES_MAX = 1024 * 1024
_GZIP_BYTES_MIN = 1024
# The fastest that still halves telemetry; the wire inside a data centre is cheaper than the CPU.
_GZIP_LEVEL = 1


class HttpTransport:
    """A connection for each batch under way, made anew when it fails."""

    window_batches_max = 16

    def __init__(self, options: Options) -> None:
        self._client = httpx.Client(**settings(options), limits=httpx.Limits(keepalive_expiry=30))
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._is_aborted = False
        self._couriers: Couriers[tuple[bytes, float], Answer] = Couriers(self._log_batch, _COURIERS)

    def send(self, bodies: Iterable[bytes], timeout_s: float = TIMEOUT_S) -> list[Answer]:
        """Sends encoded LogBatchRequests, each by a request of its own."""
        return self._couriers.call_all((body, timeout_s) for body in bodies)

    def send_line(self, line: bytes, batch_id: str, timeout_s: float = TIMEOUT_S) -> Answer:
        """Sends a line of a spool as it stands."""
        return self._post("/v1/telemetry/batch", "application/json", line, batch_id, timeout_s)

    def abort(self) -> None:
        self._is_aborted = True
        for connection in list(self._connections):
            # By the operating system alone: that of gevent would touch the event loop of another thread.
            with suppress(OSError, ValueError):
                native = _socket.socket(fileno=os.dup(connection.fileno()))
                native.shutdown(socket.SHUT_RDWR)
                native.close()

    def close(self) -> None:
        self._couriers.end(CONNECT_TIMEOUT_S)
        self._client.close()

    def _log_batch(self, task: tuple[bytes, float]) -> Answer:
        mark_sending_thread()
        body, timeout_s = task
        path = "/gravitas.telemetry.v1.IngestService/LogBatch"
        return self._post(path, "application/proto", body, id_of(body), timeout_s)

    def _notice(self, event: str, about: dict[str, Any]) -> None:
        """Keeps the sockets, which alone can be shut while another thread waits for an answer."""
        stream = new_stream(event, about)
        if stream:
            self._connections.add(stream.get_extra_info("socket"))

    def _post(self, path: str, content_type: str, body: bytes, batch_id: str, timeout_s: float) -> Answer:
        # What is in between must not make much of little.
        headers = {"content-type": content_type, "accept-encoding": "identity"}
        if len(body) > _GZIP_BYTES_MIN:
            headers["content-encoding"] = "gzip"
            body = gzip(body)
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        try:
            if self._is_aborted:
                return TryAgain("the client is closed")
            bound_answer(timeout_s, _ANSWER_BYTES_MAX)
            with self._client.stream(
                "POST", path, content=body, headers=headers, timeout=timeout, extensions={"trace": self._notice}
            ) as response:
                content = b"".join(response.iter_raw())
            if response.status_code != 200:
                return judge_http(response.status_code, response.headers, content)
            if content_type == "application/proto":
                return acknowledged(LogBatchResponse.FromString(content), batch_id)
            return acknowledged(ParseDict(json.loads(content), LogBatchResponse(), ignore_unknown_fields=True), batch_id)
        except Exception as error:  # no answer, or none that can be read
            return TryAgain(f"{type(error).__name__}: {error}")


def id_of(body: bytes) -> str:
    """Of an encoded batch, which begins with it: after a tag and its length, each of one byte."""
    return body[2:38].decode()


def gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, wbits=31)
    return compressor.compress(body) + compressor.flush()
