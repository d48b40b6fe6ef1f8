"""UUIDs of version 7: RFC 9562, section 5.7."""

import os
import time
import uuid


def uuid7() -> str:
    """The time in milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def uuid7_time_s(text: str) -> float:
    """When it was made, in seconds since 1970; ValueError where it is none."""
    value = uuid.UUID(text)
    if value.version != 7:
        raise ValueError(f"{text} is not a UUIDv7")
    return (value.int >> 80) / 1000
