"""The batches that are under way together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ._batch import Batch
from ._native import Lock


class Window:
    """Composes batches while earlier ones already travel.

    A transport may take the bodies on a thread of its own: after `seal` it gets no new ones.
    """

    def __init__(self, compose: Callable[[int], Batch | None], batches_max: int) -> None:
        self._compose = compose
        self._batches_max = batches_max
        self._lock = Lock()
        self.is_sealed = False
        self.batches: list[Batch] = []

    def bodies(self) -> Iterator[bytes]:
        """Encoded: the batches that are here, then new ones."""
        sent = 0
        while True:
            with self._lock:
                if sent == len(self.batches) and not self._add():
                    return
                body = self.batches[sent].wire
            sent += 1
            yield body

    def fill(self) -> None:
        """With a batch that is not to be sent, unless there are some."""
        with self._lock:
            if not self.batches:
                self._add()

    def seal(self) -> list[Batch]:
        with self._lock:
            self.is_sealed = True
            return self.batches

    def _add(self) -> bool:
        if self.is_sealed or len(self.batches) >= self._batches_max:
            return False
        batch = self._compose(len(self.batches))
        if batch:
            self.batches.append(batch)
        return batch is not None
