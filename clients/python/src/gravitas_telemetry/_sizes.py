"""Texts as UTF-8 has them, and how much of JSON values take."""

from __future__ import annotations

from enum import Enum
from json.encoder import encode_basestring
from typing import Any

_SMALL_TEXT_MAX = 256


def storable_text(value: Any) -> str:
    """UTF-8 can't hold half of a surrogate pair: it becomes U+FFFD, and a pair one character."""
    if isinstance(value, Enum):
        value = value.value
    text = value if isinstance(value, str) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    # A subclass may have another idea of its text.
    return text if type(text) is str else str.__str__(text)


def is_small(value: Any) -> bool:
    kind = type(value)
    return value is None or kind in (bool, int, float) or (kind is str and len(value) <= _SMALL_TEXT_MAX)


def length(value: Any) -> int:
    try:
        return len(value)
    except Exception:
        return 0


def exponent_bytes(value: float) -> int:
    """Writers of JSON differ in when they begin to use an exponent."""
    return 5 if 0 < value < 1e-4 else 17 if 1e16 <= value < 1e21 else 0


def text_size(text: str) -> int:
    return len(encode_basestring(text).encode()) + 1
