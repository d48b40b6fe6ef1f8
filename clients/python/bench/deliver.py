"""Delivers events as fast as one process can: python deliver.py TRANSPORT URL EVENTS; or holds them."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time

from gravitas_telemetry import Telemetry
from ways import METADATA

logging.disable(logging.CRITICAL)


def resident_mib() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


transport, url, events = sys.argv[1], sys.argv[2], int(sys.argv[3])
telemetry = Telemetry(url=url, transport=transport, spool_directory=os.environ["SPOOL"])  # type: ignore[arg-type]
telemetry.log("FIRST")
telemetry.flush()
before_mib = resident_mib()
most_mib = before_mib
refused = 0
cpu = time.process_time()
begun = time.perf_counter()
for number in range(events):
    # A producer that would rather wait than lose.
    while not telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata=dict(METADATA), status="OK"):
        refused += 1
        if os.environ.get("DROP"):
            break
        time.sleep(0.005)
    if number % 10_000 == 0:
        most_mib = max(most_mib, resident_mib())
telemetry.flush(60)
seconds = time.perf_counter() - begun
cpu_s = time.process_time() - cpu
print(
    json.dumps(
        {
            "events_per_second": events / seconds,
            "cpu_us": cpu_s / events * 1e6,
            "before_mib": before_mib,
            "most_mib": most_mib,
            "refused": refused,
            "counts": telemetry.counters(),
        }
    )
)
telemetry.close()
