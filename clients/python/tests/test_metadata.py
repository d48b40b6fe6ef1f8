"""Metadata of real programs: docs/specs/client.md, 1.5 to 1.7."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import random
import resource
import threading
import time
import uuid
from array import array
from collections import OrderedDict, UserDict, deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy
import pydantic
import pytest
from google.protobuf.json_format import MessageToDict, Parse

from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry
from gravitas_telemetry._composer import Composer
from gravitas_telemetry._counters import Counters
from gravitas_telemetry._generated.ingest_pb2 import LogBatchRequest
from gravitas_telemetry._records import own_metadata
from gravitas_telemetry._storable import METADATA_BYTES_MAX, storable_object

Stored = Callable[[], "list[Event]"]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Kind(str, enum.Enum):
    A = "a"


@dataclasses.dataclass
class Point:
    x: int
    inner: Any = None


class Model(pydantic.BaseModel):
    name: str = "m"
    at: datetime.date = datetime.date(2026, 1, 2)
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden")


class Raising:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Listing(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError


class Hidden(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        if key == "a":
            raise KeyError(key)
        return 1

    def __iter__(self) -> Iterator[str]:
        yield from "ab"

    def __len__(self) -> int:
        return 2


@dataclasses.dataclass
class Unset:
    x: int
    later: int = dataclasses.field(init=False)


def failure() -> BaseException:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        return error


class Several(Exception):
    """As groups of exceptions are, which Python 3.10 doesn't have."""

    exceptions = (KeyError(1),)


def several() -> BaseException:
    return Several("both")


FORMS: list[tuple[Any, Any]] = [
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (Kind.A, "a"),
    (numpy.float32(1.5), 1.5),
    (numpy.float64(2.5), 2.5),
    (numpy.int64(5), 5),
    (numpy.int64(2**60), str(2**60)),
    (numpy.bool_(True), True),
    (numpy.array([1, 2]), [1, 2]),
    (numpy.eye(2), [[1, 0], [0, 1]]),
    (numpy.array(7), 7),
    (numpy.array(["a"]), ["a"]),
    (numpy.array([float("nan")]), ["NaN"]),
    (numpy.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), [[1, 2.5]]),
    (numpy.datetime64("2026-01-02T03:04:05.000000001"), "2026-01-02T03:04:05"),
    (numpy.array(["2026-01-02"], dtype="datetime64[ns]"), ["2026-01-02T00:00:00"]),
    (numpy.clongdouble(1 + 2j), "(1+2j)"),
    (Point(1, Point(2)), {"x": 1, "inner": {"x": 2, "inner": None}}),
    (Model(), {"name": "m", "at": "2026-01-02", "secret": "**********"}),
    (datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone.utc), "2026-01-02T03:04:05.000006+00:00"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.time(3, 4), "03:04:00"),
    (decimal.Decimal("1.50"), "1.50"),
    (2**53, 2**53),
    (2**53 + 1, str(2**53 + 1)),
    (-(2**60), str(-(2**60))),
    (10**5000, hex(10**5000)),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Path("/x"), "/x"),
    (b"\x00x", "b'\\x00x'"),
    (bytearray(b"x"), "b'x'"),
    ({3}, [3]),
    (frozenset((3,)), [3]),
    (deque((1, 2)), [1, 2]),
    (range(3), [0, 1, 2]),
    (array("d", (1.5,)), [1.5]),
    ({"a": 1}.values(), [1]),
    ({"a": 1}.keys(), ["a"]),
    (namedtuple("N", "a b")(1, 2), [1, 2]),
    (UserDict({"a": 1}), {"a": 1}),
    (OrderedDict(a=1), {"a": 1}),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (failure(), {"type": "ValueError", "message": "outer", "cause": {"type": "KeyError", "message": "'inner'"}}),
    (several(), {"type": "Several", "message": "both", "errors": [{"type": "KeyError", "message": "1"}]}),
    (1 + 2j, "(1+2j)"),
    (Raising(), "<Raising>"),
    ([1, Raising(), 2], [1, "<Raising>", 2]),
    (Listing([1]), "<Listing>"),
    (Hidden(), {"a": "<KeyError>", "b": 1}),
    (Unset(1), {"x": 1, "later": "<AttributeError>"}),
    ({("a", 1): 2, None: 3, 1.5: 4, Raising(): 5}, {"('a', 1)": 2, "None": 3, "1.5": 4, "<Raising>": 5}),
    ({Colour.RED: 1}, {"red": 1}),
    ("\ud800", "\ufffd"),
    ({"\ud800": "\ud83d\ude00"}, {"\ufffd": "😀"}),
    (int, "<class 'int'>"),
    (True, True),
    (float("-inf"), "-Infinity"),
]


