"""Both forms of a batch, written by hand, are what the generated messages make of them."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from google.protobuf.json_format import Parse

from gravitas_telemetry._composer import Composer
from gravitas_telemetry._counters import Counters
from gravitas_telemetry._generated.ingest_pb2 import LogBatchRequest
from gravitas_telemetry._records import Record, UsageRecord

TEXTS = ["", "L1", "ü" * 40, "x" * 127, "y" * 128, "z" * 20_000, "\0\x01\x1f\"\\", "\ud83d\ude00", "half \udc00", "😀"]
NUMBERS: list[Any] = [0, -0.0, 1, -1, 127, 128, 2**53, 2**60, -(2**63), 1.5, 1e308, 5e-324, True, False]


def any_json(random: random.Random, depth: int) -> Any:
    kind = random.randrange(7 if depth < 5 else 4)
    if kind < 2:
        return random.choice(NUMBERS)
    if kind == 2:
        return random.choice(TEXTS)
    if kind == 3:
        return random.choice([None, float("nan"), float("inf"), {1, 2}.__len__(), b"bytes"])
    if kind == 4:
        return [any_json(random, depth + 1) for _ in range(random.randrange(5))]
    return any_object(random, depth + 1)


def any_object(random: random.Random, depth: int = 0) -> dict[Any, Any]:
    keys = [*TEXTS, "resource", 1, None, 2.5]
    return {random.choice(keys): any_json(random, depth + 1) for _ in range(random.randrange(6))}


def any_record(random: random.Random) -> Record:
    time_ns = random.choice([0, 1, 999, 1_795_559_312_123_456_789, 32_503_680_000 * 10**9, -1, -62_135_596_800 * 10**9])
    metadata = random.choice([None, {}, any_object(random)])
    text = lambda: random.choice([None, *TEXTS])  # noqa: E731
    number = lambda: random.choice([None, *NUMBERS])  # noqa: E731
    if random.random() < 0.5:
        return (time_ns, random.choice(TEXTS[1:]), text(), number(), metadata, text())
    tokens = [random.choice([0, 1, 300, 2**40]) for _ in range(4)]
    return UsageRecord(
        time_ns,
        random.choice(TEXTS[1:]),
        *(text() for _ in range(3)),
        *tokens,
        number(),
        number(),
        text(),
        text(),
        metadata,
        *random.sample(tokens, 2),
        *(text() for _ in range(9)),
        number(),
        *(text() for _ in range(5)),
    )


def test_wire_and_json_say_the_same() -> None:
    seeded = random.Random(7)
    resources = [None, {"service.name": "router", "nested": {"a": [1]}}]
    for turn in range(400):
        records = deque(any_record(seeded) for _ in range(5))
        counters = Counters()
        batch = Composer(1000, 10_000_000, resources[turn % 2], counters).compose(records)
        assert batch is not None
        assert counters.counts(0)["dropped"]["invalid"] == 0
        sent = LogBatchRequest.FromString(batch.wire)
        line = batch.json_line()
        assert line.startswith(b'{"batch_id":"' + batch.id.encode()) and line.count(b"\n") == 1
        assert sent == Parse(line, LogBatchRequest())
        assert sent.batch_id == batch.id
        assert len(sent.events) + len(sent.usage) == 5


def test_a_batch_has_bounds() -> None:
    composer = Composer(10, 1000, None, Counters())
    queue: deque[Record] = deque((0, "A", "x" * 200, None, None, None) for _ in range(25))
    sizes = []
    while queue:
        batch = composer.compose(queue)
        assert batch is not None
        sizes.append(len(batch.records))
    assert sizes == [5, 5, 5, 5, 5]
    queue.extend((0, "A", None, None, None, None) for _ in range(12))
    batch = composer.compose(queue)
    assert batch is not None and len(batch.records) == 10


def test_the_line_is_what_was_sent_when_the_caller_has_changed_it_since() -> None:
    inner: dict[str, Any] = {"n": 1}
    record: Record = (1_795_559_312_123_456_789, "A", "L1", 0.5, {"of": inner}, None)
    batch = Composer(10, 1000, None, Counters()).compose(deque([record]))
    assert batch is not None
    inner["n"] = inner
    assert LogBatchRequest.FromString(batch.wire) == Parse(batch.json_line(), LogBatchRequest())
    assert batch.json_line().startswith(b'{"batch_id":')
