"""Makes a few calls at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Couriers(Generic[Task, Result]):
    """Threads that never keep a process from ending, which those of concurrent.futures do.

    `call` must not raise.
    """

    def __init__(self, call: Callable[[Task], Result], count: int) -> None:
        self._call = call
        self._count = count
        self._tasks: SimpleQueue[tuple[Task, int, SimpleQueue[tuple[int, Result]]]] = SimpleQueue()
        self._started = False

    def call_all(self, tasks: Iterable[Task]) -> list[Result]:
        """The results in the order of the tasks, of which each begins as soon as it is there."""
        remaining = iter(tasks)
        first = next(remaining, None)
        if first is None:
            return []
        second = next(remaining, None)
        if second is None:
            return [self._call(first)]
        self._start()
        answered: SimpleQueue[tuple[int, Result]] = SimpleQueue()
        count = 0
        for task in (first, second):
            self._tasks.put((task, count, answered))
            count += 1
        for task in remaining:
            self._tasks.put((task, count, answered))
            count += 1
        results = dict(answered.get() for _ in range(count))
        return [results[position] for position in range(count)]

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(self._count):
                threading.Thread(target=self._run, name="gravitas-telemetry-courier", daemon=True).start()

    def _run(self) -> None:
        while True:
            task, position, answered = self._tasks.get()
            answered.put((position, self._call(task)))
