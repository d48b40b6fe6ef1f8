"""The entries of what is stored as an object (client.md, 1.5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from ._sizes import storable_text

VALUES_MAX = 12_000
"""Of one record: the service takes 32,768, but they take time here."""


def entries_of(value: Any) -> Callable[[], Iterable[tuple[Any, Any]]] | None:
    """Of what is stored as an object; None of anything else."""
    kind = type(value)
    if isinstance(value, Mapping):
        return lambda: _mapped(value)
    if isinstance(value, BaseException):
        return lambda: _error_entries(value)
    if dataclasses.is_dataclass(kind):
        return lambda: ((each.name, _read(value, each.name, getattr)) for each in dataclasses.fields(kind))
    if hasattr(kind, "__pydantic_fields__") or hasattr(kind, "__fields_set__"):
        # Models of pydantic, of both generations, give names and values without a copy of these.
        return lambda: iter(value)
    if hasattr(kind, "__attrs_attrs__"):
        return lambda: ((each.name, _read(value, each.name, getattr)) for each in kind.__attrs_attrs__)
    return None


def key_text(key: Any) -> str:
    """A key that has no text costs no other."""
    try:
        return storable_text(key)
    except Exception:
        return f"<{type(key).__name__}>"


def _mapped(value: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    try:
        return snapshot(value.items())
    except Exception:  # one of its values can't be had: the others can
        return [(key, _read(value, key, lambda mapping, name: mapping[name])) for key in snapshot(value)]


def _read(value: Any, name: Any, read: Callable[[Any, Any], Any]) -> Any:
    """What is raised costs that entry only."""
    try:
        return read(value, name)
    except Exception as error:
        return f"<{type(error).__name__}>"


def _error_entries(error: BaseException) -> Iterable[tuple[str, Any]]:
    yield "type", type(error).__name__
    yield "message", str(error)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield "cause", cause
    several = getattr(error, "exceptions", None)
    if isinstance(several, (tuple, list)):
        yield "errors", several


def snapshot(items: Iterable[Any]) -> list[Any]:
    """The first ones: other threads may change what they come from meanwhile."""
    for _ in range(2):
        with suppress(RuntimeError):
            return list(islice(items, VALUES_MAX))
    return list(islice(items, VALUES_MAX))
