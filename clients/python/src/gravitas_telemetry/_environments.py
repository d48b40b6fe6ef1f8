"""Hooks of environments in which a process ends without its exit hooks (docs/specs/client.md, 5.3)."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

_hooked: set[str] = set()


def hook_environments(close: Callable[[], None], flush: Callable[[], None]) -> None:
    """Uses those that the application has loaded; may be called again and again."""
    for name, hook in (
        ("multiprocessing.util", _hook_finalizers),
        ("billiard.util", _hook_finalizers),
        ("celery.signals", _hook_celery),
        ("uvicorn.server", _hook_uvicorn),
    ):
        module: Any = sys.modules.get(name)
        if module and name not in _hooked:
            _hooked.add(name)
            hook(module, close, flush)


def forget_environments() -> None:
    """In a forked child, which drops the finalizers of its parent."""
    _hooked.difference_update(("multiprocessing.util", "billiard.util"))


def _hook_finalizers(util: Any, close: Callable[[], None], flush: Callable[[], None]) -> None:
    """Workers end by os._exit after their finalizers; ours comes late, after the worker's own children."""
    util.Finalize(None, close, exitpriority=-100)


def _hook_celery(signals: Any, close: Callable[[], None], flush: Callable[[], None]) -> None:
    def close_worker(**_: object) -> None:
        close()

    signals.worker_process_shutdown.connect(close_worker, weak=False)


def _hook_uvicorn(server: Any, close: Callable[[], None], flush: Callable[[], None]) -> None:
    """It ends itself by the signal that it was asked to stop with, and offers no hook before that."""
    shutdown = server.Server.shutdown

    @functools.wraps(shutdown)
    async def shutdown_and_flush(*args: Any, **kwargs: Any) -> Any:
        result = await shutdown(*args, **kwargs)
        await asyncio.to_thread(flush)
        return result

    server.Server.shutdown = shutdown_and_flush
