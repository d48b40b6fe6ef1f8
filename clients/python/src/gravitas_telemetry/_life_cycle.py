"""Ends and forks of the process (docs/specs/client.md, 5)."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from ._complaints import exiting, forget_inherited
from ._environments import forget_environments, hook_environments
from ._native import Lock


class Living(Protocol):
    def close(self, timeout: float | None = None) -> object: ...

    def flush(self, timeout: float = ...) -> object: ...

    def _begin_anew(self) -> None: ...


_living: list[Living] = []
_FORK_DELAY_S_MAX = 1.0
_FLUSH_S = 2.0
_setting_up = Lock()
_fork_holds_lock = False


def begin(client: Living) -> None:
    """With the first record: from now on the client is closed at exit, and begins anew in a fork."""
    if client not in _living:
        _living.append(client)
    hook_environments(_close_all, _flush_all)


def end(client: Living) -> None:
    with suppress(ValueError):
        _living.remove(client)


@contextmanager
def not_while_forking() -> Iterator[None]:
    """For what leaves a forked child in a deadlock when the fork comes in the middle of it.

    OpenSSL takes locks while it sets up TLS, and a child has them locked with nobody to unlock them.
    """
    with _setting_up:
        yield


def _close_at_exit() -> None:
    exiting()
    _close_all()


def _close_all() -> None:
    for client in list(_living):
        client.close()


def _flush_all() -> None:
    for client in list(_living):
        client.flush(_FLUSH_S)


def _before_fork() -> None:
    global _fork_holds_lock
    _fork_holds_lock = _setting_up.acquire(timeout=_FORK_DELAY_S_MAX)


def _after_fork_in_parent() -> None:
    if _fork_holds_lock:
        _setting_up.release()


def _begin_all_anew() -> None:
    global _setting_up
    _setting_up = Lock()
    forget_environments()
    forget_inherited()
    for client in _living:
        client._begin_anew()


# At import: exit hooks run last in, first out, so that those of the application may still log.
atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_begin_all_anew
    )
