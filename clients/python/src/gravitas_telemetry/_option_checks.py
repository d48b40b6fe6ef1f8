"""What each option may be (docs/specs/client.md, 7)."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_CHOICES = {"transport": ("http", "grpc"), "fallback": ("spool", "stdout", "logging", "none")}
_MIB = 1024 * 1024
_RANGES: dict[str, tuple[float, float]] = {
    "spool_bytes_max": (1024, 1024 * 1024 * _MIB),
    "queue_events_max": (1, 10_000_000),
    "batch_events_max": (1, 10_000),
    "batch_bytes_max": (1024, _MIB),
    "batch_age_ms_max": (1, 60_000),
    "close_timeout_s": (0, 3_600),
}
_WHOLE = ("spool_bytes_max", "queue_events_max", "batch_events_max", "batch_bytes_max")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# Visible ASCII, and blanks in between: what every server takes.
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")


class InvalidOption(ValueError):
    """Names the option, and never a secret."""


def checked(name: str, value: Any) -> Any:
    """The value as it is used; InvalidOption where it can't be meant."""
    if name in _CHOICES:
        value = _text(name, value)
        if value not in _CHOICES[name]:
            raise InvalidOption(f"{name} must be one of {', '.join(_CHOICES[name])}, not {value!r}")
        return value
    if name in _RANGES:
        return _number(name, value)
    return _CHECKS[name](name, value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidOption(f"{name} must be a text, not of type {type(value).__name__}")
    return value.strip()


def _number(name: str, value: Any) -> float:
    least, most = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidOption(f"{name} must be a number, not of type {type(value).__name__}")
    if name in _WHOLE and not isinstance(value, int):
        raise InvalidOption(f"{name} must be a whole number, not {value!r}")
    if not least <= value <= most:
        raise InvalidOption(f"{name} must be from {least:,} to {most:,}, not {shown(value)}")
    return value


def shown(number: float) -> str:
    """Some integers are too long to be written."""
    return f"{number!r}" if isinstance(number, float) or number.bit_length() < 128 else "a longer one"


def _url(name: str, value: Any) -> str:
    text = _text(name, value)
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise InvalidOption(f"{name} must have no blanks and no control characters in it")
    try:
        parts = urlsplit(text)
        # It is read when it is asked for, and then found wrong.
        host = parts.hostname or ""
        is_host = bool(host) and (":" in host or not re.search(r"[\\%<>\"^`{|}]", host))
        is_whole = parts.scheme in ("http", "https") and is_host and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise InvalidOption(f"{name} must be an http or https URL with a host, such as http://localhost:8002")
    if parts.query or parts.fragment:
        raise InvalidOption(f"{name} must have no query and no fragment")
    return f"{parts.scheme}://{parts.netloc}{re.sub('/+', '/', parts.path).rstrip('/')}"


def _token(name: str, value: Any) -> str:
    text = _text(name, value)
    if not _HEADER_VALUE.fullmatch(text) or re.search(r"\s", text):
        raise InvalidOption(f"{name} must consist of visible ASCII characters, without blanks")
    return text


def _headers(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise InvalidOption(f"{name} must be a mapping, not of type {type(value).__name__}")
    made = {}
    for key, item in value.items():
        if not isinstance(key, str) or not _HEADER_NAME.fullmatch(key.strip()):
            raise InvalidOption(f"{name} has the name {key!r}, which is none of a header")
        if not isinstance(item, str) or not _HEADER_VALUE.fullmatch(item.strip()):
            raise InvalidOption(f"{name} must give {key.strip()} a text of visible ASCII characters")
        made[key.strip()] = item.strip()
    return made


def _resource(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidOption(f"{name} must be a mapping, not of type {type(value).__name__}")
    return dict(value)


def _path(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidOption(f"{name} must be a path, not of type {type(value).__name__}")
    path = os.fspath(value)
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise InvalidOption(f"{name} must be a path")
    return path.strip() if isinstance(value, str) else path


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidOption(f"{name} must be true or false, not of type {type(value).__name__}")
    return value


def _before_send(name: str, value: Any) -> Any:
    if not callable(value):
        raise InvalidOption(f"{name} must be callable, not of type {type(value).__name__}")
    return value


def _verify(name: str, value: Any) -> Any:
    if not isinstance(value, (bool, ssl.SSLContext)):
        raise InvalidOption(f"{name} must be true, false or an ssl.SSLContext, not of type {type(value).__name__}")
    return value


_CHECKS = {
    "url": _url,
    "enabled": _boolean,
    "token": _token,
    "headers": _headers,
    "service_name": _text,
    "resource": _resource,
    "spool_directory": _path,
    "ca_file": _path,
    "client_cert_file": _path,
    "client_key_file": _path,
    "before_send": _before_send,
    "verify": _verify,
}
