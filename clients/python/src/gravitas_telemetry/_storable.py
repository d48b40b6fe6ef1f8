"""Makes whatever applications log storable: in bounds, and as much of it as fits (client.md, 1.5)."""

from __future__ import annotations

import array
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set, ValuesView
from datetime import date, datetime
from datetime import time as time_of_day
from enum import Enum
from numbers import Real
from typing import Any

from ._arrays import first_items, is_array, scalar_item
from ._entries import VALUES_MAX, entries_of, key_text, snapshot
from ._sizes import exponent_bytes, is_small, length, storable_text, text_size

METADATA_BYTES_MAX = 60 * 1024
DEPTH_MAX = 32
TRUNCATED = "telemetry_truncated"
INT_MAX = 1 << 53
"""Up to here a double holds every integer."""
_SECONDS_MAX = 0.015
_SECOND_SECONDS_MAX = 0.025
_KEY_BYTES_MAX = 1024
# More takes Python long to write as a decimal number, and newer ones refuse.
_DECIMAL_BITS_MAX = 13_000
# What is added to what is made: where it is no object it becomes the value of one.
_FRAME_BYTES = len(f'{{"value":,"{TRUNCATED}":true}}')


def storable_object(value: Any, bytes_max: int = METADATA_BYTES_MAX) -> dict[str, Any]:
    """An object of what JSON has a form for, in at most `bytes_max` of it. Never raises."""
    making = _Making(_SECONDS_MAX, is_sharing=False)
    made, _ = making.fit(value, bytes_max - _FRAME_BYTES, 1)
    if making.truncated:
        # It doesn't fit as a whole: what is large must leave room for the rest.
        making = _Making(_SECOND_SECONDS_MAX, is_sharing=True)
        made, _ = making.fit(value, bytes_max - _FRAME_BYTES, 1)
    storable = made if isinstance(made, dict) else {"value": made}
    if making.truncated:
        storable[TRUNCATED] = True
    return storable


