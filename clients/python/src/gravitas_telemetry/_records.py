"""Records as they wait in the queue, and the rules that make them storable (client.md, 1.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from numbers import Real
from typing import Any, NamedTuple, Union

METADATA_DEPTH_MAX = 32


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
    metadata: Mapping[str, Any] | None


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


def storable_text(value: Any) -> str:
    """UTF-8 can't hold half of a surrogate pair: it becomes U+FFFD, and a pair one character."""
    text = value if isinstance(value, str) else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    # A subclass, say of an enumeration, may have another idea of its text.
    return text if type(text) is str else str.__str__(text)


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


def storable_json(value: Any, depth: int = 1) -> Any:
    """What JSON has a form for; anything else becomes its text."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Real):
        return _storable_real(value)
    if isinstance(value, Mapping):
        return storable_object(value, depth)
    if isinstance(value, (list, tuple)):
        if depth > METADATA_DEPTH_MAX:
            raise Unstorable("metadata is nested too deeply")
        return [storable_json(item, depth + 1) for item in value]
    return storable_text(value)


def storable_object(value: Any, depth: int = 1) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unstorable(f"metadata is of type {type(value).__name__}, not a mapping")
    if depth > METADATA_DEPTH_MAX:
        raise Unstorable("metadata is nested too deeply")
    return {storable_text(key): storable_json(item, depth + 1) for key, item in value.items()}


def _storable_real(value: Real) -> float | str:
    try:
        number = float(value)
    except OverflowError:
        return storable_text(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
