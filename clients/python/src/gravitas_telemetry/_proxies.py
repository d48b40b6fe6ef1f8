"""Which proxy the environment names for a URL (docs/specs/client.md, 3.7).

Not left to the libraries below: they differ in what they read, one fails on a malformed NO_PROXY,
and none leaves loopback alone.
"""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit


def proxy_of(url: str) -> str | None:
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host):
        return None
    proxy = _variable(f"{parts.scheme}_proxy") or _variable("all_proxy")
    if not proxy:
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if any(_matches(entry, host, port) for entry in re.split(r"[\s,]+", _variable("no_proxy"))):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(name: str) -> str:
    upper = name.upper()
    # In a CGI script that variable is a header of the request.
    in_upper = "" if upper == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ else os.environ.get(upper, "")
    return os.environ.get(name, in_upper).strip()


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _matches(entry: str, host: str, port: int) -> bool:
    name, of_port = _split_port(entry.lower())
    if not name or of_port not in ("", str(port)):
        return False
    if name == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        name = name.removeprefix("*").lstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""
