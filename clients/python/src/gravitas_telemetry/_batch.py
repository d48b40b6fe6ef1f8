"""Batches: what is sent, in the two forms in which it may travel (docs/specs/client.md, 2)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict

from ._complaints import complain
from ._counters import Counters
from ._generated.ingest_pb2 import LogBatchRequest
from ._records import (
    EventRecord,
    Record,
    UsageRecord,
    storable_number,
    storable_object,
    storable_text,
    storable_tokens,
)
from ._uuid7 import uuid7
from ._wire import delimited, event_bytes, resource_entry, usage_bytes

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Batch:
    """Its id and its composition never change, whatever way it is sent, and however often."""

    id: str
    records: list[Record]
    wire: bytes
    resource: Mapping[str, Any] | None

    def json_line(self) -> bytes:
        """LogBatchRequest as proto3 JSON, with the names of the .proto, and a line feed."""
        try:
            message = self._message()
        except Exception:
            # Something inside of metadata has changed since: its caller owns it. This is slow and sure.
            sent = LogBatchRequest.FromString(self.wire)
            message = MessageToDict(sent, preserving_proto_field_name=True)
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] = {"batch_id": self.id}
        events = [_event_json(each, self.resource) for each in self.records if not isinstance(each, UsageRecord)]
        usage = [_usage_json(each, self.resource) for each in self.records if isinstance(each, UsageRecord)]
        if events:
            message["events"] = events
        if usage:
            message["usage"] = usage
        return message


class Composer:
    """Makes batches of what is in the queue."""

    def __init__(self, events_max: int, bytes_max: int, resource: Mapping[str, Any] | None, counters: Counters) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._resource = storable_object(resource) if resource else None
        self._resource_entry = resource_entry(self._resource)
        self._counters = counters

    def compose(self, queue: deque[Record]) -> Batch | None:
        """Takes from the queue what makes one batch; None where nothing of it is storable."""
        records: list[Record] = []
        batch_id = uuid7()
        parts = [delimited(b"\x0a", batch_id.encode())]
        size = 0
        drained = 0
        while drained < self._events_max and size < self._bytes_max:
            try:
                record = queue.popleft()
            except IndexError:
                break
            drained += 1
            encoded = self._encode(record)
            if encoded is not None:
                records.append(record)
                parts.append(encoded)
                size += len(encoded)
        self._counters.add("drained", drained)
        return Batch(batch_id, records, b"".join(parts), self._resource) if records else None

    def _encode(self, record: Record) -> bytes | None:
        try:
            encoded = (
                usage_bytes(record, self._resource_entry)
                if isinstance(record, UsageRecord)
                else event_bytes(record, self._resource_entry)
            )
            if len(encoded) <= self._bytes_max:
                return encoded
            reason = f"is {len(encoded)} bytes long; at most {self._bytes_max} are allowed"
        except Exception as error:  # whatever a caller's object does when it is asked for its text
            reason = str(error)
        self._counters.drop("invalid")
        complain("invalid", f"a record can't be sent and is dropped: {reason}")
        return None


def _event_json(record: EventRecord, resource: Mapping[str, Any] | None) -> dict[str, Any]:
    time_ns, event_type, component, value, metadata, status = record
    return _without_absent(
        {
            "event_type": storable_text(event_type),
            "component": _text(component),
            "value": storable_number(value),
            "metadata": _metadata(metadata, resource),
            "status": _text(status),
            "timestamp": _timestamp(time_ns),
        }
    )


def _usage_json(record: UsageRecord, resource: Mapping[str, Any] | None) -> dict[str, Any]:
    return _without_absent(
        {
            "model": storable_text(record.model),
            "layer": _text(record.layer),
            "provider": _text(record.provider),
            "operation": _text(record.operation),
            "input_tokens": _tokens(record.input_tokens),
            "output_tokens": _tokens(record.output_tokens),
            "cached_tokens": _tokens(record.cached_tokens),
            "reasoning_tokens": _tokens(record.reasoning_tokens),
            "duration_ms": storable_number(record.duration_ms),
            "cost_usd": storable_number(record.cost_usd),
            "ghost_id": _text(record.ghost_id),
            "shell_id": _text(record.shell_id),
            "metadata": _metadata(record.metadata, resource),
            "timestamp": _timestamp(record.time_ns),
        }
    )


def _without_absent(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: Any) -> str | None:
    return None if value is None else storable_text(value) or None


def _tokens(value: Any) -> int | None:
    return storable_tokens(value) or None


def _metadata(metadata: Any, resource: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if metadata is None and resource is None:
        return None
    storable = storable_object(metadata) if metadata is not None else {}
    if resource is not None:
        storable.setdefault("resource", resource)
    return storable


def _timestamp(time_ns: int) -> str:
    """RFC 3339 with microseconds."""
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).isoformat(timespec="microseconds") + "Z"
