"""Values that may be awaited, and need not be."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, NoReturn, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Itself = TypeVar("Itself")


class Ready(Coroutine[Any, Any, Any]):
    """A finished coroutine whose result is the object itself.

    Being a coroutine, it does wherever one is expected: `await`, `asyncio.create_task`,
    `asyncio.run` and `asyncio.gather`. It holds no state, so it may be awaited any number of times.
    """

    __slots__ = ()

    def send(self, value: Any) -> NoReturn:
        raise StopIteration(self)

    def throw(self, *error: Any) -> NoReturn:
        raise error[1] if len(error) > 1 and error[1] is not None else error[0]

    def close(self) -> None:
        pass

    def __await__(self: Itself) -> Generator[Any, Any, Itself]:
        return self
        yield  # makes this a generator


class Outcome(Ready):
    """What became of a call of `log`: true when the record was taken."""

    __slots__ = ("_taken",)

    def __init__(self, taken: bool) -> None:
        self._taken = taken

    def __bool__(self) -> bool:
        return self._taken

    def __repr__(self) -> str:
        return "TAKEN" if self._taken else "NOT_TAKEN"


TAKEN = Outcome(True)
NOT_TAKEN = Outcome(False)


class ReadyList(Ready, list[Item]):
    """A list that may be awaited."""


class ReadyDict(Ready, dict[Key, Item]):
    """A dict that may be awaited."""


class ReadyFloat(Ready, float):
    """A float that may be awaited."""
