"""Messages of the contract as the plain objects that queries give."""

from __future__ import annotations

from collections.abc import Mapping
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
    return kind(**{name: _field(message, name.rstrip("_"), hint) for name, hint in _hints(kind).items()})  # type: ignore[arg-type]


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _field(message: Message, name: str, hint: Any) -> Any:
    field = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    is_optional = NoneType in get_args(hint)
    [inner] = [each for each in get_args(hint) if each is not NoneType] if is_optional else [hint]
    if field.enum_type:
        return _enumeration(field.enum_type, value)
    if get_origin(inner) is list:
        [item] = get_args(inner)
        return [_one(each, item) for each in value]
    if field.message_type and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.has_presence and not message.HasField(name):
        return {} if get_origin(inner) is dict else None
    return None if is_optional and value == "" else _one(value, inner)


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
