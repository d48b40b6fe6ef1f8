"""UUIDs of version 7: RFC 9562, section 5.7."""

import hashlib
import os
import time
import uuid


def uuid7() -> str:
    """The time in milliseconds, then random bits."""
    return _uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def half_id(batch_id: str, half: int) -> str:
    """Of one half of a batch that is split: the same time, and bits that anybody would choose."""
    digest = hashlib.sha256(f"{batch_id}/{half}".encode()).digest()
    return _uuid7(uuid.UUID(batch_id).int >> 80, digest[:10])


def _uuid7(time_ms: int, random: bytes) -> str:
    value = time_ms << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def uuid7_time_s(text: str) -> float:
    """When it was made, in seconds since 1970; ValueError where it is none."""
    value = uuid.UUID(text)
    if value.version != 7:
        raise ValueError(f"{text} is not a UUIDv7")
    return (value.int >> 80) / 1000
