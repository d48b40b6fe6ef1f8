"""How the collectors fare, and records as they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .events import Event
from .usage import Usage


@dataclass(frozen=True)
class HealthReason:
    part: str
    """Such as commit, spool or rollups: docs/failures.md."""
    reason: str
    """For people."""
    since: datetime | None
    blocking: bool
    """Whether it keeps the collector from its work."""


@dataclass(frozen=True)
class ServiceRates:
    """In one second."""

    received: float
    stored: float
    rejected: float
    refused: float
    requests: float


@dataclass(frozen=True)
class AckLatency:
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True)
class RecordLedger:
    """Records by what became of them: received + recovered is the sum of all others."""

    received: int
    recovered: int
    """Found in the spool at its start."""
    stored: int
    duplicate: int
    rejected: int
    refused: int
    dead_lettered: int
    pending: int
    erased: int
    """Of somebody whose records were erased meanwhile: they are not stored."""


@dataclass(frozen=True)
class KeyActivity:
    """What callers with keys of one name do."""

    name: str
    """Empty for callers without a key."""
    scopes: list[str]
    streams: int
    requests: int
    records: int
    records_refused: int
    queries: int
    records_per_second: float
    quota_share: float | None
    """Of its limit of records, from 0 on; None without limit."""
    last_used_at: datetime | None


@dataclass(frozen=True)
class ServiceSample:
    """A minute of a collector."""

    time: datetime | None
    stored_per_second: float
    received_per_second: float
    ack_p50_ms: float | None
    ack_p99_ms: float | None
    lag_ms: float
    queue_records: int
    spool_records: int


@dataclass(frozen=True)
class Collector:
    """What a collector says of itself."""

    id: str
    """A UUID, another one after each start."""
    host: str
    """The host that it runs on."""
    version: str
    started_at: datetime | None
    seen_at: datetime | None
    """When it said this."""
    answering: bool
    """Whether it is the one that answers."""
    away: bool
    """Whether it has said nothing for longer than it should."""
    ready: bool
    """Whether it takes data, be it into its spool."""
    reasons: list[HealthReason]
    """What should be looked at."""
    rates: ServiceRates | None
    """Of the last minute."""
    ack_latency_ms: AckLatency | None
    """From the receipt of records to their acknowledgement, in milliseconds, of the last minute; those of streams
    apart."""
    lag_ms: float
    """How old the oldest is that waits in the spool, in milliseconds; 0 without any."""
    queue_records: int
    """Records that wait in memory; while there are some in the spool, they are counted with these."""
    queue_bytes: int
    spool_records: int
    spool_bytes: int
    spool_bytes_max: int
    streams: int
    """Calls that last, of clients that send."""
    tails: int
    """Clients that watch by Tail."""
    connections: int
    ledger: RecordLedger | None
    """What became of all records since its start."""
    keys: list[KeyActivity]
    """Who calls, most records first, at most 100."""
    memory_bytes: int
    cpu: float
    """Of one core, from 0 on, in the last minute."""
    disk_bytes: int
    """Of the disk that the spool is on; 0 where that is not known."""
    disk_free_bytes: int
    samples: list[ServiceSample]
    """One for each minute of the last hour, oldest first."""


@dataclass(frozen=True)
class Service:
    """How the collectors fare."""

    as_of: datetime | None
    """The moment of the answer."""
    collectors: list[Collector]
    """Each collector on the database that was there within the last hour: the one that answers first, then by name.
    What others say of themselves is at most some seconds old."""
    key_name: str = ""
    """The name of the key by which this is asked; empty without a key."""


@dataclass(frozen=True)
class TailRecord:
    event: Event | None
    usage: Usage | None
    observed_at: datetime | None
    """When a collector took it."""


@dataclass(frozen=True)
class TailBatch:
    """Some records, in the order in which they became visible. One without records says now and then that the stream
    is alive."""

    records: list[TailRecord]
    skipped: int
    """Records that met the filters and were left out since the message before, since there were too many of them or
    the reader was too slow."""
    skipped_in_all: int
    """The same since the beginning."""
    as_of: datetime | None
    """What was committed before is told, or skipped."""
