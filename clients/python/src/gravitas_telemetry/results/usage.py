"""Usage records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .answers import AnswerSource


@dataclass(frozen=True)
class Usage:
    """The token usage of one call of a language model: a row of the table usage_stats. Token counts mean what the
    OpenTelemetry GenAI conventions say."""

    model: str
    """The model as the provider names it. Required, at most 256 characters."""
    layer: str | None
    """The routing layer, for example L1, L2 or L3. At most 256 characters."""
    provider: str | None
    """Who served the call (gen_ai.provider.name). At most 256 characters."""
    operation: str | None
    """What was asked for (gen_ai.operation.name), for example chat. At most 256 characters."""
    input_tokens: int
    """Tokens of the prompt, cached ones included."""
    output_tokens: int
    """Tokens of the answer, reasoning ones included."""
    cached_tokens: int
    """Those of input_tokens that were read from the provider's cache. Parts that are greater than their whole are
    stored as they are, and the record is marked as ambiguous."""
    reasoning_tokens: int
    """Those of output_tokens that were spent on reasoning."""
    duration_ms: float | None
    """How long the call took, in milliseconds."""
    cost_usd: float | None
    """What the call cost, in US dollars. Stored as numeric, by its shortest decimal form."""
    ghost_id: str | None
    """The identity on whose behalf the call was made. At most 256 characters."""
    shell_id: str | None
    """The shell that made the call. At most 256 characters."""
    metadata: dict[str, Any]
    """Anything else: at most 64 KiB as JSON, at most 32 levels deep. JSON is kept digit by digit; a Struct holds
    doubles, so that integers beyond 2^53 need JSON, or a string."""
    timestamp: datetime | None
    """The client's time. None: the time of acceptance."""
    id: str
    """A UUID that names the record. None: derived from the batch and the position in it."""
    cache_write_tokens: int
    """Those of input_tokens that were written to the provider's cache."""
    cache_write_1h_tokens: int
    """Those of cache_write_tokens that the provider keeps for an hour, which some bill otherwise."""
    session_id: str | None
    """The conversation or session (gen_ai.conversation.id, session.id). At most 256 characters."""
    response_id: str | None
    """The provider's id of the answer (gen_ai.response.id): with the provider it names the call, which is counted once
    however often it comes. At most 256 characters."""
    request_id: str | None
    """The provider's id of the request: names the call where there is no response_id. At most 256 characters."""
    agent: str | None
    """The agent that made the call (gen_ai.agent.name). At most 256 characters."""
    user_id: str | None
    """Who the call was made for (user.id). At most 256 characters."""
    team: str | None
    """At most 256 characters."""
    project: str | None
    """At most 256 characters."""
    trace_id: str | None
    """The trace that the call belongs to, in hexadecimal. At most 256 characters."""
    span_id: str | None
    """The call's own span, in hexadecimal: with trace_id it names the call where neither response_id nor request_id
    does. At most 256 characters."""
    time_to_first_token_ms: float | None
    """From the request to the first token of the answer, in milliseconds."""
    status: str | None
    """For example OK or ERROR. At most 64 characters."""
    error_type: str | None
    """What went wrong (error.type). At most 256 characters."""
    service_tier: str | None
    """The provider's service tier that served the call, for example batch or priority. At most 256 characters."""
    cost_source: str | None
    """Where cost_usd comes from. None: client, where there is a cost. The collector alone says computed, list@… and
    own@…. At most 64 characters."""
    usage_rule: str | None
    """By which rule the tokens were counted. None: contract, as described here. At most 64 characters."""


@dataclass(frozen=True)
class UsageRecord:
    """A usage record, and what the service says of it."""

    usage: Usage
    """Numbers in metadata are the nearest doubles, or their digits as a string beyond them; the HTTP name gives them
    digit by digit."""
    observed_at: datetime | None
    """When a collector took it."""
    ambiguous: bool
    """Its counts contradict each other: a part is greater than its whole."""
    cost_usd: str | None
    """What it cost, in US dollars, to the last digit; None where it has no cost."""


@dataclass(frozen=True)
class UsagePage:
    """Usage records, newest first."""

    records: list[UsageRecord]
    next_page_token: str
    """Empty on the last page."""
    source: AnswerSource | None = field(compare=False)


@dataclass(frozen=True)
class PriceEdition:
    """Which prices."""

    name: str
    version: str
    date: str
    """The day (UTC) on which they were changed last, for example 2026-09-23."""


@dataclass(frozen=True)
class UsageExplanation:
    """How a usage record was counted and priced."""

    id: str
    timestamp: datetime | None
    model: str
    provider: str
    cost_usd: str | None
    """As it is stored, to the last digit, in US dollars; None where there is none."""
    cost_source: str | None
    """client, or the edition of the prices that it was computed by: list@0.1.8/2026-09-23, or own@…"""
    usage_rule: str | None
    unpriced_reason: str | None
    """Why there is no price for it at the moment."""
    current_cost_usd: str | None
    """What it costs by the prices of the moment."""
    current_cost_source: str | None
    explanation: list[str]
    """The rule, the price and the arithmetic: a sentence each."""
    price_list: PriceEdition | None
    own_prices: PriceEdition | None
    """None where there are none."""
