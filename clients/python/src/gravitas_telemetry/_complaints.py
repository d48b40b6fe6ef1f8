"""What the client says about itself: by logging, and each thing at most once a minute."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

logger = logging.getLogger("gravitas_telemetry")

_SECONDS_BETWEEN = 60
_last_said: dict[str, float] = {}
_is_exiting = False


def complain(about: str, message: str) -> None:
    now = time.monotonic()
    if now - _last_said.get(about, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
        return
    _last_said[about] = now
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
    global _is_exiting
    _is_exiting = True
