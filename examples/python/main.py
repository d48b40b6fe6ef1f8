"""Stores an event, usage and a stream of batches with the generated stubs, and asks for the events.

Needs grpcio and protobuf. Run as: python examples/python/main.py [host:port]
"""

import secrets
import sys
import time
import uuid
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gen" / "python"))

from gravitas.telemetry.v1 import ingest_pb2, ingest_pb2_grpc, query_pb2, query_pb2_grpc, telemetry_pb2  # noqa: E402

TIMEOUT_S = 5


def uuid7() -> str:
    """The time in milliseconds, then random bits; sent again, it makes a repetition harmless."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def batches():
    for step in range(3):
        event = telemetry_pb2.Event(event_type="TRAINING_LOSS", component="python", value=1 / (step + 1))
        event.metadata.update({"step": step})
        yield ingest_pb2.StreamBatchesRequest(batch_id=uuid7(), events=[event])


def main(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        ingest = ingest_pb2_grpc.IngestServiceStub(channel)

        check = ingest_pb2.LogRequest(
            event_type="VRAM_CHECK", component="python", value=12.5, status="OK", idempotency_key=uuid7()
        )
        check.metadata.update({"gpu_id": 0, "used_vram_gb": 11.5})
        print("event", ingest.Log(check, timeout=TIMEOUT_S).id)

        usage = ingest_pb2.LogUsageRequest(
            model="llama-3-8b", layer="L1", input_tokens=512, output_tokens=128, duration_ms=840.5,
            idempotency_key=uuid7(),
        )
        print("usage", ingest.LogUsage(usage, timeout=TIMEOUT_S).id)

        for answer in ingest.StreamBatches(batches(), timeout=TIMEOUT_S):
            if answer.HasField("error"):
                sys.exit(f"batch {answer.error.batch_id} is not stored: {answer.error.message}")
            print("batch", answer.ack.batch_id, "events", answer.ack.events)

        query = query_pb2_grpc.QueryServiceStub(channel)
        found = query.ListEvents(query_pb2.ListEventsRequest(component="python", hours=1), timeout=TIMEOUT_S)
        for event in found.events:
            print(event.timestamp.ToJsonString(), event.event_type, event.value)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "localhost:8002")