@pytest.mark.parametrize(("value", "form"), FORMS, ids=lambda each: str(type(each).__name__))
def test_the_form_of_each_kind(value: Any, form: Any) -> None:
    assert storable_object({"of": value}) == {"of": form}


def test_what_comes_back_is_the_form_from_the_queue_and_from_the_spool(
    url: str, gate: Gate, spool: Path, component: str, stored: Stored
) -> None:
    everything = {str(number): value for number, (value, _) in enumerate(FORMS)}
    expected = {str(number): form for number, (_, form) in enumerate(FORMS)}
    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("A", component, 1, everything)
        client.log("A", component, 2, Point(1))  # type: ignore[arg-type]
        client.log("A", component, 3, "text")  # type: ignore[arg-type]
        client.log("A", component, 4, Model())  # type: ignore[arg-type]
        growing = [1]
        client.log("A", component, 4.25, growing)  # type: ignore[arg-type]
        growing.append(2)
        client.log("A", component, 4.5, numpy.array([1, 2]))  # type: ignore[arg-type]
        assert client.flush().delivered == 6
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool) as client:
        client.log("A", component, 5, everything)
        assert client.flush().spooled == 1
        gate.open()
        eventually(lambda: client.counters()["delivered"] == 1)
    queue, point, text, model, grown, vector, spooled = sorted(stored(), key=lambda event: event.value or 0)
    assert queue.metadata == spooled.metadata == expected
    assert (point.metadata, text.metadata) == ({"x": 1, "inner": None}, {"value": "text"})
    assert model.metadata["name"] == "m"
    assert (grown.metadata, vector.metadata) == ({"value": [1]}, {"value": [1, 2]})


def json_size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


LARGE: list[tuple[str, Callable[[], Any]]] = [
    ("3 million floats", lambda: [number * 0.1 for number in range(3_000_000)]),
    ("whole numbers", lambda: list(range(300_000))),
    ("tiny numbers", lambda: [1.2345678901234567e-06] * 100_000),
    ("large numbers", lambda: [123456789012345678900.0] * 100_000),
    ("nulls", lambda: [None] * 300_000),
    ("a numpy array", lambda: numpy.zeros(3_000_000)),
    ("a matrix", lambda: numpy.zeros((2000, 2000))),
    ("numpy objects", lambda: numpy.array([{"a": "x" * 1000}] * 10_000)),
    ("long texts of numpy", lambda: numpy.array(["x" * 100_000] * 100)),
    ("an array", lambda: array("d", bytes(8 * 3_000_000))),
    ("a memoryview", lambda: memoryview(bytes(3_000_000))),
    ("bytes", lambda: b"\x00" * 3_000_000),
    ("a text", lambda: "x" * 3_000_000),
    ("control characters", lambda: "\x01" * 3_000_000),
    ("quotes", lambda: '"' * 3_000_000),
    ("wide characters", lambda: "😀" * 1_000_000),
    ("half pairs", lambda: "\ud800" * 1_000_000),
    ("a dict", lambda: {str(number): number for number in range(100_000)}),
    ("a set", lambda: set(range(100_000))),
    ("a deque", lambda: deque(range(100_000))),
    ("a range", lambda: range(10**15)),
    ("messages", lambda: [{"role": "user", "content": "x" * 1000}] * 100_000),
    ("lists in lists", lambda: [[[0] * 100] * 100] * 100),
    ("a long key", lambda: {"k" * 1_000_000: 1}),
    ("many long keys", lambda: {f"{number}{'k' * 2000}": 1 for number in range(1000)}),
]


