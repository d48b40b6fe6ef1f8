"""The client."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _life_cycle
from ._before_send import BeforeSend
from ._complaints import complain_later
from ._counters import Counters, Counts
from ._flushing import Flushing, FlushResult, seconds
from ._intake import Intake
from ._legacy import BRIEF_TIMEOUT_S, LegacyMethods
from ._native import RLock
from ._option_checks import checked
from ._options import Fallback, Options, TransportName, resolve
from ._receipt import NOT_TAKEN, TAKEN, Receipt
from ._records import ENTRIES_MAX, UsageRecord, own_metadata, to_time_ns
from ._sender import Sender
from ._timer import Timer

if TYPE_CHECKING:
    from ._async_queries import AsyncQueryClient
    from ._queries import QueryClient

FLUSH_S = 5
NOTHING_TO_FLUSH = FlushResult(0, 0, 0, 0, True)


class Telemetry(LegacyMethods):
    """Takes records without ever waiting or raising, and delivers them in the background.

    Options that are not given come from the environment, which is read with the first record: see
    docs/specs/client.md, section 7.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        enabled: bool | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        service_name: str | None = None,
        resource: Mapping[str, Any] | None = None,
        transport: TransportName | None = None,
        fallback: Fallback | None = None,
        spool_directory: str | PathLike[str] | None = None,
        spool_bytes_max: int | None = None,
        queue_events_max: int | None = None,
        batch_events_max: int | None = None,
        batch_bytes_max: int | None = None,
        batch_age_ms_max: float | None = None,
        close_timeout_s: float | None = None,
        before_send: BeforeSend | None = None,
        ca_file: str | PathLike[str] | None = None,
        client_cert_file: str | PathLike[str] | None = None,
        client_key_file: str | PathLike[str] | None = None,
        verify: ssl.SSLContext | bool | None = None,
    ) -> None:
        """`verify`: how TLS certificates are checked, as httpx takes it, in place of the files.

        ValueError names a wrong option.
        """
        arguments = dict(locals())
        self._given = {
            name: checked(name, value)
            for name, value in arguments.items()
            if value is not None and name not in ("self", "__class__")
        }
        self._closed = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        """As it was before the first record: also in a forked child, where the parent's are the parent's."""
        # Kept, because what closes when it is collected could close what the parent uses.
        self._inherited = tuple(getattr(self, name, None) for name in ("_sender", "_queries", "_brief"))
        if self._inherited[0]:
            self._inherited[0].forget_inherited()
        self._lock = RLock()
        self._closing = RLock()
        self._intake = Intake(room=0)
        self._counters = Counters()
        self._options: Options | None = None
        self._sender: Sender | None = None
        self._queries: QueryClient | None = None
        self._brief: QueryClient | None = None

    def log(
        self,
        event_type: str,
        component: str | None = None,
        value: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        status: str | None = None,
        *,
        timestamp: datetime | float | None = None,
    ) -> Receipt:
        """Takes an event. The result is true when it was taken, and may be awaited.

        `timestamp`: a datetime, or seconds since 1970; now, unless it is given.
        """
        intake = self._intake
        queue = intake.queue
        if len(queue) >= intake.room:
            intake = self._make_room()
            queue = intake.queue
            if len(queue) >= intake.room:
                return NOT_TAKEN
        try:
            queue.append(
                (
                    time_ns() if timestamp is None else to_time_ns(timestamp),
                    event_type,
                    component,
                    value,
                    metadata.copy()
                    if type(metadata) is dict and len(metadata) <= ENTRIES_MAX
                    else None
                    if metadata is None
                    else own_metadata(metadata),
                    status,
                )
            )
        except Exception as error:  # whatever a caller's object does when it is copied
            return self._refuse(error)
        if len(queue) >= intake.attention_at:
            intake.ring()
        return TAKEN

    def log_usage(
        self,
        model: str,
        layer: str | None = None,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        duration_ms: float | None = None,
        *,
        provider: str | None = None,
        operation: str | None = None,
        cached_tokens: int = 0,
        reasoning_tokens: int = 0,
        cost_usd: float | None = None,
        ghost_id: str | None = None,
        shell_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        timestamp: datetime | float | None = None,
        cache_write_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        session_id: str | None = None,
        response_id: str | None = None,
        request_id: str | None = None,
        agent: str | None = None,
        user_id: str | None = None,
        team: str | None = None,
        project: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        time_to_first_token_ms: float | None = None,
        status: str | None = None,
        error_type: str | None = None,
        service_tier: str | None = None,
        cost_source: str | None = None,
        usage_rule: str | None = None,
    ) -> Receipt:
        """Takes the token usage of one call of a model. The result is as that of `log`.

        A call is counted once, however often it is logged, where it has a `response_id`, else a
        `request_id` (both with `provider`), else a `trace_id` and a `span_id`.
        """
        intake = self._intake
        if len(intake.queue) >= intake.room:
            intake = self._make_room()
            if len(intake.queue) >= intake.room:
                return NOT_TAKEN
        try:
            record = UsageRecord(
                time_ns=time_ns() if timestamp is None else to_time_ns(timestamp),
                model=model,
                layer=layer,
                provider=provider,
                operation=operation,
                input_tokens=prompt_tokens,
                output_tokens=completion_tokens,
                cached_tokens=cached_tokens,
                reasoning_tokens=reasoning_tokens,
                duration_ms=duration_ms,
                cost_usd=cost_usd,
                ghost_id=ghost_id,
                shell_id=shell_id,
                metadata=own_metadata(metadata),
                cache_write_tokens=cache_write_tokens,
                cache_write_1h_tokens=cache_write_1h_tokens,
                session_id=session_id,
                response_id=response_id,
                request_id=request_id,
                agent=agent,
                user_id=user_id,
                team=team,
                project=project,
                trace_id=trace_id,
                span_id=span_id,
                time_to_first_token_ms=time_to_first_token_ms,
                status=status,
                error_type=error_type,
                service_tier=service_tier,
                cost_source=cost_source,
                usage_rule=usage_rule,
            )
        except Exception as error:  # whatever a caller's object does when it is copied
            return self._refuse(error)
        intake.queue.append(record)
        if len(intake.queue) >= intake.attention_at:
            intake.ring()
        return TAKEN

    def timer(
        self, event_type: str, component: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Timer:
        """`with telemetry.timer("STEP"): …` or `@telemetry.timer("STEP")`: logs the milliseconds."""
        return Timer(self.log, event_type, component, metadata)

    def flush(self, timeout: float | None = FLUSH_S) -> Flushing:
        """Waits until all that was logged before is delivered or spooled, `timeout` seconds at most.

        The result is true when it is. Where an event loop runs it has to be awaited, and does not
        block that.
        """
        return Flushing(lambda: self._flush(timeout))

    def close(self, timeout: float | None = None) -> Flushing:
        """Delivers what it can, spools the rest, and takes nothing from then on.

        Takes `timeout` seconds at most, 2 unless configured otherwise. Runs at exit by itself. The
        result is as that of `flush`.
        """
        # At once, also where the rest comes later.
        with self._lock:
            self._closed = True
            self._intake.room = 0
        return Flushing(lambda: self._close(timeout))

    def _flush(self, timeout: float | None) -> FlushResult:
        # Whoever logs first begins; until that is done there may be records, and nobody to flush them.
        with self._lock:
            sender = self._sender
        if sender is None or self._closed:
            return NOTHING_TO_FLUSH
        return sender.flush(seconds(timeout, FLUSH_S))

    def _close(self, timeout: float | None) -> FlushResult:
        # Another lock, because callers of log() are not to wait for this.
        with self._closing:
            sender, self._sender = self._sender, None
            result = NOTHING_TO_FLUSH
            if sender:
                usual = (self._options or Options()).close_timeout_s
                result = sender.stop(seconds(timeout, usual))
            for queries in (self._queries, self._brief):
                if queries:
                    queries.close()
        _life_cycle.end(self)
        return result

    def counters(self) -> Counts:
        """What became of the records so far."""
        return self._counters.counts(len(self._intake.queue))

    def queries(self) -> QueryClient:
        """A blocking client for queries, which belongs to this object."""
        from ._queries import QueryClient

        with self._lock:
            if self._queries is None:
                self._queries = QueryClient(resolve(self._given))
            return self._queries

    def _brief_queries(self) -> QueryClient:
        from ._queries import QueryClient

        with self._lock:
            if self._brief is None:
                self._brief = QueryClient(resolve(self._given), timeout_s=BRIEF_TIMEOUT_S)
            return self._brief

    def async_queries(self) -> AsyncQueryClient:
        """A new client for queries with asyncio: `async with telemetry.async_queries() as queries`."""
        from ._async_queries import AsyncQueryClient

        return AsyncQueryClient(resolve(self._given))

    def __enter__(self) -> Telemetry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close().result()

    async def __aenter__(self) -> Telemetry:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _make_room(self) -> Intake:
        """Begins with the first record; otherwise the queue is full, or telemetry is off."""
        with self._lock:
            if self._options is None and not self._closed:
                self._begin()
            elif self._intake.room:
                self._counters.drop("queue_full")
                complain_later("queue_full", "the queue is full: records are dropped")
            return self._intake

    def _begin(self) -> None:
        self._options = options = resolve(self._given)
        if not options.enabled:
            return
        # From here on other threads, and signal handlers of this one, are served without waiting.
        self._intake = Intake(options.queue_events_max)
        try:
            self._sender = Sender(self._intake, options, self._counters)
            _life_cycle.begin(self)
            self._sender.start()
        except RuntimeError as error:
            # At the end of an interpreter no thread starts: then close() spools what was taken.
            complain_later("begin", f"the sender can't start: {error}")
        except BaseException as error:
            # A hosts' name that can't be read, say, or an interrupt by the user: the next record begins again.
            self._options = None
            self._intake.room = 0
            if not isinstance(error, Exception):
                raise
            complain_later("begin", f"telemetry can't begin: {error!r}")

    def _refuse(self, error: Exception) -> Receipt:
        self._counters.drop("invalid")
        complain_later("invalid", f"a record can't be taken and is dropped: {error}")
        return NOT_TAKEN
