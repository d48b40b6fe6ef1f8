"""What `flush` and `close` give: at once, or where an event loop runs when it is awaited (client.md, 5.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any

from ._native import Event, Thread

_SECONDS_MAX = 31 * 86_400.0


def seconds(given: Any, otherwise: float) -> float:
    """A time to wait, as a caller gives it: infinite is very long, and none is what is usual."""
    if given is None:
        return otherwise
    number = float(given)
    return otherwise if number != number else min(max(number, 0), _SECONDS_MAX)


@dataclass(frozen=True, eq=False)
class FlushResult:
    """Numbers of records that found their place during a flush. True when it is complete, and equal to True."""

    delivered: int
    """Acknowledged by the service."""
    spooled: int
    """Written to the spool, from where they are delivered later."""
    handed_over: int
    """Written to stdout or to logging."""
    dropped: int
    complete: bool
    """All that was logged before has its place, in time: nothing of it is lost to an outage."""

    def __bool__(self) -> bool:
        return self.complete

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (FlushResult, Flushing)):
            return astuple(self) == astuple(other.result() if isinstance(other, Flushing) else other)
        return self.complete is other

    def __hash__(self) -> int:
        return hash(astuple(self))

    def since(self, before: FlushResult) -> FlushResult:
        return FlushResult(
            self.delivered - before.delivered,
            self.spooled - before.spooled,
            self.handed_over - before.handed_over,
            self.dropped - before.dropped,
            self.complete,
        )


class Flushing(Coroutine[Any, Any, FlushResult]):
    """A `FlushResult`, or one to come: awaiting it gives it, and asking for anything of it waits."""

    def __init__(self, work: Callable[[], FlushResult]) -> None:
        self._work = work
        self._done = Event()
        self._result: FlushResult | None = None
        self._error: BaseException | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._steps: Generator[Any, Any, FlushResult] | None = None
        try:
            asyncio.get_running_loop()
            Thread(self._run, "gravitas-telemetry-flush").start()
        except RuntimeError:
            # No event loop that must not be blocked, or the end of an interpreter that starts no thread.
            self._run()
            if self._error:
                raise self._error from None

    def result(self) -> FlushResult:
        """Waits for it, also where an event loop runs."""
        while not self._done.wait(60):
            pass
        if self._result is None:
            raise self._error or RuntimeError("it was given up")
        return self._result

    @property
    def delivered(self) -> int:
        """As in `FlushResult`."""
        return self.result().delivered

    @property
    def spooled(self) -> int:
        """As in `FlushResult`."""
        return self.result().spooled

    @property
    def handed_over(self) -> int:
        """As in `FlushResult`."""
        return self.result().handed_over

    @property
    def dropped(self) -> int:
        """As in `FlushResult`."""
        return self.result().dropped

    @property
    def complete(self) -> bool:
        """As in `FlushResult`."""
        return self.result().complete

    def __bool__(self) -> bool:
        return self.result().complete

    def __eq__(self, other: object) -> bool:
        return self.result() == other

    def __hash__(self) -> int:
        return hash(self.result())

    def __repr__(self) -> str:
        return repr(self.result())

    def __await__(self) -> Generator[Any, Any, FlushResult]:
        if not self._done.is_set():
            loop = asyncio.get_running_loop()
            done: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, done))
            if self._done.is_set():
                _wake(done)
            yield from done.__await__()
        return self.result()

    def send(self, value: Any) -> Any:
        self._steps = self._steps or self.__await__()
        return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        self._steps = self._steps or self.__await__()
        return self._steps.throw(*error)

    def close(self) -> None:
        if self._steps:
            self._steps.close()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            # Whoever awaits it is to be told, and not to wait for ever.
            self._error = error
        self._done.set()
        for loop, done in self._waiting:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(_wake, done)


def _wake(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