def storable_in_time(value: Any) -> dict[str, Any]:
    """While time stands still: on a busy machine it may be over before anything is made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "thread_time", lambda: 0.0)
        return storable_object(value)


@pytest.mark.parametrize(("name", "make"), LARGE, ids=[name for name, _ in LARGE])
def test_what_is_large_is_cut_and_what_is_small_is_kept(name: str, make: Callable[[], Any]) -> None:
    value = {"first": 1, "large": make(), "last": "kept", "list": [1, 2]}
    before = time.thread_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stored = storable_object(value)
    took = time.thread_time() - before
    # In KiB. The most that there was so far includes the value itself.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 8 * 1024
    assert took < 0.5, "the promise is 0.05 s; a busy machine gets more"
    assert json_size(stored) <= METADATA_BYTES_MAX
    assert (stored["first"], stored["last"], stored["list"]) == (1, "kept", [1, 2])
    assert stored["telemetry_truncated"] is True
    # As much as fits, save where the number of values is the limit.
    if name not in ("nulls", "a long key"):
        assert METADATA_BYTES_MAX / 3 < json_size(storable_in_time(value)) <= METADATA_BYTES_MAX


@pytest.mark.parametrize(
    "whole",
    [
        {"large": "x" * 40_000, "smaller": "y" * 15_000},
        {"in it": {"large": "x" * 40_000, "smaller": "y" * 5000}, "list": list(range(1000))},
        {"list": ["x" * 40_000, "y" * 10_000, {"z": "z" * 5000}]},
        {str(number): ["x" * 4000 * number] for number in range(5)},
    ],
    ids=["texts", "an object beside a list", "a list", "lists"],
)
def test_what_fits_as_a_whole_is_kept_as_a_whole(whole: dict[str, Any]) -> None:
    assert storable_in_time(whole) == whole


def test_the_service_takes_all_of_them(url: str, spool: Path, component: str, stored: Stored) -> None:
    with Telemetry(url=url, spool_directory=spool, service_name="s" * 300, resource={"x": "\x01" * 9000}) as client:
        for number, (_, make) in enumerate(LARGE):
            assert client.log("A", component, number, {"large": make(), "number": number})
            assert client.flush(10)
        assert client.counters()["dropped"]["rejected"] == 0
    found = stored()
    assert values(found) == list(range(len(LARGE)))
    for event in found:
        assert event.metadata["number"] == event.value and event.metadata["resource"]


def test_log_copies_no_more_than_can_be_stored() -> None:
    large = {str(number): number for number in range(100_000)}
    copied = own_metadata(large)
    assert 10_000 < len(copied) < 20_000
    assert own_metadata({"a": 1}) == {"a": 1}


def test_what_contains_itself_loses_only_that() -> None:
    endless: dict[str, Any] = {"a": 1, "list": [1]}
    endless["self"] = endless
    endless["list"].append(endless["list"])
    shared = {"x": 1}
    endless["twice"] = [shared, shared]
    assert storable_object(endless) == {
        "a": 1,
        "list": [1, "<circular>"],
        "self": "<circular>",
        "twice": [shared, shared],
    }
    deep: Any = "bottom"
    for _ in range(100_000):
        deep = [deep]
    text = json.dumps(storable_object({"deep": deep, "a": 1}))
    assert "<too deep>" in text and text.count("[") == 31 and '"a": 1' in text


def test_what_takes_long_to_read_takes_no_longer_than_that_once() -> None:
    class Busy:
        def __str__(self) -> str:
            ends_at = time.thread_time() + 0.02
            while time.thread_time() < ends_at:
                pass
            return "done"

    stored = storable_object({str(number): Busy() for number in range(1000)})
    assert 1 <= list(stored.values()).count("done") <= 3
    assert list(stored.values()).count("<Busy>") >= 997


def test_what_changes_after_the_call_changes_no_batch(gate: Gate, spool: Path, component: str, stored: Stored) -> None:
    """Its two forms would differ under one id, and the service take the second for a conflict."""
    inner: dict[str, Any] = {"list": [1, 2, 3]}
    going_on = True

    def change() -> None:
        while going_on:
            inner["list"].append(random.random())
            inner[str(random.random())] = 1
            if len(inner) > 100:
                inner.clear()
                inner["list"] = []

    changing = threading.Thread(target=change)
    changing.start()
    gate.shut()
    try:
        with Telemetry(url=gate.url, spool_directory=spool) as client:
            for value in range(300):
                metadata = {"inner": inner, "n": value}
                assert client.log("A", component, value, metadata)
                metadata["n"] = -1
            assert client.flush(10).complete
    finally:
        going_on = False
        changing.join()
    for line in b"".join(file.read_bytes() for file in spool.glob("*.jsonl")).splitlines():
        sent = Parse(line, LogBatchRequest())
        assert [each.metadata["n"] for each in sent.events] == [each.value for each in sent.events]


def test_both_forms_of_a_batch_come_from_one_copy() -> None:
    inner = {"a": [1]}
    composer = Composer(10, 1 << 20, {"zone": "a"}, Counters())
    batch = composer.compose(deque([(0, "A", None, None, {"inner": inner, "e": Colour.RED}, None)]))
    assert batch
    inner["a"].append(2)
    sent = LogBatchRequest.FromString(batch.wire)
    assert sent == Parse(batch.json_line(), LogBatchRequest())
    assert MessageToDict(sent.events[0].metadata) == {"inner": {"a": [1]}, "e": "red", "resource": {"zone": "a"}}


@pytest.mark.parametrize("text", ["\x01", '"', "\\", "x", "ü", "😀", "\n"])
@pytest.mark.parametrize("length", [50, 5_000, 30_000])
def test_a_line_is_within_the_limit_of_the_service_however_escaped(text: str, length: int) -> None:
    composer = Composer(1000, 512 * 1024, None, Counters())
    records = 3_000_000 // (length + 200) if length > 50 else 2000
    queue: Any = deque((0, "A", text * 200, 1.0, {"text": text * length, "x": 1}, None) for _ in range(records))
    while queue:
        batch = composer.compose(queue)
        assert batch and len(batch.json_line()) <= 1792 * 1024


def test_a_resource_is_made_storable(url: str, spool: Path, component: str, stored: Stored) -> None:
    endless: dict[str, Any] = {"zone": Colour.RED, "at": datetime.date(2026, 1, 2), "big": 2**60, "huge": "x" * 10**6}
    endless["self"] = endless
    with Telemetry(url=url, spool_directory=spool, resource=endless) as client:
        client.log("A", component, 1)
        assert client.flush().delivered == 1
    [event] = stored()
    found = event.metadata["resource"]
    assert (found["zone"], found["at"], found["big"]) == ("red", "2026-01-02", str(2**60))
    assert found["self"]["zone"] == "red" and found["telemetry_truncated"] is True


def test_before_send_may_change_and_withhold(url: str, gate: Gate, spool: Path, component: str, stored: Stored) -> None:
    seen: list[dict[str, Any]] = []

    def redact(record: dict[str, Any]) -> dict[str, Any] | None:
        seen.append(dict(record))
        if record.get("value") == 2:
            return None
        if record.get("value") == 3:
            raise RuntimeError("the hook is broken")
        if record.get("value") == 4:
            return {"event_type": "A", "colour": "red"}
        record["metadata"].pop("password", None)
        record["metadata"]["inner"] = "redacted"
        return record

    mine = {"password": "p", "inner": {"a": 1}}
    for place in (url, gate.url):
        if place == gate.url:
            gate.shut()
        with Telemetry(url=place, spool_directory=spool, before_send=redact) as client:
            for value in range(1, 6):
                assert client.log("A", component, value, mine, "OK")
            client.log_usage(component, "L1", 1, 2, metadata=mine)
            assert client.flush()
            assert client.counters()["dropped"]["withheld"] == 3
        gate.open()
    assert mine == {"password": "p", "inner": {"a": 1}}
    eventually(lambda: len(deliver(url, spool, stored)) == 4)
    for event in stored():
        assert event.metadata == {"inner": "redacted"} and event.status == "OK"
    assert seen[0].keys() == {"event_type", "component", "value", "metadata", "status", "timestamp"}
    usage = seen[5]
    assert (usage["model"], usage["prompt_tokens"], usage["completion_tokens"]) == (component, 1, 2)
    assert isinstance(usage["timestamp"], datetime.datetime)


def test_what_before_send_gives_may_change_afterwards() -> None:
    shared = {"count": 0}

    def count(record: dict[str, Any]) -> dict[str, Any]:
        shared["count"] += 1
        return {**record, "metadata": shared}

    batch = Composer(10, 1 << 20, None, Counters(), count).compose(deque([(0, "A", None, None, None, None)] * 2))
    assert batch
    line = Parse(batch.json_line(), LogBatchRequest())
    assert line == LogBatchRequest.FromString(batch.wire)
    assert [event.metadata["count"] for event in line.events] == [1, 2]


def deliver(url: str, spool: Path, stored: Stored) -> list[Event]:
    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("NEXT_START")
        eventually(lambda: not list(spool.glob("*.jsonl")))
    return stored()
