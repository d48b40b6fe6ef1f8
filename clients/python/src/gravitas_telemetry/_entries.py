"""The entries of what is stored as an object (client.md, 1.5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

VALUES_MAX = 12_000
"""Of one record: the service takes 32,768, but they take time here."""


def entries_of(value: Any) -> Callable[[], Iterable[tuple[Any, Any]]] | None:
    """Of what is stored as an object; None of anything else."""
    kind = type(value)
    if isinstance(value, Mapping):
        return lambda: snapshot(value.items())
    if isinstance(value, BaseException):
        return lambda: _error_entries(value)
    if dataclasses.is_dataclass(kind):
        return lambda: ((each.name, getattr(value, each.name)) for each in dataclasses.fields(kind))
    if hasattr(kind, "__pydantic_fields__") or hasattr(kind, "__fields_set__"):
        # Models of pydantic, of both generations, give names and values without a copy of these.
        return lambda: iter(value)
    if hasattr(kind, "__attrs_attrs__"):
        return lambda: ((each.name, getattr(value, each.name)) for each in kind.__attrs_attrs__)
    return None


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