class _Making:
    """Of one record. Sizes are bytes of JSON, with the comma that follows."""

    def __init__(self, seconds_max: float, is_sharing: bool) -> None:
        self.truncated = False
        self._is_sharing = is_sharing
        self._values = self._looks_at = 0
        self._is_late = False
        # Of its own time: a busy machine makes no difference to what is stored.
        self._ends_at = time.thread_time() + seconds_max
        self._inside: set[int] = set()

    def fit(self, value: Any, room: int, depth: int) -> tuple[Any, int]:
        """What `value` becomes and its size, which is more than `room` only where that is tiny."""
        kind = type(value)
        self._values += 1
        if kind is str:
            return self._text(value, room)
        if value is None or kind is bool:
            return value, 6
        if kind is int or kind is float:
            return self._number(value, room)
        try:
            return self._other(value, room, depth)
        except Exception:  # whatever an object does when it is read
            return self._text(f"<{kind.__name__}>", room)

    def _other(self, value: Any, room: int, depth: int) -> tuple[Any, int]:
        if isinstance(value, Enum):
            return self.fit(value.value, room, depth)
        if isinstance(value, str):
            return self._text(str.__str__(value), room)
        if is_array(value):
            return self._array(value, room, depth)
        if isinstance(value, int):
            return self._number(int(value), room)
        if isinstance(value, Real):
            return self._number(float(value), room)
        if isinstance(value, (datetime, date, time_of_day)):
            return self._text(value.isoformat(), room)
        if isinstance(value, (bytes, bytearray)):
            return self._text(str(bytes(self._first(value, room))), room)
        entries = entries_of(value)
        if entries is not None:
            return self._inside_of(value, depth, room, lambda: self._object(entries(), room, depth))
        if isinstance(value, (Sequence, Set, ValuesView, deque, array.array)):
            return self._inside_of(value, depth, room, lambda: self._list(snapshot(value), len(value), room, depth))
        if time.thread_time() > self._ends_at:
            raise TimeoutError
        return self._text(str(value), room)

    def _inside_of(self, value: Any, depth: int, room: int, make: Callable[[], tuple[Any, int]]) -> tuple[Any, int]:
        if id(value) in self._inside:
            return self._text("<circular>", room)
        if depth > DEPTH_MAX:
            return self._text("<too deep>", room)
        self._inside.add(id(value))
        try:
            return make()
        finally:
            self._inside.discard(id(value))

    def _array(self, value: Any, room: int, depth: int) -> tuple[Any, int]:
        if value.ndim == 0:
            item = scalar_item(value)
            if type(item) is not type(value):
                return self.fit(item, room, depth)
            return self._number(float(item), room) if isinstance(item, Real) else self._text(str(item), room)
        if hasattr(type(value), "columns"):
            return self._text(str(value), room)
        return self._inside_of(value, depth, room, lambda: self._list(first_items(value), len(value), room, depth))

    def _list(self, items: Iterable[Any], count: int, room: int, depth: int) -> tuple[list[Any], int]:
        kept: list[Any] = []
        size = 3
        cut = 0
        for item in items:
            left = room - size
            if left < 8 or self._is_over():
                break
            # One large item leaves room for those behind it.
            before, self.truncated = self.truncated, False
            is_alone = not self._is_sharing or count == 1 or is_small(item)
            made, made_size = self.fit(item, left if is_alone else left // 2, depth + 1)
            cut += self.truncated
            self.truncated |= before
            if made_size > left or cut > 1:
                break
            kept.append(made)
            size += made_size
        self.truncated |= len(kept) < count
        return kept, size

    def _object(self, entries: Iterable[tuple[Any, Any]], room: int, depth: int) -> tuple[dict[str, Any], int]:
        kept: dict[str, Any] = {}
        larger: list[tuple[str, Any]] = []
        size = 3
        for key, item in entries:
            name, name_size = self._text(key if type(key) is str else key_text(key), _KEY_BYTES_MAX)
            if self._is_over() or size + name_size + 8 > room:
                self.truncated = True
                break
            if not is_small(item):
                kept[name] = None
                larger.append((name, item))
                size += name_size
                continue
            made, made_size = self.fit(item, room, depth + 1)
            if size + name_size + made_size > room:
                self.truncated = True
                continue
            kept[name] = made
            size += name_size + made_size
        larger.sort(key=lambda entry: length(entry[1]))
        for position, (name, item) in enumerate(larger):
            share = (room - size) // (len(larger) - position if self._is_sharing else 1)
            made, made_size = self.fit(item, share, depth + 1)
            if made_size > max(share, 8):
                self.truncated = True
                del kept[name]
                continue
            kept[name] = made
            size += made_size
        return kept, size

    def _number(self, value: int | float, room: int) -> tuple[Any, int]:
        if isinstance(value, float):
            if not math.isfinite(value):
                return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity", 12
            return value, len(repr(value)) + exponent_bytes(abs(value)) + 1
        if -INT_MAX <= value <= INT_MAX:
            return value, len(str(value)) + 1
        return self._text(str(value) if value.bit_length() <= _DECIMAL_BITS_MAX else hex(value), room)

    def _text(self, value: str, room: int) -> tuple[str, int]:
        text = storable_text(self._first(value, room))
        size = text_size(text)
        while size > room and text:
            self.truncated = True
            text = text[: min(len(text) - 1, len(text) * room // size)]
            size = text_size(text)
        return text, size

    def _first(self, value: Any, count: int) -> Any:
        if len(value) <= count:
            return value
        self.truncated = True
        return value[: max(count, 0)]

    def _is_over(self) -> bool:
        if self._values >= self._looks_at:
            # Asking for the time takes longer than making a value.
            self._looks_at = self._values + 100
            self._is_late = time.thread_time() > self._ends_at
        return self._is_late or self._values >= VALUES_MAX
