"""Measures one way in a process of its own: python measure.py WAY URL CALLS CALLS_PER_SECOND"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from ways import PostEach, library, opentelemetry

logging.disable(logging.CRITICAL)


def percentile(sorted_values: list[int], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))] / 1000


def result(durations_ns: list[int], cpu_s: float, **more: Any) -> None:
    durations_ns.sort()
    print(
        json.dumps(
            {
                "p50_us": percentile(durations_ns, 0.5),
                "p99_us": percentile(durations_ns, 0.99),
                "p999_us": percentile(durations_ns, 0.999),
                "cpu_us": cpu_s / len(durations_ns) * 1e6,
                **more,
            }
        )
    )


def call_timed(call: Callable[[], object], calls: int, per_second: int) -> list[int]:
    now = time.perf_counter_ns
    durations = []
    begun = time.perf_counter()
    for number in range(calls):
        if per_second:
            time.sleep(max(begun + number / per_second - time.perf_counter(), 0))
        before = now()
        call()
        durations.append(now() - before)
    return durations


def threaded(way: str, url: str, calls: int, per_second: int) -> None:
    call, end = (library if way == "library" else opentelemetry)(url, calls)
    # The first call starts a thread, which is paid once.
    call()
    time.sleep(0.2)
    gc.collect()
    cpu = time.process_time()
    durations = call_timed(call, calls, per_second)
    counts = end()
    result(durations, time.process_time() - cpu, counts=counts)


async def posts(url: str, calls: int, per_second: int) -> None:
    way = PostEach(url)
    now = time.perf_counter_ns
    durations = []
    cpu = time.process_time()
    begun = time.perf_counter()
    for number in range(calls):
        if per_second:
            await asyncio.sleep(max(begun + number / per_second - time.perf_counter(), 0))
        before = now()
        way.call()
        durations.append(now() - before)
    await way.end()
    result(durations, time.process_time() - cpu)


if __name__ == "__main__":
    way, url, calls, per_second = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if way == "post":
        asyncio.run(posts(url, calls, per_second))
    else:
        threaded(way, url, calls, per_second)
