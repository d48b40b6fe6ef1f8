"""Messages of the contract as the plain objects that queries give."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import timezone
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

Result = TypeVar("Result")


def read(kind: type[Result], message: Message) -> Result:
    """What a dataclass has fields for: a service may say more."""
    known = _fields(kind)  # type: ignore[arg-type]
    return kind(**{name: _field(message, name.rstrip("_"), hint, is_optional) for name, hint, is_optional in known})


@cache
def _fields(kind: type) -> list[tuple[str, Any, bool]]:
    """Name and type of each, and whether it may be None: found out once, and not for each record."""
    return [(name, *_without_none(hint)) for name, hint in get_type_hints(kind).items()]


def _without_none(hint: Any) -> tuple[Any, bool]:
    if NoneType not in get_args(hint):
        return hint, False
    [other] = [each for each in get_args(hint) if each is not NoneType]
    return other, True


def _field(message: Message, name: str, hint: Any, is_optional: bool) -> Any:
    field = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    if field.enum_type:
        return _enumeration(field.enum_type, value)
    if get_origin(hint) is list:
        [item] = get_args(hint)
        return [_one(each, item) for each in value]
    if field.message_type and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.has_presence and not message.HasField(name):
        return {} if get_origin(hint) is dict else None
    return None if is_optional and value == "" else _one(value, hint)


def _one(value: Any, hint: Any) -> Any:
    if is_dataclass(hint):
        return read(hint, value)  # type: ignore[arg-type]
    if not isinstance(value, Message):
        return value
    if value.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        return value.ToDatetime(timezone.utc)  # type: ignore[attr-defined]
    return _whole_numbers(MessageToDict(value))


def _enumeration(kind: Any, value: int) -> str:
    """KIND_ROLLUPS of Kind is `rollups`; empty where it is none that is known."""
    known = kind.values_by_number.get(value)
    return known.name.removeprefix(f"{kind.name.upper()}_").lower() if known and value else ""


def _whole_numbers(value: Any) -> Any:
    """A Struct has only doubles: what was an int becomes one again, as JSON would give it."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
