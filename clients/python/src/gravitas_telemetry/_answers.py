"""What an answer of the service means for a batch (docs/specs/client.md, 3.2)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError

from ._generated.ingest_pb2 import LogBatchResponse


@dataclass(frozen=True)
class Acknowledged:
    stored: int
    rejected: int
    reason: str = ""
    """Why the first of those was rejected."""


@dataclass(frozen=True)
class Refused:
    reason: Literal["conflict", "refused"]
    message: str


@dataclass(frozen=True)
class TryAgain:
    message: str
    delay_s: float | None = None
    """The server's, which is not to be shortened."""


Answer = Union[Acknowledged, Refused, TryAgain]

def acknowledged(ack: LogBatchResponse) -> Answer:
    if not ack.batch_id:
        return TryAgain("what answers is not the service: its success names no batch")
    reason = ack.rejections[0] if ack.rejections else None
    said = f"{reason.field} {reason.reason}".strip() if reason else ""
    return Acknowledged(ack.events + ack.usage, ack.rejected, said)


_REFUSED = ("invalid_argument", "failed_precondition", "out_of_range")


def judge(code: str, message: str, delay_s: float | None) -> Answer:
    """`code`: of Connect, for example `already_exists`."""
    said = f"{code}: {message}"
    if code == "already_exists":
        return Refused("conflict", said)
    if code in _REFUSED or (code == "resource_exhausted" and delay_s is None):
        return Refused("refused", said)
    return TryAgain(said, delay_s)


def judge_http(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """An answer that is no success."""
    delay_s = _retry_after_s(headers.get("retry-after", ""))
    try:
        error = json.loads(content)
        code = error["code"]
        details = error.get("details", [])
        message = error.get("message", "")
    except (ValueError, TypeError, KeyError, AttributeError):
        # Something in between has answered.
        return TryAgain(f"HTTP status {status}", delay_s)
    retry_info_s = next((delay for delay in map(_retry_info_s, details) if delay is not None), None)
    return judge(str(code), str(message), delay_s if retry_info_s is None else retry_info_s)


def _retry_after_s(text: str) -> float | None:
    return float(text) if text.isdecimal() else None


def _retry_info_s(detail: Any) -> float | None:
    """Reads google.rpc.RetryInfo, whose only field is the delay."""
    try:
        if detail["type"] != "google.rpc.RetryInfo":
            return None
        encoded = detail["value"]
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        return Duration.FromString(content[2:]).ToTimedelta().total_seconds()
    except (KeyError, TypeError, ValueError, binascii.Error, DecodeError):
        return None
