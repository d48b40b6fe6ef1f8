"""Finds each batch a place: the service, or the fallback (docs/specs/client.md, 3 and 4)."""

from __future__ import annotations

import time
from itertools import zip_longest

from ._answers import Acknowledged, Answer, TooLarge, TryAgain
from ._batch import Batch
from ._circuit import MOMENT_S, TRIES_MAX, Circuit
from ._complaints import complain
from ._composer import Composer
from ._counters import Counters
from ._drop_report import DropReport
from ._fallback import fall_back
from ._http_transport import TIMEOUT_S
from ._intake import Intake
from ._life_cycle import not_while_forking
from ._native import Event, Lock
from ._options import Options
from ._spool import Spool
from ._spool_delivery import SpoolDelivery, settle
from ._transports import Transports
from ._window import Window

# How often the spool is searched for what other processes have left.
LOOK_AROUND_S = 30.0
_TRY_TIMEOUT_S_MIN = 0.05
_UNANSWERED = TryAgain("the stream ended before its answer")


class Delivery:
    """`live` and `spooled` are for the sender's thread; `drain` and `abandon` are for any."""

    def __init__(self, intake: Intake, options: Options, counters: Counters) -> None:
        self._intake = intake
        self._options = options
        self._counters = counters
        self._composer = Composer(
            options.batch_events_max,
            options.batch_bytes_max,
            options.resource_attributes(),
            counters,
            options.before_send,
        )
        self._report = DropReport(options, counters)
        self._circuit = Circuit()
        self._transports: Transports | None = None
        self.spool: Spool | None = None
        if options.fallback == "spool":
            self.spool = Spool(options.spool_directory, options.spool_bytes_max, counters)
            self._from_spool = SpoolDelivery(self.spool, counters, self._send_line)
        self._look_at = 0.0
        self._window: Window | None = None
        self._stopping = Event()
        self._stop_by = float("inf")
        self._abandoned = False
        self._draining = Lock()

    def open(self) -> None:
        """Takes a while where it reads the certificates of TLS."""
        with not_while_forking():
            self._transports = Transports(self._options)

    def close(self) -> None:
        """Gives the connections back; to be called by the sender's thread."""
        if self._transports:
            self._transports.close()

    def stop(self, by: float) -> None:
        """From now on each batch gets one try, and none after the first that failed."""
        self._stop_by = by
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def has_time_left(self) -> bool:
        return not self._abandoned and time.monotonic() < self._stop_by

    def wake_at(self) -> float:
        """When the spool needs attention next, on the monotonic clock."""
        if not self.spool:
            return float("inf")
        return min(self.spool.closes_at(), max(self._look_at, self._circuit.retry_at))

    def live(self) -> None:
        """Takes from the queue what the transport takes at once."""
        assert self._transports
        self._window = window = Window(self._compose, self._transports.live.window_batches_max)
        try:
            self._try_some_times(window)
            if not window.batches and window.is_sealed:
                return
            window.fill()
        finally:
            # Also whatever was thrown.
            window.seal()
            while self._fall_back_first(window):
                self._look_at = 0.0

    def spooled(self) -> bool:
        """Delivers the oldest line of the spool, when it is time to. Whether there may be more."""
        if not self.spool:
            return False
        self.spool.close_old_file()
        now = time.monotonic()
        if now < self._look_at or not self._circuit.may_try():
            return False
        answer = self._from_spool.next_answer()
        if answer is None and self._circuit.is_open:
            self.spool.close_file()
            answer = self._from_spool.next_answer()
        if isinstance(answer, TryAgain):
            self._failed(answer)
        elif answer is None:
            self._look_at = min(now + LOOK_AROUND_S, self.spool.closes_at())
        else:
            self._succeeded()
            return True
        return False

    def drain(self) -> bool:
        """Leaves all to the fallback. Not, where a thread that hangs does the same and is not done in time."""
        # Whoever comes second waits until what the first has taken from the queue has its place.
        if not self._draining.acquire(timeout=self._patience_s()):
            return False
        try:
            while self._intake.queue:
                batch = self._composer.compose(self._intake.queue)
                if batch:
                    self._fall_back(batch)
            if self.spool:
                self.spool.close_file()
        finally:
            self._draining.release()
        return True

    def abandon(self) -> bool:
        """The sender's thread hangs in a call, or has never run: what it has is spooled from here."""
        if not self._draining.acquire(timeout=self._patience_s()):
            return False
        try:
            self._abandoned = True
            for batch in self._window.seal() if self._window else []:
                self._fall_back(batch)
        finally:
            self._draining.release()
        if self._transports:
            self._transports.abort()
        return self.drain()

    def _patience_s(self) -> float:
        return max(self._stop_by - time.monotonic(), MOMENT_S) if self.is_stopping else -1

    def _fall_back_first(self, window: Window) -> bool:
        """Whether there may be more. Either this or `abandon` finds a batch its place."""
        with self._draining:
            if self._abandoned or not window.batches:
                return False
            self._fall_back(window.batches.pop(0))
            return True

    def _compose(self, position: int) -> Batch | None:
        """The next batch of a window: after the first only full ones, which are worth it."""
        queue = self._intake.queue
        while queue and (position == 0 or len(queue) >= self._options.batch_events_max):
            batch = self._composer.compose(queue)
            if batch:
                return batch
        return None

    def _try_some_times(self, window: Window) -> None:
        tries_left = 1 if self.is_stopping else TRIES_MAX
        while tries_left and self._may_try_live():
            # What had to be split is no failure, and comes to an end.
            if not self._try_live(window):
                tries_left -= 1
            if not window.batches or self._circuit.is_open:
                return
            if tries_left:
                self._stopping.wait_natively(self._circuit.retry_at - time.monotonic())

    def _may_try_live(self) -> bool:
        if not self._circuit.is_open:
            # At the end there is no time for more than one failure.
            return not self.is_stopping or self._circuit.retry_at == 0
        # The oldest batch of the spool goes first, where there is one.
        spool_holds_any = self.spool is not None and self.spool.holds_any()
        return not self.is_stopping and self._circuit.may_try() and not spool_holds_any

    def _try_live(self, window: Window) -> bool:
        """Whether something had to be split, and nothing failed."""
        assert self._transports
        self._transports.rebuild()
        answers = self._transports.live.send(window.bodies(), self._timeout_s())
        batches = window.seal()
        if self._abandoned or not batches:
            return False
        failures: list[TryAgain] = []
        left: list[Batch] = []
        for batch, answer in zip_longest(batches, answers[: len(batches)], fillvalue=_UNANSWERED):
            assert isinstance(batch, Batch) and not isinstance(answer, Batch)
            if isinstance(answer, TryAgain):
                left.append(batch)
                failures.append(answer)
            else:
                left += self._settled(batch, answer)
        window.batches = left
        if failures:
            self._failed(max(failures, key=lambda failure: failure.delay_s or 0))
        else:
            self._succeeded()
        return not failures

    def _settled(self, batch: Batch, answer: Answer) -> list[Batch]:
        """What is left of a batch that has its answer."""
        halves = batch.halves() if isinstance(answer, TooLarge) else []
        if not halves:
            settle(self._counters, answer, len(batch.records))
            if isinstance(answer, TooLarge) and self.spool:
                self.spool.set_aside(batch.id, [batch.json_line()], "refused")
        return halves

    def _send_line(self, line: bytes, batch_id: str) -> Answer:
        assert self._transports
        self._transports.rebuild()
        return self._transports.http.send_line(line, batch_id, self._timeout_s())

    def _timeout_s(self) -> float:
        return min(TIMEOUT_S, max(self._stop_by - time.monotonic(), _TRY_TIMEOUT_S_MIN))

    def _succeeded(self) -> None:
        self._circuit.succeeded()
        if self.spool and self.spool.closes_at() != float("inf"):
            self.spool.close_file()
            self._look_at = 0.0
        report = self._report.record(last=self.is_stopping)
        if report:
            self._intake.queue.append(report)

    def _failed(self, answer: TryAgain) -> None:
        self._circuit.failed(answer.delay_s)
        complain("unreachable", f"the service at {self._options.shown_url} takes nothing: {answer.message}")

    def _fall_back(self, batch: Batch) -> None:
        fall_back(batch, self._options.fallback, self.spool, self._counters)
