"""A server that answers as it is told, for what a healthy collector never says."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Union
from urllib.parse import urlsplit

from gravitas_telemetry._generated.ingest_pb2 import LogBatchRequest, LogBatchResponse


Answer = tuple[int, dict[str, str], Union[bytes, dict[str, Any]]]


@dataclass
class Received:
    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def values(self) -> list[float]:
        """Of its events, without what the client reports of itself."""
        if self.path == "/v1/telemetry/batch":
            events = json.loads(self.body).get("events", [])
            return [each.get("value") for each in events if each["event_type"] != "TELEMETRY_DROPPED"]
        sent = LogBatchRequest.FromString(self.body).events
        return [each.value for each in sent if each.event_type != "TELEMETRY_DROPPED"]

    @property
    def batch_id(self) -> str:
        if self.path == "/v1/telemetry/batch":
            return str(json.loads(self.body)["batch_id"])
        return LogBatchRequest.FromString(self.body).batch_id


@dataclass
class AnsweringServer:
    """Gives `answers` one after the other, and then `otherwise`: acknowledges everything, unless told else.

    An answer is a status, headers and what to say: an object as JSON, or bytes as they are.
    """

    answers: list[Answer] = field(default_factory=list)
    otherwise: Answer | Callable[[Received], Answer | None] | None = None
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> AnsweringServer:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                # To a proxy it is a whole URL.
                path = urlsplit(self.path).path
                received = Received(time.monotonic(), path, headers, body)
                ours.received.append(received)
                told = ours.answers.pop(0) if ours.answers else ours.otherwise
                if callable(told):
                    told = told(received)
                if told:
                    status, given, said = told
                    content = said if isinstance(said, bytes) else json.dumps(said).encode()
                    self.answer(status, {"content-type": "application/json", **given}, content)
                elif path == "/v1/telemetry/batch":
                    sent = json.loads(body)
                    answer = {"batch_id": sent["batch_id"], "events": len(sent.get("events", [])), "rejected": 0}
                    self.answer(200, {}, json.dumps(answer).encode())
                else:
                    batch = LogBatchRequest.FromString(body)
                    ack = LogBatchResponse(batch_id=batch.batch_id, events=len(batch.events))
                    self.answer(200, {}, ack.SerializeToString())

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # So often it looks whether it is to end.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
