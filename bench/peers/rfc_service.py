"""The RFC's own design: FastAPI, a queue in memory, and asyncpg writing batches from it.

PostgreSQL is found through PGHOST, PGUSER and PGDATABASE; BATCH_ROWS is how many rows are written
together. A post is answered when it is in the queue: it is not durable then.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

QUEUE_EVENTS = 10_000
BATCH_ROWS = int(os.environ.get("BATCH_ROWS", "50"))
INSERT = """
    insert into system_telemetry (event_type, component, value, metadata, status)
    values ($1, $2, $3, $4, $5)
"""


class Event(BaseModel):
    event_type: str
    component: str | None = None
    value: float | None = None
    metadata: dict[str, Any] | None = None
    status: str | None = None


queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_EVENTS)


async def write_batches(pool: asyncpg.Pool) -> None:
    while True:
        batch = [await queue.get()]
        while len(batch) < BATCH_ROWS and not queue.empty():
            batch.append(queue.get_nowait())
        rows = [
            (e.event_type, e.component, e.value, json.dumps(e.metadata or {}), e.status)
            for e in batch
        ]
        async with pool.acquire() as connection:
            # One transaction.
            await connection.executemany(INSERT, rows)
        for _ in batch:
            queue.task_done()


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(min_size=1, max_size=4) as pool:
        writer = asyncio.create_task(write_batches(pool))
        yield
        await queue.join()
        writer.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/telemetry/log")
async def log(event: Event) -> dict[str, Any]:
    try:
        queue.put_nowait(event)
    except asyncio.QueueFull:
        raise HTTPException(503, "the queue is full") from None
    return {"success": True, "message": "queued"}


@app.get("/health")
async def health() -> dict[str, Any]:
    return {"status": "ok", "queue_depth": queue.qsize()}
