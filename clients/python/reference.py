"""Writes REFERENCE.md from the signatures and docstrings: python clients/python/reference.py"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "src"))

import gravitas_telemetry  # noqa: E402


def signature(of: Any) -> str:
    # Annotations are texts, and shown as such.
    text = re.sub(r"(: |-> )'([^']+)'", r"\1\2", str(inspect.signature(of)))
    text = re.sub(r"\b(gravitas_telemetry\.\w+|results)\.", "", text)
    return re.sub(r"\(self(, )?", "(", text)


def paragraphs(of: Any) -> list[str]:
    return [inspect.getdoc(of) or "", ""]


def field_lines(kind: type) -> Iterator[str]:
    """With the strings that stand below attributes, which Python itself forgets."""
    source = inspect.getsource(kind)
    names = [each.name for each in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind.__annotations__
    for name in names:
        found = re.search(rf'^    {name}: (.+)\n(?:    """([^"]+)""")?', source, re.MULTILINE)
        if found:
            declared = re.sub(r" = field\(.*\)$", "", found[1])
            yield f"- `{name}: {declared}`" + (f" {' '.join(found[2].split())}" if found[2] else "")


def class_lines(name: str, kind: type) -> Iterator[str]:
    yield f"## {name}\n"
    if dataclasses.is_dataclass(kind) or issubclass(kind, dict):
        own = "" if (kind.__doc__ or "").startswith(name + "(") else inspect.getdoc(kind)
        yield from [own, ""] if own and name != "dict" else []
        yield from field_lines(kind)
        yield ""
        return
    if name in ("Telemetry", "TelemetryHandler"):
        yield f"`{name}{signature(kind)}`\n"
    yield from paragraphs(kind)
    for method, value in inspect.getmembers(kind, inspect.isfunction):
        if not method.startswith("_") and value.__module__.startswith("gravitas_telemetry") and value.__doc__:
            kept = "async " if inspect.iscoroutinefunction(value) else ""
            yield f"`{kept}{method}{signature(value)}`\n"
            yield from paragraphs(value)


def reference() -> str:
    lines = ["# Reference", "", "Written by `reference.py` from the docstrings.", ""]
    first = ["Telemetry", "Receipt", "Flushing", "FlushResult", "Timer", "TelemetryHandler", "QueryClient", "AsyncQueryClient"]
    rest = [name for name in gravitas_telemetry.__all__ if name not in first]
    for name in [*first, *rest]:
        value = getattr(gravitas_telemetry, name)
        if inspect.isclass(value):
            lines += class_lines(name, value)
    lines += ["# gravitas_telemetry.results", ""]
    for name in gravitas_telemetry.results.__all__:
        if name not in gravitas_telemetry.__all__:
            lines += class_lines(name, getattr(gravitas_telemetry.results, name))
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (HERE / "REFERENCE.md").write_text(reference())
