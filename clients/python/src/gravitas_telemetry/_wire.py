"""Records in the encoding of protobuf, written by hand.

The generated messages take some 20 microseconds for an event whose metadata has three entries,
most of them in google.protobuf.Struct; this takes about 3. A test compares the two.
Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import math
from struct import Struct
from typing import Any

from ._records import EventRecord, Unstorable, UsageRecord, name_text
from ._storable import INT_MAX

_double = Struct("<d").pack
_isfinite = math.isfinite
_SMALL = [bytes([number]) for number in range(128)]

# Few texts make up most of what is logged: their encodings are kept, in bounds.
_CACHE_ENTRIES_MAX = 4096
_CACHED_TEXT_MAX = 128
# Escaped as JSON it may be six times as long.
_PLAIN_BYTES_MAX = 8 * 1024
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
        content = _key[value] + b"\x12\x09\x11"
        return b"\x0a" + varint(len(content) + 8) + content


class _Seconds(_Kept):
    """A Timestamp of 12 bytes up to its nanoseconds."""

    def _encode(self, value: Any) -> bytes:
        if not _SECONDS_MIN <= value < _SECONDS_MAX:
            raise Unstorable("timestamp is not between the years 1 and 9999")
        seconds = varint(value & (1 << 64) - 1)
        return _SMALL[len(seconds) + 7] + b"\x08" + seconds + b"\x10"


_key = _Key()
_number_entry = _NumberEntry()
_seconds = _Seconds()
_event_type = _TextField(b"\x0a")
_component = _TextField(b"\x12")
_status = _TextField(b"\x2a")
_usage_texts = {number: _TextField(bytes([number << 3 | 2])) for number in (1, 2, 3, 4, 11, 12)}


def event_bytes(record: EventRecord, resource: bytes) -> bytes:
    """An Event of the contract, with its tag and length as an entry of a batch. The record is frozen."""
    time_ns, event_type, component, value, metadata, status = record
    if not event_type:
        raise Unstorable("event_type is required")
    encoded = _event_type[event_type] + _component[component]
    if value is not None:
        encoded += b"\x19" + _double(value)
    if metadata is not None or resource:
        encoded += delimited(b"\x22", _metadata(metadata, resource))
    encoded += _status[status] + b"\x32" + _timestamp(time_ns)
    return delimited(b"\x12", encoded)


def plain_event_bytes(record: EventRecord, resource: bytes) -> bytes | None:
    """The same for a record as nearly all are, of plain values and not large; None of any other."""
    time_ns, event_type, component, value, metadata, status = record
    if (
        type(event_type) is not str
        or not event_type
        or not (component is None or type(component) is str)
        or not (status is None or type(status) is str)
    ):
        return None
    encoded = _event_type[event_type] + _component[component]
    if type(value) is float or type(value) is int and -INT_MAX <= value <= INT_MAX:
        if not _isfinite(value):
            return None
        encoded += b"\x19" + _double(value)
    elif value is not None:
        return None
    if metadata is not None or resource:
        struct = _plain_struct(metadata) if metadata else b""
        if struct is None:
            return None
        if resource and not (metadata and "resource" in metadata):
            struct += resource
        encoded += delimited(b"\x22", struct)
    encoded += _status[status] + b"\x32" + _timestamp(time_ns)
    return delimited(b"\x12", encoded)


def _plain_struct(metadata: Any) -> bytes | None:
    """Of a flat object with entries that nobody can change, and small enough however it is escaped."""
    if type(metadata) is not dict:
        return None
    parts = []
    try:
        for key, item in metadata.items():
            if type(key) is not str:
                return None
            kind = type(item)
            if (kind is float and _isfinite(item)) or (kind is int and -INT_MAX <= item <= INT_MAX):
                parts.append(_number_entry[key] + _double(item))
            elif (kind is str and len(item) <= _PLAIN_BYTES_MAX) or item is None or kind is bool:
                parts.append(_entry(key, item))
            else:
                return None
    except UnicodeEncodeError:
        return None
    encoded = b"".join(parts)
    return encoded if len(encoded) <= _PLAIN_BYTES_MAX else None


def usage_bytes(record: UsageRecord, resource: bytes) -> bytes:
    """A Usage of the contract, with its tag and length as an entry of a batch. The record is frozen."""
    if not record.model:
        raise Unstorable("model is required")
    encoded = b"".join(
        field[text]
        for field, text in zip(
            _usage_texts.values(),
            (record.model, record.layer, record.provider, record.operation, record.ghost_id, record.shell_id),
        )
    )
    for number, tokens in enumerate(record[5:9], start=5):
        if tokens:
            encoded += bytes([number << 3]) + varint(tokens)
    for tag, amount in ((b"\x49", record.duration_ms), (b"\x51", record.cost_usd)):
        if amount is not None:
            encoded += tag + _double(amount)
    if record.metadata is not None or resource:
        encoded += delimited(b"\x6a", _metadata(record.metadata, resource))
    encoded += b"\x72" + _timestamp(record.time_ns)
    return delimited(b"\x1a", encoded)


def resource_entry(attributes: dict[str, Any] | None) -> bytes:
    """The entry `resource` of a record's metadata."""
    return _entry("resource", attributes) if attributes else b""


def _timestamp(time_ns: int) -> bytes:
    """A Timestamp of whole microseconds, with its length. Its nanoseconds are padded to five bytes."""
    seconds, nanos = divmod(time_ns // 1000 * 1000, 1_000_000_000)
    return _seconds[seconds] + bytes(
        (nanos & 127 | 128, nanos >> 7 & 127 | 128, nanos >> 14 & 127 | 128, nanos >> 21 & 127 | 128, nanos >> 28)
    )


def _metadata(metadata: dict[str, Any] | None, resource: bytes) -> bytes:
    encoded = _struct(metadata or {})
    return encoded if metadata and "resource" in metadata else encoded + resource


def _struct(value: dict[str, Any]) -> bytes:
    return b"".join([_entry(key, item) for key, item in value.items()])


def _entry(key: str, value: Any) -> bytes:
    return delimited(b"\x0a", _key[key] + delimited(b"\x12", _value(value)))


def _value(value: Any) -> bytes:
    """A google.protobuf.Value, without tag and length."""
    kind = type(value)
    if kind is str:
        return _text_value(value)
    if kind is float or kind is int:
        return b"\x11" + _double(value)
    if value is None:
        return b"\x08\x00"
    if kind is bool:
        return b"\x20\x01" if value else b"\x20\x00"
    if kind is dict:
        return delimited(b"\x2a", _struct(value))
    return delimited(b"\x32", b"".join([delimited(b"\x0a", _value(item)) for item in value]))


def _text_value(value: str) -> bytes:
    text = value.encode()
    return b"\x1a" + varint(len(text)) + text
