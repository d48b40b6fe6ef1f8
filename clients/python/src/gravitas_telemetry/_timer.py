"""Measures how long a block or a function takes, and logs it."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from ._records import own_metadata

Function = TypeVar("Function", bound=Callable[..., Any])


class Log(Protocol):
    def __call__(
        self,
        event_type: str,
        component: str | None = ...,
        value: float | None = ...,
        metadata: Mapping[str, Any] | None = ...,
        status: str | None = ...,
    ) -> object: ...


class Timer:
    """A context manager, also an asynchronous one, and a decorator of both kinds of functions.

    The event's value is the time in milliseconds, its status `OK` or, where an exception came out,
    `ERROR` with its type as metadata `error`. `metadata` may be added to while the time runs.
    """

    def __init__(self, log: Log, event_type: str, component: str | None, metadata: Mapping[str, Any] | None) -> None:
        self._log = log
        self._event_type = event_type
        self._component = component
        self._started_at = 0.0
        self.metadata = _own(metadata)
        self.elapsed_ms: float | None = None
        """The time, once it has been taken."""

    def __enter__(self) -> Timer:
        self._started_at = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.elapsed_ms = (time.perf_counter() - self._started_at) * 1000
        metadata = {**self.metadata, "error": kind.__name__} if kind else self.metadata
        status = "ERROR" if kind else "OK"
        self._log(self._event_type, self._component, self.elapsed_ms, metadata or None, status)

    async def __aenter__(self) -> Timer:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Function) -> Function:
        # Each call has a timer of its own: functions are called by several threads, and by themselves.
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def timed_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self._anew():
                    return await function(*args, **kwargs)

            return cast(Function, timed_coroutine)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._anew():
                return function(*args, **kwargs)

        return cast(Function, timed)

    def _anew(self) -> Timer:
        return Timer(self._log, self._event_type, self._component, self.metadata)


def _own(metadata: Any) -> dict[str, Any]:
    """To be added to, whatever it is."""
    copied = own_metadata(metadata)
    return copied if type(copied) is dict else {} if copied is None else {"value": copied}
