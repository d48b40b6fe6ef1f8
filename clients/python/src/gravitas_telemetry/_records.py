"""Records as they wait in the queue, and the rules that make them storable (client.md, 1.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any, NamedTuple, Union

from ._entries import VALUES_MAX
from ._sizes import storable_text
from ._storable import METADATA_BYTES_MAX, storable_object

_TEXT_MAX = 32 * 1024
ENTRIES_MAX = VALUES_MAX + 1


class UsageRecord(NamedTuple):
    time_ns: int
    model: str
    layer: str | None
    provider: str | None
    operation: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    duration_ms: float | None
    cost_usd: float | None
    ghost_id: str | None
    shell_id: str | None
    metadata: Any
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    session_id: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    agent: str | None = None
    user_id: str | None = None
    team: str | None = None
    project: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    time_to_first_token_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    service_tier: str | None = None
    cost_source: str | None = None
    usage_rule: str | None = None


# By their numbers in the contract.
USAGE_TEXTS = {
    "model": 1,
    "layer": 2,
    "provider": 3,
    "operation": 4,
    "ghost_id": 11,
    "shell_id": 12,
    "session_id": 18,
    "response_id": 19,
    "request_id": 20,
    "agent": 21,
    "user_id": 22,
    "team": 23,
    "project": 24,
    "trace_id": 25,
    "span_id": 26,
    "status": 28,
    "error_type": 29,
    "service_tier": 30,
    "cost_source": 31,
    "usage_rule": 32,
}
USAGE_TOKENS = {
    "input_tokens": 5,
    "output_tokens": 6,
    "cached_tokens": 7,
    "reasoning_tokens": 8,
    "cache_write_tokens": 16,
    "cache_write_1h_tokens": 17,
}
USAGE_AMOUNTS = {"duration_ms": 9, "cost_usd": 10, "time_to_first_token_ms": 27}


EventRecord = tuple[int, Any, Any, Any, Any, Any]
"""time_ns, event_type, component, value, metadata, status: a plain tuple, because it is made fastest."""

Record = Union[EventRecord, UsageRecord]


class Unstorable(ValueError):
    """A record that can't be made storable."""


def to_time_ns(timestamp: datetime | float) -> int:
    """A datetime without a zone is local time, as everywhere in Python; a number is seconds since 1970."""
    if not isinstance(timestamp, datetime):
        return round(float(timestamp) * 1_000_000) * 1000
    since = timestamp.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def name_text(value: Any) -> str:
    """Of an event type, a component and the like."""
    text = storable_text(value)
    if len(text) > _TEXT_MAX:
        raise Unstorable(f"a text is {len(text)} characters long; at most {_TEXT_MAX} are allowed")
    return text


def storable_number(value: Any) -> float | None:
    """A measured number; what is not finite is nothing to compute with."""
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise Unstorable(f"{number} is not a finite number")
    return number


def storable_tokens(value: Any) -> int:
    count = int(value or 0)
    if not 0 <= count < 2**63:
        raise Unstorable(f"{count} is no count of tokens")
    return count


def frozen(record: Record, metadata_bytes_max: int = METADATA_BYTES_MAX) -> Record:
    """The record in plain values, which nobody else can change. Raises where it has none."""
    if isinstance(record, UsageRecord):
        return _frozen_usage(record, metadata_bytes_max)
    time_ns, event_type, component, value, metadata, status = record
    return (
        time_ns,
        _name_or_none(event_type),
        _name_or_none(component),
        storable_number(value),
        None if metadata is None else storable_object(metadata, metadata_bytes_max),
        _name_or_none(status),
    )


def _frozen_usage(record: UsageRecord, metadata_bytes_max: int) -> UsageRecord:
    texts: dict[str, Any] = {name: _name_or_none(getattr(record, name)) for name in USAGE_TEXTS}
    tokens: dict[str, Any] = {name: storable_tokens(getattr(record, name)) for name in USAGE_TOKENS}
    amounts: dict[str, Any] = {name: storable_number(getattr(record, name)) for name in USAGE_AMOUNTS}
    metadata = None if record.metadata is None else storable_object(record.metadata, metadata_bytes_max)
    return record._replace(**texts, **tokens, **amounts, metadata=metadata)


def _name_or_none(value: Any) -> str | None:
    return None if value is None else name_text(value)


def own_metadata(metadata: Any) -> Any:
    """A shallow copy, as long as can be stored: what its caller adds later is not in the record."""
    if metadata is None:
        return None
    try:
        if type(metadata) is dict and len(metadata) <= ENTRIES_MAX:
            return metadata.copy()
        if type(metadata) is list:
            return metadata[:ENTRIES_MAX]
        if isinstance(metadata, Mapping):
            return dict(islice(metadata.items(), ENTRIES_MAX))
    except Exception:  # whatever a caller's object does when it is copied
        pass
    return metadata
