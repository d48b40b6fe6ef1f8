"""Threads of the operating system, also where gevent or eventlet have put theirs in place of Python's.

They replace what is in Python's modules, before or after this library is imported, or between two
records. A greenlet that waits by what was there before stops all the others, and a thread that
waits by what came later is none. So the sender keeps to what Python came with, and only what waits
in a caller's thread does it as the caller would (docs/specs/client.md, 5.2).
"""

from __future__ import annotations

import _queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_POLL_S = 0.005


def _original(module: str, name: str) -> Any:
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent:
        return gevent.get_original(module, name)
    eventlet: Any = sys.modules.get("eventlet.patcher")
    if eventlet and eventlet.is_monkey_patched("thread"):
        return getattr(eventlet.original(module), name)
    return getattr(__import__(module), name)


_allocate_lock: Callable[[], Any] = _original("_thread", "allocate_lock")
_start_new_thread: Callable[..., int] = _original("_thread", "start_new_thread")
RLock: Callable[[], Any] = _original("_thread", "RLock")
Lock = _allocate_lock
SimpleQueue: Any = _queue.SimpleQueue
Empty = _queue.Empty


def is_patched() -> bool:
    """Whether threads are greenlets by now."""
    import _thread

    return _thread.start_new_thread is not _start_new_thread


class Event:
    """Set once. May be waited for by one thread, and by any number of callers."""

    def __init__(self) -> None:
        self._unset = _allocate_lock()
        self._unset.acquire()
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        if not self._is_set:
            self._is_set = True
            self._unset.release()

    def wait_natively(self, timeout_s: float) -> bool:
        """Within a native thread."""
        if self._unset.acquire(timeout=max(timeout_s, 0)):
            # For whoever waits next.
            self._unset.release()
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """As a caller: a greenlet lets the others run."""
        if not is_patched():
            return self.wait_natively(timeout_s)
        deadline = time.monotonic() + timeout_s
        while not self._is_set and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return self._is_set


class _NamedThread(threading.Thread):
    """What debuggers and tests see."""

    def _delete(self) -> None:
        # It has another identity by now, where threads have become greenlets meanwhile.
        with suppress(KeyError):
            super()._delete()  # type: ignore[misc]


class Thread:
    """A daemon; `run` must not raise."""

    def __init__(self, run: Callable[[], None], name: str) -> None:
        self._run = run
        self._name = name
        self._ended = Event()
        self._thread: threading.Thread | None = None
        self.is_started = False

    def start(self) -> None:
        """RuntimeError where none can be started any more."""
        if is_patched():
            _start_new_thread(self._run_to_end, ())
        else:
            self._thread = _NamedThread(target=self._run_to_end, name=self._name, daemon=True)
            self._thread.start()
        self.is_started = True

    def is_alive(self) -> bool:
        return self.is_started and not self._ended.is_set()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        if not self.is_started:
            return True
        if not self._ended.wait(timeout_s):
            return False
        if self._thread and not is_patched():
            self._thread.join()
        return True

    def _run_to_end(self) -> None:
        try:
            self._run()
        finally:
            self._ended.set()
