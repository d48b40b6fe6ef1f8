"""The options of a client, from arguments and from the environment (docs/specs/client.md, 7)."""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ._complaints import complain

Transport = Literal["http", "grpc"]
Fallback = Literal["spool", "stdout", "logging", "none"]

_ENVIRONMENT = {
    "url": ("TELEMETRY_URL",),
    "enabled": ("TELEMETRY_ENABLED",),
    "token": ("TELEMETRY_TOKEN",),
    "service_name": ("TELEMETRY_SERVICE_NAME", "OTEL_SERVICE_NAME"),
    "transport": ("TELEMETRY_TRANSPORT",),
    "fallback": ("TELEMETRY_FALLBACK",),
    "spool_directory": ("TELEMETRY_SPOOL_DIRECTORY",),
}
_CHOICES = {"transport": get_args(Transport), "fallback": get_args(Fallback)}


@dataclass(frozen=True, kw_only=True)
class Options:
    url: str = "http://localhost:8002"
    enabled: bool = True
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_name: str | None = None
    resource: Mapping[str, Any] | None = None
    transport: Transport = "http"
    fallback: Fallback = "spool"
    spool_directory: str | os.PathLike[str] = ""
    spool_bytes_max: int = 100 * 1024 * 1024
    queue_events_max: int = 50_000
    batch_events_max: int = 1_000
    batch_bytes_max: int = 512 * 1024
    batch_age_ms_max: float = 200
    close_timeout_s: float = 2
    verify: ssl.SSLContext | bool = True

    def request_headers(self) -> dict[str, str]:
        headers = dict(self.headers)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return headers

    def resource_attributes(self) -> dict[str, Any] | None:
        """What every record carries as metadata.resource, where anything is configured."""
        if not self.service_name and not self.resource:
            return None
        attributes: dict[str, Any] = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
        if self.service_name:
            attributes["service.name"] = self.service_name
        return {**attributes, **(self.resource or {})}


def check(given: Mapping[str, Any]) -> None:
    """ValueError for an argument that can't be meant."""
    for name, choices in _CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {given[name]!r}")
    for name, value in given.items():
        if name.endswith("_max") and not value > 0:
            raise ValueError(f"{name} must be greater than 0, not {value!r}")


def resolve(given: Mapping[str, Any]) -> Options:
    """Arguments go before the environment, which goes before the defaults."""
    values: dict[str, Any] = {}
    for name, variables in _ENVIRONMENT.items():
        text = next((os.environ[each] for each in variables if os.environ.get(each)), None)
        if text is None:
            continue
        if name in _CHOICES and text not in _CHOICES[name]:
            complain("options", f"{variables[0]} must be one of {', '.join(_CHOICES[name])}")
            continue
        values[name] = text
    if "enabled" in values:
        values["enabled"] = values["enabled"].strip().lower() not in ("false", "0", "no", "off")
    values.update(given)
    values["spool_directory"] = values.get("spool_directory") or _default_spool_directory()
    return Options(**values)


def _default_spool_directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    try:
        parent = Path(state) if state else Path.home() / ".local" / "state"
        directory = parent / "gravitas-telemetry"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        # No home, or one that can't be written.
        return Path(tempfile.gettempdir()) / "gravitas-telemetry"
    return directory if os.access(directory, os.W_OK) else Path(tempfile.gettempdir()) / directory.name
