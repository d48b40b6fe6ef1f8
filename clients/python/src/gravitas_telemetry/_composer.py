"""Makes batches of what is in the queue (docs/specs/client.md, 2.1)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from ._batch import Batch, record_json
from ._before_send import BeforeSend, fields_of, record_of
from ._complaints import complain
from ._counters import Counters
from ._records import Record, Unstorable, UsageRecord, frozen
from ._storable import METADATA_BYTES_MAX, storable_object
from ._uuid7 import uuid7
from ._wire import event_bytes, plain_event_bytes, resource_entry, usage_bytes

RESOURCE_BYTES_MAX = 8 * 1024
# A line of the spool stays below what the service takes, 2 MiB.
_LINE_BYTES_MAX = 1280 * 1024
_RECORD_LINE_BYTES_MAX = 512 * 1024
# JSON is no longer than so many times the encoding: names of fields, and control characters of six bytes.
_ESCAPING_MAX = 7


class Composer:
    def __init__(
        self,
        events_max: int,
        bytes_max: int,
        resource: Mapping[str, Any] | None,
        counters: Counters,
        before_send: BeforeSend | None = None,
    ) -> None:
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._resource = storable_object(resource, RESOURCE_BYTES_MAX) if resource else None
        self._resource_entry = resource_entry(self._resource)
        self._metadata_bytes_max = METADATA_BYTES_MAX - len(json.dumps(self._resource))
        self._counters = counters
        self._before_send = before_send

    def compose(self, queue: deque[Record]) -> Batch | None:
        """Takes from the queue what makes one batch; None where nothing of it is storable."""
        batch = Batch(uuid7(), [], [], self._resource)
        size = line_bytes = measured = drained = 0
        while drained < self._events_max and size < self._bytes_max and line_bytes < _LINE_BYTES_MAX:
            try:
                record = queue.popleft()
            except IndexError:
                break
            drained += 1
            try:
                encoded = self._add(record, batch)
            except KeyboardInterrupt:
                queue.appendleft(record)
                raise
            except BaseException as error:  # whatever a caller's object does when it is asked for its text
                self._drop("invalid", f"a record can't be sent and is dropped: {error}")
                continue
            size += encoded
            if size * _ESCAPING_MAX > _LINE_BYTES_MAX:
                line_bytes += sum(len(record_json(each, self._resource)) for each in batch.records[measured:])
                measured = len(batch.records)
        self._counters.add("drained", drained)
        return batch if batch.records else None

    def _add(self, record: Record, batch: Batch) -> int:
        """Adds what becomes of the record; gives the bytes of that."""
        if self._before_send:
            changed = self._changed(record)
            if changed is None:
                return 0
            record = changed
        encoded = None if isinstance(record, UsageRecord) else self._plain(record)
        if encoded is None:
            record = frozen(record, self._metadata_bytes_max)
            encode = usage_bytes if isinstance(record, UsageRecord) else event_bytes
            encoded = encode(record, self._resource_entry)  # type: ignore[arg-type]
        if len(encoded) * _ESCAPING_MAX > _RECORD_LINE_BYTES_MAX:
            line_bytes = len(record_json(record, self._resource))
            if line_bytes > _RECORD_LINE_BYTES_MAX:
                raise Unstorable(f"it is {line_bytes} bytes long as JSON; at most {_RECORD_LINE_BYTES_MAX} are allowed")
        batch.records.append(record)
        batch.encodings.append(encoded)
        return len(encoded)

    def _plain(self, record: Any) -> bytes | None:
        try:
            return plain_event_bytes(record, self._resource_entry)
        except Unstorable:
            # Where there is no way, it is found again.
            return None

    def _changed(self, record: Record) -> Record | None:
        assert self._before_send
        try:
            given = self._before_send(fields_of(record))
            if given is not None:
                return record_of(given)
            self._counters.drop("withheld")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit(), say, and what ends tasks and greenlets
            # What is to be redacted is not sent as it is.
            self._drop("withheld", f"before_send failed, and the record is dropped: {error!r}")
        return None

    def _drop(self, reason: Any, message: str) -> None:
        self._counters.drop(reason)
        complain(reason, message)
