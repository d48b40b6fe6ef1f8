"""What clients of httpx are made with, be it to send or to ask."""

from __future__ import annotations

import logging
import threading
from typing import Any

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
