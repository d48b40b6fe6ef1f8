"""What the collectors under test are reached by."""

import os

import grpc
import pytest


@pytest.fixture
def channel():
    """To a collector at work; TELEMETRY_TARGET is its host:port."""
    with grpc.insecure_channel(os.environ["TELEMETRY_TARGET"]) as channel:
        yield channel


@pytest.fixture
def jammed_channel():
    """To a collector whose database takes nothing; TELEMETRY_JAMMED_TARGET is its host:port."""
    with grpc.insecure_channel(os.environ["TELEMETRY_JAMMED_TARGET"]) as channel:
        yield channel
