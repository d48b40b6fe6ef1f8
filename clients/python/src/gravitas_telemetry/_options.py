"""The options of a client, from arguments and from the environment (docs/specs/client.md, 7)."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from ._before_send import BeforeSend
from ._complaints import complain_later
from ._option_checks import InvalidOption, checked
from ._proxies import is_loopback

TransportName = Literal["http", "grpc"]
Fallback = Literal["spool", "stdout", "logging", "none"]

_ENVIRONMENT = {
    "url": ("TELEMETRY_URL",),
    "enabled": ("TELEMETRY_ENABLED",),
    "token": ("TELEMETRY_TOKEN",),
    "service_name": ("TELEMETRY_SERVICE_NAME", "OTEL_SERVICE_NAME"),
    "transport": ("TELEMETRY_TRANSPORT",),
    "fallback": ("TELEMETRY_FALLBACK",),
    "spool_directory": ("TELEMETRY_SPOOL_DIRECTORY",),
    "ca_file": ("TELEMETRY_CA_FILE",),
    "client_cert_file": ("TELEMETRY_CLIENT_CERT_FILE",),
    "client_key_file": ("TELEMETRY_CLIENT_KEY_FILE",),
}

_ENABLING = ("true", "1", "yes", "on")
_DISABLING = ("false", "0", "no", "off")


@dataclass(frozen=True, kw_only=True)
class Options:
    url: str = field(default="http://localhost:8002", repr=False)
    enabled: bool = True
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_name: str | None = None
    resource: Mapping[str, Any] | None = None
    transport: TransportName = "http"
    fallback: Fallback = "spool"
    spool_directory: str | os.PathLike[str] | None = None
    """None: the default, which is found when it is needed."""
    spool_bytes_max: int = 100 * 1024 * 1024
    queue_events_max: int = 50_000
    batch_events_max: int = 1_000
    batch_bytes_max: int = 512 * 1024
    batch_age_ms_max: float = 200
    close_timeout_s: float = 2
    before_send: BeforeSend | None = None
    ca_file: str | os.PathLike[str] | None = None
    client_cert_file: str | os.PathLike[str] | None = None
    client_key_file: str | os.PathLike[str] | None = None
    verify: ssl.SSLContext | bool = True

    @property
    def shown_url(self) -> str:
        """Without what may be a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def request_headers(self) -> dict[str, str]:
        if not self.token:
            return dict(self.headers)
        others = {name: value for name, value in self.headers.items() if name.lower() != "authorization"}
        return {**others, "authorization": f"Bearer {self.token}"}

    def tells_secrets(self) -> bool:
        """Whether whoever is in between can read what only the service is to know."""
        secrets = any(name in ("authorization", "x-api-key", "cookie") for name in map(str.lower, self.request_headers()))
        return secrets and self.url.startswith("http:") and not is_loopback(urlsplit(self.url).hostname or "")

    def resource_attributes(self) -> dict[str, Any] | None:
        """What every record carries as metadata.resource, where anything is configured."""
        if not self.service_name and not self.resource:
            return None
        attributes: dict[str, Any] = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
        if self.service_name:
            attributes["service.name"] = self.service_name
        return {**attributes, **(self.resource or {})}


def resolve(given: Mapping[str, Any]) -> Options:
    """Arguments, which have been checked, go before the environment, which goes before the defaults."""
    values: dict[str, Any] = {}
    for name, variables in _ENVIRONMENT.items():
        variable = next((each for each in variables if os.environ.get(each, "").strip()), None)
        if variable is None or name in given:
            continue
        text = os.environ[variable].strip()
        try:
            values[name] = _environment_value(name, text)
        except InvalidOption as error:
            complain_later(f"options {name}", f"{variable} counts as not given: {error}")
            if name == "url":
                # Another service than the one that was meant is not to get it.
                values[name] = ""
    return Options(**{**values, **given})


def _environment_value(name: str, text: str) -> Any:
    if name in ("transport", "fallback"):
        return checked(name, text.lower())
    if name != "enabled":
        return checked(name, text)
    if text.lower() not in (*_ENABLING, *_DISABLING):
        raise InvalidOption(f"enabled must be one of {', '.join((*_DISABLING, *_ENABLING))}")
    return text.lower() in _ENABLING
