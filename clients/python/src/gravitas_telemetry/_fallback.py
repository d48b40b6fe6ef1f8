"""Where batches go that could not be delivered, other than the spool (docs/specs/client.md, 4.1)."""

from __future__ import annotations

import json
import logging
import sys

from ._batch import Batch
from ._complaints import complain, quiet_at_exit
from ._counters import Counters
from ._options import Fallback
from ._spool import Spool

# Warnings are shown even where the application has configured no logging.
_records_logger = logging.getLogger("gravitas_telemetry.records")


def fall_back(batch: Batch, way: Fallback, spool: Spool | None, counters: Counters) -> None:
    records = len(batch.records)
    if spool:
        spool.append(batch.json_line(), records)
        return
    if way == "none":
        counters.lose("unreachable", records)
        complain("unreachable", f"the service can't be reached: {records} records are dropped")
        return
    line = batch.json_line().decode().rstrip("\n")
    try:
        if way == "stdout":
            _print(line)
        else:
            with quiet_at_exit():
                _records_logger.warning("%s", line)
    except Exception as error:  # of a closed stream, or of a handler of the application
        counters.lose("unreachable", records)
        complain("unreachable", f"{records} records can't be written to {way} and are dropped: {error}")
    else:
        counters.add("handed_over", records)


def _print(line: str) -> None:
    if sys.stdout is None:
        raise OSError("there is no stdout")
    try:
        print(line, flush=True)
    except UnicodeEncodeError:
        # Escaped it says the same.
        print(json.dumps(json.loads(line)), flush=True)
