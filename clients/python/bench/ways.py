"""Three ways to log an event: this library, the OpenTelemetry SDK, and a post of httpx for each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

METADATA = {"gpu_id": 0, "total_vram_gb": 24.0, "used_vram_gb": 11.5}
EVENT = {"event_type": "VRAM_CHECK", "component": "L1", "value": 12.5, "metadata": METADATA, "status": "OK"}

Call = Callable[[], object]


def library(url: str, calls: int) -> tuple[Call, Callable[[], dict[str, Any]]]:
    from gravitas_telemetry import Telemetry

    # Flat out a caller is faster than any sender: with room for all, no cheap refusal is measured.
    telemetry = Telemetry(url=url, spool_directory=os.environ["SPOOL"], queue_events_max=calls + 1000)

    def call() -> object:
        return telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata=METADATA, status="OK")

    def end() -> dict[str, Any]:
        telemetry.close()
        return dict(telemetry.counters())

    return call, end


def opentelemetry(url: str, calls: int) -> tuple[Call, Callable[[], dict[str, Any]]]:
    """With an exporter that does nothing, which is the best case: no service makes it wait."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult

    class Nowhere(LogRecordExporter):
        def export(self, batch: Any) -> LogRecordExportResult:
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(Nowhere()))
    logger = provider.get_logger("bench")
    from time import time_ns

    def call() -> object:
        attributes = {"component": "L1", "value": 12.5, "status": "OK", **METADATA}
        record = LogRecord(
            timestamp=time_ns(), severity_number=SeverityNumber.INFO, body="VRAM_CHECK", attributes=attributes
        )
        return logger.emit(record)

    def end() -> dict[str, Any]:
        provider.shutdown()
        return {}

    return call, end


class PostEach:
    """As the RFC has it: an asynchronous request for each event, fire and forget."""

    def __init__(self, url: str) -> None:
        import httpx

        self._client = httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(2, connect=1))
        self._tasks: set[asyncio.Task[None]] = set()

    def call(self) -> object:
        task = asyncio.get_running_loop().create_task(self._post())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _post(self) -> None:
        import httpx

        try:
            await self._client.post("/v1/telemetry/log", json=EVENT)
        except httpx.HTTPError:
            pass

    async def end(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await self._client.aclose()
