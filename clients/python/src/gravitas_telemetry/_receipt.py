"""Values that may be awaited, and need not be."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, NoReturn, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Plain = TypeVar("Plain")


class Ready(Coroutine[Any, Any, Plain], Generic[Plain]):
    """A finished coroutine.

    Being one, it does wherever one is expected: `await`, `asyncio.create_task`, `asyncio.run` and
    `asyncio.gather`. It holds no state, so it may be awaited any number of times.
    """

    __slots__ = ()

    def _plain(self) -> Plain:
        """What awaiting it gives."""
        raise NotImplementedError

    def send(self, value: Any) -> NoReturn:
        raise StopIteration(self._plain())

    def throw(self, *error: Any) -> NoReturn:
        raise error[1] if len(error) > 1 and error[1] is not None else error[0]

    def close(self) -> None:
        pass

    def __await__(self) -> Generator[Any, Any, Plain]:
        return self._plain()
        yield  # makes this a generator


class Receipt(Ready[bool], int):
    """What a call of `log` gives: 1 when the record was taken, else 0. Awaiting it gives a bool."""

    __slots__ = ()

    def _plain(self) -> bool:
        return self != 0

    def __repr__(self) -> str:
        return repr(self != 0)


TAKEN = Receipt(1)
NOT_TAKEN = Receipt(0)


class ReadyList(Ready["list[Item]"], list[Item]):
    """A list that may be awaited."""

    def _plain(self) -> list[Item]:
        return list(self)


class ReadyDict(Ready["dict[Key, Item]"], dict[Key, Item]):
    """A dict that may be awaited."""

    def _plain(self) -> dict[Key, Item]:
        return dict(self)


class ReadyFloat(Ready[float], float):
    """A float that may be awaited."""

    def _plain(self) -> float:
        return float(self)
