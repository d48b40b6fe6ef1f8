"""What the client says about itself: by logging, and each thing at most once a minute."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ._native import Thread

logger = logging.getLogger("gravitas_telemetry")

_SECONDS_BETWEEN = 60
_EXIT_S = 0.5
_last_said: dict[str, float] = {}
_speaking: deque[Thread] = deque(maxlen=20)
_is_exiting = False


def complain(about: str, message: str) -> None:
    if _is_due(about):
        _say(message)


def complain_later(about: str, message: str) -> None:
    """In a caller's thread, which is not to wait for what the application's handlers write to."""
    if not _is_due(about):
        return
    speaker = Thread(lambda: _say(message), "gravitas-telemetry-complaint")
    try:
        speaker.start()
        _speaking.append(speaker)
    except RuntimeError:
        # The end of an interpreter.
        _say(message)


def _is_due(about: str) -> bool:
    now = time.monotonic()
    if now - _last_said.get(about, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
        return False
    _last_said[about] = now
    return True


def _say(message: str) -> None:
    # Whatever a handler of the application does.
    with suppress(Exception), quiet_at_exit():
        logger.warning("%s", message)


@contextmanager
def quiet_at_exit() -> Iterator[None]:
    """At the end the application may have closed what its handlers write to, which is no fault to show."""
    shown, logging.raiseExceptions = logging.raiseExceptions, logging.raiseExceptions and not _is_exiting
    try:
        yield
    finally:
        logging.raiseExceptions = shown


def exiting() -> None:
    """Nothing that is begun is left unsaid."""
    global _is_exiting
    for speaker in _speaking:
        speaker.join(_EXIT_S)
    _is_exiting = True


def forget_inherited() -> None:
    """In a forked child: the threads are the parent's."""
    _speaking.clear()
