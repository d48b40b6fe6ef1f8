"""What the store takes, and what there is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .answers import AnswerSource
from .usage import PriceEdition


@dataclass(frozen=True)
class TableSize:
    table_name: str
    total_bytes: int
    """Heap, indexes and TOAST of all partitions, in bytes."""
    index_bytes: int
    """Of those, the indexes."""
    partitions: int


@dataclass(frozen=True)
class PartitionSize:
    """One partition of a table of rows."""

    table_name: str
    partition_name: str
    start_time: datetime | None
    """Not before; None for the default partition."""
    end_time: datetime | None
    """Before."""
    rows: int
    """Counted where it is small, else as PostgreSQL estimates."""
    total_bytes: int
    """Heap, indexes and TOAST."""
    drop_at: datetime | None
    """When retention is going to drop it; None where it is not."""


@dataclass(frozen=True)
class RollupFootprint:
    total_bytes: int
    """All tables of rollups."""
    table_sizes: list[TableSize]
    series: dict[str, int]
    """Series by kind, event or usage."""
    settled_at: datetime | None
    """Whole quarter hours before it are in hours and days too."""
    raw_floor: datetime | None
    """Rows before it are gone, rollups remain; None where none are."""
    oldest_bucket: datetime | None
    waiting: int
    """Records that wait to be folded."""


@dataclass(frozen=True)
class SpoolFootprint:
    collector_id: str
    """The collector that it belongs to."""
    records: int
    bytes: int
    bytes_max: int


@dataclass(frozen=True)
class DeadLetterReason:
    table_name: str
    reason: str
    count: int
    newest_at: datetime | None


@dataclass(frozen=True)
class DeadLetterFootprint:
    total: int
    oldest_at: datetime | None
    reasons: list[DeadLetterReason]
    """Most first, at most 20."""


@dataclass(frozen=True)
class DroppedPartition:
    table_name: str
    partition_name: str
    start_time: datetime | None
    """Not before; None where it had no beginning."""
    end_time: datetime | None
    """Before."""
    total_bytes: int
    """Heap, indexes and TOAST."""
    reason: str
    """age or size."""
    dropped_at: datetime | None


@dataclass(frozen=True)
class RetentionFootprint:
    """What retention has removed."""

    event_floor: datetime | None
    """Events from before it are gone, their rollups remain; None where none are."""
    usage_floor: datetime | None
    """The same of usage records."""
    quarter_floor: datetime | None
    """Rollups by quarter hour from before it are gone; None where none are."""
    hour_floor: datetime | None
    """The same by hour."""
    day_floor: datetime | None
    """The same by day."""
    dropped_partitions: int
    """Partitions whose rows were dropped, by whichever collector."""
    dropped_bytes: int
    """What those took."""
    dropped: list[DroppedPartition]
    """The newest first, at most 20."""


@dataclass(frozen=True)
class Footprint:
    table_sizes: list[TableSize]
    row_counts: dict[str, int]
    """Rows by table."""
    oldest_telemetry_record: datetime | None
    monitored_at: datetime | None
    partitions: list[PartitionSize] = field(default_factory=list)
    """Of tables of rows, newest first, at most 400 of each table."""
    rollups: RollupFootprint | None = None
    spools: list[SpoolFootprint] = field(default_factory=list)
    """Of each collector that was there within the last hour."""
    dead_letters: DeadLetterFootprint | None = None
    database_bytes: int = 0
    """All of the database, in bytes."""
    price_list: PriceEdition | None = None
    """The list by which costs are computed at the moment."""
    own_prices: PriceEdition | None = None
    """The operator's own prices; None where there are none."""
    source: AnswerSource | None = field(default=None, compare=False)
    retention: RetentionFootprint | None = None


@dataclass(frozen=True)
class DimensionValue:
    value: str | None
    """None for records without."""
    count: int
    """Records. Of names in metadata: how many of the newest 1000 events have it."""
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Dimension:
    name: str
    values: list[DimensionValue]
    """Most records first."""
    rest: int
    """How many values there are beyond the limit."""


@dataclass(frozen=True)
class Dimensions:
    """Which values there are."""

    source: AnswerSource | None = field(compare=False)
    """Of events."""
    usage_source: AnswerSource | None = field(compare=False)
    """Of usage records; None where none were asked for."""
    dimensions: list[Dimension]
