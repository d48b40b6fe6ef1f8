"""The thread that delivers what callers have logged (docs/specs/client.md, 2 to 4)."""

from __future__ import annotations

import threading
import time
from itertools import zip_longest
from pathlib import Path
from queue import Empty

from ._answers import Acknowledged, Answer, Refused, TryAgain
from ._batch import Batch, Composer
from ._circuit import TRIES_MAX, Circuit
from ._complaints import complain
from ._counters import Counters
from ._drop_report import DropReport
from ._fallback import fall_back
from ._http_transport import TIMEOUT_S, mark_sending_thread
from ._intake import NEVER, Flush, Intake
from ._life_cycle import not_while_forking
from ._options import Options
from ._spool import Spool
from ._spool_delivery import SpoolDelivery, settle
from ._transports import Transport, Transports
from ._window import Window

# How often the spool is searched for what other processes have left.
LOOK_AROUND_S = 30.0
_TRY_TIMEOUT_S_MIN = 0.05
_UNANSWERED = TryAgain("the stream ended before its answer")


class Sender:
    def __init__(self, intake: Intake, options: Options, counters: Counters) -> None:
        self._intake = intake
        self._options = options
        self._counters = counters
        self._composer = Composer(
            options.batch_events_max, options.batch_bytes_max, options.resource_attributes(), counters
        )
        self._transports: Transports | None = None
        self._circuit = Circuit()
        self._report = DropReport(options, counters)
        self._spool: Spool | None = None
        self._spooled: SpoolDelivery | None = None
        if options.fallback == "spool":
            self._spool = Spool(Path(options.spool_directory), options.spool_bytes_max, counters)
            self._spooled = SpoolDelivery(self._spool, counters, self._send_line)
        self._look_at = 0.0
        self._waiting_since: float | None = None
        self._flushes: list[Flush] = []
        self._window: Window | None = None
        self._stop = threading.Event()
        self._stop_by = float("inf")
        self._abandoned = False
        self._draining = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="gravitas-telemetry", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        request = Flush()
        self._intake.ring(request)
        return request.done.wait(timeout_s) and request.succeeded

    def stop(self, timeout_s: float) -> bool:
        """Delivers what it can in half of the time; the rest is in the fallback when this returns."""
        lost_before = self._lost()
        self._stop_by = time.monotonic() + timeout_s / 2
        self._stop.set()
        self._intake.ring()
        if self._thread.is_alive():
            self._thread.join(timeout_s / 2)
        if self._thread.is_alive() or self._intake.queue:
            self._abandon()
        return self._lost() == lost_before

    def forget_inherited(self) -> None:
        """In a forked child: connections and files are the parent's."""
        if self._spool:
            self._spool.forget_inherited()

    def _run(self) -> None:
        mark_sending_thread()
        # Here and not with the first record: to read the certificates of TLS takes a while.
        with not_while_forking():
            self._transports = Transports(self._options)
        while not self._stop.is_set():
            try:
                self._turn()
            except Exception as error:  # telemetry must go on
                complain("sender", f"unexpected error in the sender: {error!r}")
                self._stop.wait(1)
        self._finish()

    def _turn(self) -> None:
        busy = self._is_due() and self._deliver_live()
        busy = self._deliver_spooled() or busy
        self._answer_flushes()
        if not busy:
            self._sleep()

    def _is_due(self) -> bool:
        queue = self._intake.queue
        if not queue:
            self._waiting_since = None
            return False
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        age_ms = (now - self._waiting_since) * 1000
        return (
            len(queue) >= self._options.batch_events_max
            or age_ms >= self._options.batch_age_ms_max
            or bool(self._flushes)
        )

    def _sleep(self) -> None:
        """Until a batch is full or old enough, a flush is wanted, or the spool needs attention."""
        intake = self._intake
        intake.attention_at = self._options.batch_events_max if intake.queue else 1
        if len(intake.queue) >= intake.attention_at:
            return
        now = time.monotonic()
        wake_at = float("inf")
        if self._waiting_since is not None:
            wake_at = self._waiting_since + self._options.batch_age_ms_max / 1000
        if self._spool:
            wake_at = min(wake_at, self._spool.closes_at(), max(self._look_at, self._circuit.retry_at))
        try:
            request = intake.bell.get(timeout=min(max(wake_at - now, 0), 3600))
        except Empty:
            request = None
        intake.attention_at = NEVER
        if request:
            request.drained_target = self._counters.drained + len(intake.queue)
            request.lost_before = self._lost()
            self._flushes.append(request)

    def _answer_flushes(self) -> None:
        answered = [each for each in self._flushes if self._counters.drained >= each.drained_target]
        if not answered:
            return
        if self._spool:
            self._spool.close_file()
        for request in answered:
            self._flushes.remove(request)
            request.succeeded = self._lost() == request.lost_before
            request.done.set()

    def _deliver_live(self) -> bool:
        """Sends what the transport takes at once, and finds each batch a place."""
        assert self._transports
        live = self._transports.live
        self._window = window = Window(self._compose, live.window_batches_max)
        tries_left = 1 if self._stop.is_set() else TRIES_MAX
        while tries_left and self._may_try_live():
            tries_left -= 1
            self._try_live(window, live)
            if not window.batches:
                return True
            if tries_left:
                self._stop.wait(max(self._circuit.retry_at - time.monotonic(), 0))
        window.fill()
        self._look_at = 0.0
        while window.batches and not self._abandoned:
            fall_back(window.batches[0], self._options.fallback, self._spool, self._counters)
            window.batches.pop(0)
        return True

    def _compose(self, position: int) -> Batch | None:
        """The next batch of a window: after the first only full ones, which are worth it."""
        queue = self._intake.queue
        self._waiting_since = None
        while queue and (position == 0 or len(queue) >= self._options.batch_events_max):
            batch = self._composer.compose(queue)
            if batch:
                return batch
        return None

    def _may_try_live(self) -> bool:
        if not self._circuit.is_open:
            # At the end there is no time for more than one failure.
            return not self._stop.is_set() or self._circuit.retry_at == 0
        # The oldest batch of the spool goes first, where there is one.
        spool_holds_any = self._spool is not None and self._spool.holds_any()
        return not self._stop.is_set() and self._circuit.may_try() and not spool_holds_any

    def _try_live(self, window: Window, live: Transport) -> None:
        answers = live.send(window.bodies(), self._timeout_s())
        batches = window.seal()
        if self._abandoned or not batches:
            return
        failures: list[TryAgain] = []
        left: list[Batch] = []
        for batch, answer in zip_longest(batches, answers[: len(batches)], fillvalue=_UNANSWERED):
            assert isinstance(batch, Batch) and not isinstance(answer, Batch)
            settle(self._counters, answer, len(batch.records))
            if isinstance(answer, TryAgain):
                left.append(batch)
                failures.append(answer)
        window.batches = left
        if failures:
            self._failed(max(failures, key=lambda failure: failure.delay_s or 0))
        else:
            self._succeeded()

    def _deliver_spooled(self) -> bool:
        """Whether there may be more."""
        if not self._spool or not self._spooled:
            return False
        self._spool.close_old_file()
        now = time.monotonic()
        if now < self._look_at or not self._circuit.may_try():
            return False
        answer = self._spooled.next_answer()
        if answer is None and self._circuit.is_open:
            self._spool.close_file()
            answer = self._spooled.next_answer()
        if isinstance(answer, TryAgain):
            self._failed(answer)
        elif isinstance(answer, (Acknowledged, Refused)):
            self._succeeded()
            return True
        elif answer is None:
            self._look_at = min(now + LOOK_AROUND_S, self._spool.closes_at())
        return False

    def _send_line(self, line: bytes) -> Answer:
        assert self._transports
        return self._transports.http.send_line(line, self._timeout_s())

    def _succeeded(self) -> None:
        self._circuit.succeeded()
        if self._spool and self._spool.closes_at() != float("inf"):
            self._spool.close_file()
            self._look_at = 0.0
        report = self._report.record(last=self._stop.is_set())
        if report:
            self._intake.queue.append(report)

    def _failed(self, answer: TryAgain) -> None:
        self._circuit.failed(answer.delay_s)
        complain("unreachable", f"the service at {self._options.url} takes nothing: {answer.message}")

    def _timeout_s(self) -> float:
        return min(TIMEOUT_S, max(self._stop_by - time.monotonic(), _TRY_TIMEOUT_S_MIN))

    def _finish(self) -> None:
        """Each batch gets one try, and none after the first that failed."""
        while self._intake.queue and not self._abandoned:
            self._deliver_live()
            if time.monotonic() > self._stop_by:
                break
        self._drain_into_fallback()
        for request in self._flushes:
            request.done.set()

    def _abandon(self) -> None:
        """The thread hangs in a call, or has never run: what is left is spooled from here."""
        self._abandoned = True
        for batch in list(self._window.seal()) if self._window else []:
            fall_back(batch, self._options.fallback, self._spool, self._counters)
        self._drain_into_fallback()

    def _drain_into_fallback(self) -> None:
        # Whoever comes second waits until what the first has taken from the queue has its place.
        with self._draining:
            while self._intake.queue:
                batch = self._composer.compose(self._intake.queue)
                if batch:
                    fall_back(batch, self._options.fallback, self._spool, self._counters)
            if self._spool:
                self._spool.close_file()

    def _lost(self) -> int:
        dropped = self._counters.counts(0)["dropped"]
        return dropped["unreachable"] + dropped["spool_failed"]
