"""Records in the encoding of protobuf, written by hand.

The generated messages take some 20 microseconds for an event whose metadata has three entries,
most of them in google.protobuf.Struct; this takes about 3. A test compares the two.
Encoding: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import math
from struct import Struct
from typing import Any

from ._encodings import (
    COMPONENT,
    EVENT_TYPE,
    KEY,
    NUMBER_ENTRY,
    SECONDS,
    STATUS,
    USAGE_AMOUNT_FIELDS,
    USAGE_TEXT_FIELDS,
    USAGE_TOKEN_FIELDS,
    delimited,
    varint,
)
from ._records import EventRecord, Unstorable, UsageRecord
from ._storable import INT_MAX

_double = Struct("<d").pack
_isfinite = math.isfinite
# Escaped as JSON it may be six times as long.
_PLAIN_BYTES_MAX = 8 * 1024

def event_bytes(record: EventRecord, resource: bytes) -> bytes:
    """An Event of the contract, with its tag and length as an entry of a batch. The record is frozen."""
    time_ns, event_type, component, value, metadata, status = record
    if not event_type:
        raise Unstorable("event_type is required")
    encoded = EVENT_TYPE[event_type] + COMPONENT[component]
    if value is not None:
        encoded += b"\x19" + _double(value)
    if metadata is not None or resource:
        encoded += delimited(b"\x22", _metadata(metadata, resource))
    encoded += STATUS[status] + b"\x32" + _timestamp(time_ns)
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
    encoded = EVENT_TYPE[event_type] + COMPONENT[component]
    if type(value) is float or type(value) is int and -INT_MAX <= value <= INT_MAX:
        if not _isfinite(value):
            return None
        encoded += b"\x19" + _double(value)
    elif value is not None:
        return None
    if metadata is not None or resource:
        struct = b"" if metadata is None else _plain_struct(metadata)
        if struct is None:
            return None
        if resource and not (metadata and "resource" in metadata):
            struct += resource
        encoded += delimited(b"\x22", struct)
    encoded += STATUS[status] + b"\x32" + _timestamp(time_ns)
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
                parts.append(NUMBER_ENTRY[key] + _double(item))
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
    values: tuple[Any, ...] = record
    parts = [field[values[place]] for place, field in USAGE_TEXT_FIELDS if values[place]]
    parts += [tag + varint(values[place]) for place, tag in USAGE_TOKEN_FIELDS if values[place]]
    parts += [tag + _double(values[place]) for place, tag in USAGE_AMOUNT_FIELDS if values[place] is not None]
    encoded = b"".join(parts)
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
    return SECONDS[seconds] + bytes(
        (nanos & 127 | 128, nanos >> 7 & 127 | 128, nanos >> 14 & 127 | 128, nanos >> 21 & 127 | 128, nanos >> 28)
    )


def _metadata(metadata: dict[str, Any] | None, resource: bytes) -> bytes:
    encoded = _struct(metadata or {})
    return encoded if metadata and "resource" in metadata else encoded + resource


def _struct(value: dict[str, Any]) -> bytes:
    return b"".join([_entry(key, item) for key, item in value.items()])


def _entry(key: str, value: Any) -> bytes:
    return delimited(b"\x0a", KEY[key] + delimited(b"\x12", _value(value)))


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
