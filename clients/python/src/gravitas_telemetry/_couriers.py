"""Makes a few calls at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ._native import SimpleQueue, Thread, is_patched

Task = TypeVar("Task")
Result = TypeVar("Result")


class Couriers(Generic[Task, Result]):
    """Threads that never keep a process from ending, which those of concurrent.futures do.

    `call` must not raise.
    """

    def __init__(self, call: Callable[[Task], Result], count: int) -> None:
        self._call = call
        self._count = count
        # Of a task, its position and where its result goes; None ends a courier.
        self._tasks: Any = SimpleQueue()
        self._threads: list[Thread] = []

    def call_all(self, tasks: Iterable[Task]) -> list[Result]:
        """The results in the order of the tasks, of which each begins as soon as it is there."""
        if is_patched():
            # What they share would have the locks of greenlets, which no two threads may share.
            return [self._call(task) for task in tasks]
        remaining = iter(tasks)
        first = next(remaining, None)
        if first is None:
            return []
        second = next(remaining, None)
        if second is None:
            return [self._call(first)]
        self._start()
        answered: Any = SimpleQueue()
        count = 0
        for task in (first, second):
            self._tasks.put((task, count, answered))
            count += 1
        for task in remaining:
            self._tasks.put((task, count, answered))
            count += 1
        results = dict(answered.get() for _ in range(count))
        return [results[position] for position in range(count)]

    def end(self, timeout_s: float) -> None:
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def _start(self) -> None:
        while len(self._threads) < self._count:
            thread = Thread(self._run, "gravitas-telemetry-courier")
            thread.start()
            self._threads.append(thread)

    def _run(self) -> None:
        while task := self._tasks.get():
            given, position, answered = task
            answered.put((position, self._call(given)))
