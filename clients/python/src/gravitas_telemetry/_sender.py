"""The thread that delivers what callers have logged (docs/specs/client.md, 2 and 5)."""

from __future__ import annotations

import time

from ._complaints import complain
from ._counters import Counters
from ._delivery import Delivery
from ._flushing import FlushResult
from ._http_client import mark_sending_thread
from ._intake import NEVER, Flush, Intake
from ._native import Empty, Thread
from ._options import Options

_SLEEP_S_MAX = 3600
_SECONDS_AFTER_ERROR = 1


class Sender:
    def __init__(self, intake: Intake, options: Options, counters: Counters) -> None:
        self._intake = intake
        self._batch_events_max = options.batch_events_max
        self._batch_age_s_max = options.batch_age_ms_max / 1000
        self._counters = counters
        self._delivery = Delivery(intake, options, counters)
        self._waiting_since: float | None = None
        self._flushes: list[Flush] = []
        self._thread = Thread(self._run, "gravitas-telemetry")

    def start(self) -> None:
        self._thread.start()

    def flush(self, timeout_s: float) -> FlushResult:
        before = self._counters.placed()
        lost_before = self._counters.lost
        if not self._thread.is_alive():
            return self._counters.placed(complete=False).since(before)
        request = Flush()
        self._intake.ring(request)
        in_time = request.done.wait(timeout_s)
        return self._counters.placed(in_time and self._counters.lost == lost_before).since(before)

    def stop(self, timeout_s: float) -> FlushResult:
        """Delivers what it can in half of the time; the rest is in the fallback when this returns."""
        before = self._counters.placed()
        lost_before = self._counters.lost
        ends_at = time.monotonic() + timeout_s
        self._delivery.stop(ends_at - timeout_s / 2)
        self._intake.ring()
        is_placed = self._thread.join(timeout_s / 2) and not self._intake.queue
        if not is_placed:
            is_placed = self._delivery.abandon()
            self._thread.join(max(ends_at - time.monotonic(), 0))
        return self._counters.placed(is_placed and self._counters.lost == lost_before).since(before)

    def forget_inherited(self) -> None:
        """In a forked child: connections and files are the parent's."""
        if self._delivery.spool:
            self._delivery.spool.forget_inherited()

    def _run(self) -> None:
        mark_sending_thread()
        try:
            # Here and not with the first record, whose caller is not to wait.
            self._delivery.open()
            while not self._delivery.is_stopping:
                self._turn_safely()
            while self._intake.queue and self._delivery.has_time_left():
                self._delivery.live()
        except Exception as error:
            complain("sender", f"the sender ends: {error!r}")
        finally:
            self._delivery.drain()
            self._take_requests()
            self._answer_flushes()
            self._delivery.close()

    def _turn_safely(self) -> None:
        try:
            self._turn()
        except Exception as error:  # telemetry must go on
            complain("sender", f"unexpected error in the sender: {error!r}")
            self._take_requests(_SECONDS_AFTER_ERROR)

    def _turn(self) -> None:
        is_due = self._is_due()
        if is_due:
            self._delivery.live()
            self._waiting_since = None
        is_busy = self._delivery.spooled() or is_due
        self._answer_flushes()
        if not is_busy:
            self._sleep()

    def _is_due(self) -> bool:
        queue = self._intake.queue
        if not queue:
            self._waiting_since = None
            return False
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        is_old = now - self._waiting_since >= self._batch_age_s_max
        return is_old or len(queue) >= self._batch_events_max or bool(self._flushes)

    def _sleep(self) -> None:
        """Until a batch is full or old enough, a flush is wanted, or the spool needs attention."""
        intake = self._intake
        # What has come since the queue was found empty has no time yet at which it is due.
        intake.attention_at = 1 if self._waiting_since is None else self._batch_events_max
        if len(intake.queue) >= intake.attention_at:
            return
        wake_at = self._delivery.wake_at()
        if self._waiting_since is not None:
            wake_at = min(wake_at, self._waiting_since + self._batch_age_s_max)
        self._take_requests(min(max(wake_at - time.monotonic(), 0), _SLEEP_S_MAX))
        intake.attention_at = NEVER

    def _take_requests(self, wait_s: float = 0) -> None:
        """All that there are, or else the first that comes."""
        while True:
            try:
                request = self._intake.bell.get(timeout=wait_s)
            except Empty:
                return
            wait_s = 0
            if request:
                # Only this thread takes from the queue: what is in it now is what was logged before.
                request.drained_target = self._counters.drained + len(self._intake.queue)
                self._flushes.append(request)

    def _answer_flushes(self) -> None:
        answered = [each for each in self._flushes if self._counters.drained >= each.drained_target]
        if answered and self._delivery.spool:
            self._delivery.spool.close_file()
        for request in answered:
            self._flushes.remove(request)
            request.done.set()
