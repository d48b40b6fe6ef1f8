"""Encodings of protobuf that are worth keeping: few texts make up most of what is logged."""

from __future__ import annotations

from typing import Any

from ._records import USAGE_AMOUNTS, USAGE_TEXTS, USAGE_TOKENS, Unstorable, UsageRecord, name_text

_SMALL = [bytes([number]) for number in range(128)]

_CACHE_ENTRIES_MAX = 4096
_CACHED_TEXT_MAX = 128
# From year 1 to year 9999: the range of a Timestamp.
_SECONDS_MIN = -62_135_596_800
_SECONDS_MAX = 253_402_300_800



def varint(number: int) -> bytes:
    if number < 128:
        return _SMALL[number]
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def delimited(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


class _Kept(dict[Any, bytes]):
    """Encodings by what they are of, made when they are first asked for. A hit costs no call."""

    def __missing__(self, value: Any) -> bytes:
        encoded = self._encode(value)
        if type(value) is str and len(value) <= _CACHED_TEXT_MAX or type(value) is int:
            if len(self) >= _CACHE_ENTRIES_MAX:
                self.clear()
            self[value] = encoded
        return encoded

    def _encode(self, value: Any) -> bytes:
        raise NotImplementedError


class _TextField(_Kept):
    """A field of type string; nothing where it is empty."""

    def __init__(self, tag: bytes) -> None:
        super().__init__()
        self._tag = tag

    def _encode(self, value: Any) -> bytes:
        text = b"" if value is None else name_text(value).encode()
        return delimited(self._tag, text) if text else b""


class _Key(_Kept):
    """The key of an entry of a Struct. UnicodeEncodeError where it has half of a surrogate pair."""

    def _encode(self, value: Any) -> bytes:
        return delimited(b"\x0a", value.encode()) if value else b""


class _NumberEntry(_Kept):
    """An entry of a Struct whose value is a number, up to the number."""

    def _encode(self, value: Any) -> bytes:
        content = KEY[value] + b"\x12\x09\x11"
        return b"\x0a" + varint(len(content) + 8) + content


class _Seconds(_Kept):
    """A Timestamp of 12 bytes up to its nanoseconds."""

    def _encode(self, value: Any) -> bytes:
        if not _SECONDS_MIN <= value < _SECONDS_MAX:
            raise Unstorable("timestamp is not between the years 1 and 9999")
        seconds = varint(value & (1 << 64) - 1)
        return _SMALL[len(seconds) + 7] + b"\x08" + seconds + b"\x10"


KEY = _Key()
NUMBER_ENTRY = _NumberEntry()
SECONDS = _Seconds()
EVENT_TYPE = _TextField(b"\x0a")
COMPONENT = _TextField(b"\x12")
STATUS = _TextField(b"\x2a")
def _usage_fields(numbers: dict[str, int], wire_type: int) -> list[tuple[int, bytes]]:
    """Place in a record, and tag."""
    return [(UsageRecord._fields.index(name), varint(number << 3 | wire_type)) for name, number in numbers.items()]


USAGE_TEXT_FIELDS = [(place, _TextField(tag)) for place, tag in _usage_fields(USAGE_TEXTS, 2)]
USAGE_TOKEN_FIELDS = _usage_fields(USAGE_TOKENS, 0)
USAGE_AMOUNT_FIELDS = _usage_fields(USAGE_AMOUNTS, 1)
