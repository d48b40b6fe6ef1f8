"""What an answer of the service means for a batch (docs/specs/client.md, 3.2)."""

from __future__ import annotations

import base64
import binascii
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
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
class TooLarge:
    """For the service, or for what is in between."""

    message: str


@dataclass(frozen=True)
class TryAgain:
    message: str
    delay_s: float | None = None
    """The server's, which is not to be shortened."""
    is_about_batch: bool = False
    """What is in between may have something against this one batch only."""


Answer = Union[Acknowledged, Refused, TooLarge, TryAgain]

# Spelt as Connect does. Any other is somebody else's.
_CODES = {
    *("canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists"),
    *("permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range"),
    *("unimplemented", "internal", "unavailable", "data_loss", "unauthenticated"),
}
_REFUSED = ("invalid_argument", "failed_precondition", "out_of_range")
_TOO_LARGE = (413, 414, 431)
_OF_THE_WHOLE_WAY = (401, 403, 404, 407, 408, 429)


def acknowledged(ack: LogBatchResponse, batch_id: str) -> Answer:
    # Much that is no answer can be read as one: only who has read the batch knows its id.
    if ack.batch_id.lower() != batch_id.lower():
        return TryAgain("what answers is not the service: its success does not name the batch")
    reason = ack.rejections[0] if ack.rejections else None
    said = f"{reason.field} {reason.reason}".strip() if reason else ""
    # Dead letters are the service's business from here on.
    return Acknowledged(ack.events + ack.usage + ack.dead_lettered + ack.duplicates, ack.rejected, said)


def judge(code: str, message: str, delay_s: float | None) -> Answer:
    """`code`: of Connect, for example `already_exists`."""
    said = f"{code}: {message}"
    if code == "already_exists":
        return Refused("conflict", said)
    if code in _REFUSED:
        return Refused("refused", said)
    if code == "resource_exhausted" and delay_s is None:
        return TooLarge(said)
    return TryAgain(said, delay_s)


@dataclass(frozen=True)
class ConnectError:
    """What the service says of a call that failed."""

    code: str
    message: str
    delay_s: float | None


def connect_error(content: bytes) -> ConnectError | None:
    """Of an answer that is no success. None where it is not the service's."""
    try:
        error = json.loads(content)
        code = error["code"]
        if code not in _CODES:
            return None
        delays = map(_retry_info_s, error.get("details") or [])
        delay_s = next((delay for delay in delays if delay is not None), None)
        return ConnectError(code, str(error.get("message", "")), delay_s)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def judge_http(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """An answer that is no success."""
    delay_s = retry_after_s(headers.get("retry-after", ""))
    error = connect_error(content)
    if error:
        return judge(error.code, error.message, delay_s if error.delay_s is None else error.delay_s)
    # Something in between has answered.
    if status in _TOO_LARGE:
        return TooLarge(f"HTTP status {status}")
    is_about_batch = 400 <= status < 500 and status not in _OF_THE_WHOLE_WAY
    return TryAgain(f"HTTP status {status}, and not of the service", delay_s, is_about_batch)


def retry_after_s(text: str) -> float | None:
    """Of a header: seconds or an HTTP date. None where it is neither."""
    try:
        delay_s = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
            # One of the older forms has no zone: HTTP knows GMT only.
            at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
            delay_s = at.timestamp() - time.time()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return None if math.isnan(delay_s) else max(delay_s, 0)


def duration_s(duration: Duration) -> float:
    """One that a timedelta can't hold is one as well."""
    return max(float(duration.seconds + duration.nanos / 1e9), 0)


def _retry_info_s(detail: Any) -> float | None:
    """Reads google.rpc.RetryInfo, whose only field is the delay."""
    try:
        if detail["type"] != "google.rpc.RetryInfo":
            return None
        encoded = detail["value"]
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        return duration_s(Duration.FromString(content[2:]))
    except (KeyError, TypeError, ValueError, binascii.Error, DecodeError):
        return None
