"""A server that answers as it is told, for what a healthy collector never says."""

from __future__ import annotations

import gzip
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from gravitas_telemetry._generated.ingest_pb2 import LogBatchRequest, LogBatchResponse


@dataclass
class Received:
    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def batch_id(self) -> str:
        if self.path == "/v1/telemetry/batch":
            return str(json.loads(self.body)["batch_id"])
        return LogBatchRequest.FromString(self.body).batch_id


@dataclass
class AnsweringServer:
    """Gives `answers` one after the other, and then acknowledges everything."""

    answers: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
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
                ours.received.append(Received(time.monotonic(), self.path, headers, body))
                if ours.answers:
                    status, given, error = ours.answers.pop(0)
                    self.answer(status, {**given, "content-type": "application/json"}, json.dumps(error).encode())
                elif self.path == "/v1/telemetry/batch":
                    sent = json.loads(body)
                    answer = {"batch_id": sent["batch_id"], "events": len(sent["events"]), "rejected": 0}
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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
