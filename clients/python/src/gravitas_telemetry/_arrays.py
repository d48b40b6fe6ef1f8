"""Arrays and scalars of numpy, and of what is like it (client.md, 1.5)."""

from __future__ import annotations

from typing import Any

from ._entries import VALUES_MAX

# Items may be long texts.
_BYTES_MAX = 1024 * 1024
_MICROSECONDS = {"M": "datetime64[us]", "m": "timedelta64[us]"}


def is_array(value: Any) -> bool:
    """Scalars are arrays of no dimension."""
    return getattr(type(value), "ndim", None) is not None and isinstance(value.ndim, int)


def scalar_item(value: Any) -> Any:
    """What it is in Python; a number of more digits than there are in Python stays what it is."""
    return _with_times(value).item()


def first_items(value: Any) -> Any:
    """As many as may be stored."""
    first = value[: min(VALUES_MAX, _BYTES_MAX // getattr(value, "itemsize", 8) + 1)]
    return _with_times(first).tolist() if value.ndim == 1 else first


def _with_times(value: Any) -> Any:
    """Times of nanoseconds are none in Python, but integers."""
    dtype: Any = getattr(value, "dtype", None)
    kind = getattr(dtype, "kind", "")
    is_finer = kind in _MICROSECONDS and hasattr(value, "itemsize") and dtype.str[-3:-1] in ("ns", "ps", "fs", "as")
    return value.astype(_MICROSECONDS[kind]) if is_finer else value
