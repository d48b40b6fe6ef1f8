"""What clients of httpx are made with, be it to send or to ask."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import httpcore

from ._options import Options
from ._proxies import proxy_of
from ._tls import ssl_context


def settings(options: Options) -> dict[str, Any]:
    """Raises whatever keeps a client from being made."""
    is_tls = options.url.startswith("https:")
    proxy = proxy_of(options.url)
    verify: Any = options.verify
    if verify is True and (is_tls or (proxy or "").startswith("https:")):
        verify = ssl_context(options)
    elif not is_tls and verify is True:
        # Without TLS there is no need to read all certificates.
        verify = False
    return {
        "base_url": options.url,
        "headers": {"connect-protocol-version": "1", **options.request_headers()},
        "verify": verify,
        "proxy": proxy,
        # The environment is read here; credentials of .netrc are none of the service's.
        "trust_env": False,
    }


_answering = threading.local()


def bound_answer(seconds: float, bytes_max: float) -> None:
    """Of what is asked next on this thread. The time-outs of httpx are of each read, and who
    answers a byte at a time, or without end, would hold the thread for ever."""
    _answering.until, _answering.bytes_left = time.monotonic() + seconds, bytes_max


def new_stream(event: str, about: dict[str, Any]) -> Any:
    """To be called with what httpx traces: bounds each new connection, and gives it."""
    if not event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        return None
    stream = about["return_value"]
    read = stream.read

    def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
        left_s = _answering.until - time.monotonic()
        if left_s <= 0 or _answering.bytes_left <= 0:
            raise httpcore.ReadTimeout("the answer takes too long" if left_s <= 0 else "the answer is too long")
        data: bytes = read(max_bytes, left_s if timeout is None else min(left_s, timeout))
        _answering.bytes_left -= len(data)
        return data

    stream.read = read_in_time
    return stream


_sending = threading.local()


def mark_sending_thread() -> None:
    """What is logged on this thread is about telemetry's own requests."""
    _sending.here = True
    http_logger = logging.getLogger("httpx")
    if _not_ours not in http_logger.filters:
        http_logger.addFilter(_not_ours)


def on_sending_thread() -> bool:
    return getattr(_sending, "here", False)


def _not_ours(record: logging.LogRecord) -> bool:
    """httpx logs each request as INFO, which would fill the application's log."""
    return not on_sending_thread()
