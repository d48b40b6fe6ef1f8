"""What answers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AnswerNote:
    field: str
    """The field of the request that it is about."""
    message: str
    """For people, such as: is 5000; the most is 1000."""


@dataclass(frozen=True)
class AnswerSource:
    """Where an answer comes from, how fresh it is, and in which way it differs from what was asked for.

    Answers that differ in nothing else are equal.
    """

    kind: str
    as_of: datetime | None
    """The moment of the one snapshot that all of the answer is from: what was committed before it is in it."""
    freshest_at: datetime | None
    """The newest time of a record of this kind up to as_of, whichever are asked for; None where there are none."""
    age_ms: float | None
    """From freshest_at to as_of, in milliseconds."""
    start_time: datetime | None
    """The bounds that the answer is of: not before."""
    end_time: datetime | None
    """Before; None where it has no end."""
    rounded: bool
    """The bounds are not those that were asked for: rows that would tell them are no longer there, and rollups know
    whole quarter hours only."""
    notes: list[AnswerNote]
    """What was not done as it was asked for, such as a limit above the greatest."""
    duration_ms: float
    """How long the database took, in milliseconds."""


@dataclass(frozen=True)
class Statistics:
    """What values of some events add up to. Quantiles are within 1 %, and never outside of minimum and maximum. What
    is absent was not measured."""

    count: int
    """Events."""
    values: int
    """Those of count that have a finite value."""
    sum: float | None
    """Of the values, in whatever unit the event type has."""
    mean: float | None
    min: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    tokens_generated: int | None
    """Sum of metadata.tokens_generated; None where no event has any."""
    total_tokens: int | None
    """Sum of metadata.total_tokens; None where no event has any."""
    not_ok: int
    """Those of count whose status is given and another than OK."""


@dataclass(frozen=True)
class HistogramBucket:
    from_: float
    """Not below."""
    to: float
    """Below; of the last bucket, at most."""
    count: int
    """Within 1 % of the bounds, a value may be counted on their other side."""


@dataclass(frozen=True)
class Histogram:
    """How values are spread: numbers of them by size, in steps of one width."""

    buckets: list[HistogramBucket]
    below: int
    """Values below the first bucket."""
    above: int
    """Values above the last bucket."""


@dataclass(frozen=True)
class UsageTotals:
    """What some calls of models add up to. Token counts mean what Usage says."""

    requests: int
    """Calls."""
    errors: int
    """Those of requests that failed: with an error type, or a status other than OK."""
    input_tokens: int
    output_tokens: int
    total_tokens: int
    """Input and output together."""
    cached_tokens: int
    """Those of input_tokens that were read from the provider's cache."""
    cache_write_tokens: int
    """Those of input_tokens that were written to the provider's cache."""
    reasoning_tokens: int
    """Those of output_tokens that were spent on reasoning."""
    cache_hit_rate: float | None
    """cached_tokens by input_tokens, from 0 to 1; None without input."""
    cost_usd: float | None
    """In US dollars, of the calls that have a cost; None where none has."""
    unpriced: int
    """Those of requests that have no cost."""
    unpriced_tokens: int
    """Their part of total_tokens."""
    ambiguous: int
    """Those of requests whose counts contradict each other: a part is greater than its whole."""
    duration_ms: Latency | None
    """How long calls took, in milliseconds."""
    time_to_first_token_ms: Latency | None
    """From the request to the first token, in milliseconds."""


@dataclass(frozen=True)
class Latency:
    """Quantiles are within 1 %, and never outside of minimum and maximum. What is absent was not measured."""

    count: int
    """Calls that say how long."""
    mean: float | None
    min: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True)
class Forecast:
    """What a number is going to be at the end of a period."""

    value: float
    low: float
    """In four of five cases it lies between low and high."""
    high: float
