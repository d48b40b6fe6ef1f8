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
        name_text(event_type),
        _name_or_none(component),
        storable_number(value),
        None if metadata is None else storable_object(metadata, metadata_bytes_max),
        _name_or_none(status),
    )


def _frozen_usage(record: UsageRecord, metadata_bytes_max: int) -> UsageRecord:
    texts: dict[str, Any] = {name: _name_or_none(getattr(record, name)) for name in _USAGE_TEXTS}
    tokens: dict[str, Any] = {name: storable_tokens(getattr(record, name)) for name in _USAGE_TOKENS}
    metadata = None if record.metadata is None else storable_object(record.metadata, metadata_bytes_max)
    return record._replace(
        **texts,
        **tokens,
        duration_ms=storable_number(record.duration_ms),
        cost_usd=storable_number(record.cost_usd),
        metadata=metadata,
    )


_USAGE_TEXTS = ("model", "layer", "provider", "operation", "ghost_id", "shell_id")
_USAGE_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


def _name_or_none(value: Any) -> str | None:
    return None if value is None else name_text(value)


def own_metadata(metadata: Any) -> Any:
    """A shallow copy, as long as can be stored: what its caller adds later is not in the record."""
    if metadata is None:
        return None
    try:
        if type(metadata) is dict and len(metadata) <= ENTRIES_MAX:
            return metadata.copy()
        if isinstance(metadata, Mapping):
            return dict(islice(metadata.items(), ENTRIES_MAX))
    except Exception:  # whatever a caller's object does when it is copied
        pass
    return metadata
