"""Questions in plain types, as messages of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypedDict, TypeVar

from google.protobuf.message import Message

Question = TypeVar("Question", bound=Message)


class QueryError(Exception):
    """The service could not be asked, or refused to answer."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        """As Connect spells it, for example `invalid_argument`; None where it is not the service that said no."""


class TimeRange(TypedDict, total=False):
    """From when to when. At most one of hours, period and start_time says where it begins."""

    start_time: datetime
    """Not before."""
    end_time: datetime
    """Before."""
    hours: float
    """The last so many hours before now, or before end_time."""
    period: str
    """`day`, `week`, `month`, `quarter` or `year` for the present one; or by name: `2026-11-25`, `2026-W48`, `2026-11`."""
    time_zone: str
    """An IANA time zone, by which days, weeks and months begin; UTC otherwise."""


class EventFilter(TypedDict, total=False):
    """Which events: of several values, any. An empty text stands for events without."""

    components: Sequence[str]
    event_types: Sequence[str]
    statuses: Sequence[str]
    metadata: Mapping[str, Any]
    """What metadata has to contain."""


class UsageFilter(TypedDict, total=False):
    """Which usage records: of several values, any. An empty text stands for records without."""

    models: Sequence[str]
    layers: Sequence[str]
    providers: Sequence[str]
    operations: Sequence[str]
    agents: Sequence[str]
    projects: Sequence[str]
    teams: Sequence[str]
    users: Sequence[str]
    sessions: Sequence[str]
    ghosts: Sequence[str]
    shells: Sequence[str]
    statuses: Sequence[str]
    error_types: Sequence[str]
    unpriced: bool
    """Only records that have no cost."""
    metadata: Mapping[str, Any]
    """What metadata has to contain."""


def question(kind: type[Question], fields: Mapping[str, Any]) -> Question:
    """QueryError names the field that is wrong."""
    message = kind()
    for name, value in fields.items():
        _put(message, name, value, name)
    return message


def _put(message: Message, name: str, value: Any, path: str) -> None:
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise QueryError(f"{path}: there is no such field")
    if value is None:
        return
    try:
        _set(message, name, value, path, field.message_type)
    except QueryError:
        raise
    except Exception as error:  # what protobuf says of a wrong type, and what a caller's object does
        raise QueryError(f"{path}: {error}") from error


def _set(message: Message, name: str, value: Any, path: str, message_type: Any) -> None:
    part = getattr(message, name)
    if message_type is None and hasattr(part, "extend"):
        if isinstance(value, (str, bytes)):
            raise QueryError(f"{path}: must be a list of texts")
        part.extend(value)
    elif message_type is None:
        setattr(message, name, value)
    elif message_type.full_name == "google.protobuf.Timestamp":
        part.FromDatetime(value.astimezone(timezone.utc))
    elif message_type.full_name == "google.protobuf.Struct":
        part.update(value)
        part.SetInParent()
    else:
        part.SetInParent()
        for inner, item in value.items():
            _put(part, inner, item, f"{path}.{inner}")
