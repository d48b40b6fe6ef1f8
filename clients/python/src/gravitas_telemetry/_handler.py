"""A handler for the logging module of Python."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ._http_client import on_sending_thread

if TYPE_CHECKING:
    from ._telemetry import Telemetry


# What every record has, and what formatters add to it.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class TelemetryHandler(logging.Handler):
    """Sends log records as events: component is the logger, status the level.

    Metadata is what `extra` gave, `message`, `file`, `line`, and `exception` and `stack` where there
    are such. What telemetry itself logs is left out, and so is what its HTTP library logs on its account.
    """

    def __init__(
        self, telemetry: Telemetry | None = None, *, event_type: str = "LOG", level: int | str = logging.NOTSET
    ) -> None:
        super().__init__(level)
        if telemetry is None:
            from . import telemetry as default

            telemetry = default
        self._telemetry = telemetry
        self._event_type = event_type

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] == "gravitas_telemetry" or on_sending_thread():
            return
        try:
            metadata = {"message": record.getMessage(), "file": record.pathname, "line": record.lineno}
            if record.exc_info:
                metadata["exception"] = logging.Formatter().formatException(record.exc_info)
            if record.stack_info:
                metadata["stack"] = record.stack_info
            # Last: what the application gave is not to be lost to what is ours.
            metadata.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
            self._telemetry.log(
                self._event_type, record.name, None, metadata, record.levelname, timestamp=record.created
            )
        except Exception:
            self.handleError(record)
