"""Batches: what is sent, in the two forms in which it may travel (docs/specs/client.md, 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ._records import USAGE_AMOUNTS, USAGE_TEXTS, USAGE_TOKENS, EventRecord, Record, UsageRecord
from ._sizes import storable_text
from ._uuid7 import half_id
from ._encodings import delimited

# As json.dumps makes one for each call.
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Batch:
    """Its id and its composition never change, whatever way it is sent, and however often."""

    id: str
    records: list[Record]
    """Frozen, or of plain values and a flat copy of metadata, so that both forms say the same."""
    encodings: list[bytes]
    """Of each record, as an entry of a LogBatchRequest."""
    resource: dict[str, Any] | None

    @property
    def wire(self) -> bytes:
        """LogBatchRequest in the encoding of protobuf."""
        return b"".join([delimited(b"\x0a", self.id.encode()), *self.encodings])

    def json_line(self) -> bytes:
        """LogBatchRequest as proto3 JSON, with the names of the .proto, and a line feed."""
        usage = [each for each in self.records if isinstance(each, UsageRecord)]
        events = [each for each in self.records if not isinstance(each, UsageRecord)] if usage else self.records
        parts = [b'{"batch_id":"%s"' % self.id.encode()]
        for name, records in ((b"events", events), (b"usage", usage)):
            if records:
                parts.append(b',"%s":[' % name + b",".join([record_json(each, self.resource) for each in records]) + b"]")
        return b"".join(parts) + b"}\n"

    def halves(self) -> list[Batch]:
        """The same records in two batches, whose ids anybody would choose; none where there is one record."""
        pairs = sorted(zip(self.records, self.encodings), key=lambda pair: isinstance(pair[0], UsageRecord))
        middle = (len(pairs) + 1) // 2
        return [
            Batch(half_id(self.id, half), [each for each, _ in part], [each for _, each in part], self.resource)
            for half, part in enumerate((pairs[:middle], pairs[middle:]))
            if middle < len(pairs)
        ]


def record_json(record: Record, resource: dict[str, Any] | None) -> bytes:
    fields = _usage_json(record, resource) if isinstance(record, UsageRecord) else _event_json(record, resource)
    return _to_json(fields).encode()


def _event_json(record: EventRecord, resource: dict[str, Any] | None) -> dict[str, Any]:
    time_ns, event_type, component, value, metadata, status = record
    return _without_absent(
        {
            "event_type": storable_text(event_type),
            "component": _text(component),
            "value": None if value is None else float(value),
            "metadata": _metadata(metadata, resource),
            "status": _text(status),
            "timestamp": _timestamp(time_ns),
        }
    )


def _usage_json(record: UsageRecord, resource: dict[str, Any] | None) -> dict[str, Any]:
    return {
        **{name: value for name in (*USAGE_TEXTS, *USAGE_TOKENS) if (value := getattr(record, name))},
        **_without_absent(
            {
                **{name: getattr(record, name) for name in USAGE_AMOUNTS},
                "metadata": _metadata(record.metadata, resource),
                "timestamp": _timestamp(record.time_ns),
            }
        ),
    }


def _without_absent(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: str | None) -> str | None:
    return None if value is None else storable_text(value) or None


def _metadata(metadata: dict[str, Any] | None, resource: dict[str, Any] | None) -> dict[str, Any] | None:
    if resource is None:
        return metadata
    return {**(metadata or {}), "resource": (metadata or {}).get("resource", resource)}


def _timestamp(time_ns: int) -> str:
    """RFC 3339 with microseconds."""
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).isoformat(timespec="microseconds") + "Z"
