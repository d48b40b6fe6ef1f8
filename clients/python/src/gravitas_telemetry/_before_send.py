"""Records as `before_send` gets and gives them: by the names of what was logged (client.md, 1.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from ._records import Record, UsageRecord, own_metadata, to_time_ns
from ._storable import storable_object

BeforeSend = Callable[[dict[str, Any]], Optional[Mapping[str, Any]]]
"""Called with a record, changed or not, on its way: gives it back, or None to drop it."""

_EVENT = ("event_type", "component", "value", "metadata", "status")
# As `log_usage` calls them.
_USAGE = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def fields_of(record: Record) -> dict[str, Any]:
    if isinstance(record, UsageRecord):
        fields = {_USAGE.get(name, name): value for name, value in record._asdict().items()}
        time_ns = fields.pop("time_ns")
    else:
        time_ns, *values = record
        fields = dict(zip(_EVENT, values))
    metadata = fields["metadata"]
    fields["metadata"] = {} if metadata is None else storable_object(metadata)
    fields["timestamp"] = _EPOCH + timedelta(microseconds=time_ns // 1000)
    return fields


def record_of(fields: Mapping[str, Any]) -> Record:
    """ValueError where the fields are not those of a record."""
    known = {"timestamp", *_EVENT} if "event_type" in fields else {"timestamp", *map(_usage_name, UsageRecord._fields[1:])}
    unknown = sorted(map(str, fields.keys() - known))
    if unknown:
        raise ValueError(f"before_send gave the unknown field {unknown[0]}")
    time_ns = to_time_ns(fields["timestamp"])
    # Whoever gives it may go on changing it.
    metadata = own_metadata(fields.get("metadata"))
    if isinstance(metadata, dict) and not metadata:
        metadata = None
    if "event_type" in fields:
        rest = {**fields, "metadata": metadata}
        return (time_ns, *(rest.get(name) for name in _EVENT))  # type: ignore[return-value]
    values = {name: fields.get(_usage_name(name)) for name in UsageRecord._fields[1:]}
    return UsageRecord(time_ns, **{**values, "metadata": metadata})


def _usage_name(name: str) -> str:
    return _USAGE.get(name, name)
