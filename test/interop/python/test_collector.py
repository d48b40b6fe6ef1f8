"""grpcio with the generated stubs, against a collector that is started elsewhere."""

import os
import queue
import time
import uuid

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from gravitas.telemetry.v1 import ingest_pb2, ingest_pb2_grpc, query_pb2, query_pb2_grpc
from gravitas.telemetry.v1.telemetry_pb2 import Event, Usage


def uuid7() -> str:
    milliseconds = int(time.time() * 1000).to_bytes(6, "big")
    random = bytearray(os.urandom(10))
    random[0] = 0x70 | random[0] & 0x0F
    random[2] = 0x80 | random[2] & 0x3F
    return str(uuid.UUID(bytes=milliseconds + bytes(random)))


def metadata_of(**fields) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct


def details_of(error: grpc.RpcError) -> bytes:
    """The encoded google.rpc.Status of an error."""
    return dict(error.trailing_metadata())["grpc-status-details-bin"]


@pytest.fixture
def ingest(channel):
    return ingest_pb2_grpc.IngestServiceStub(channel)


@pytest.fixture
def query(channel):
    return query_pb2_grpc.QueryServiceStub(channel)


def test_log_is_stored(ingest, query):
    metadata = metadata_of(gpu_id=0, name="ü😀")
    request = ingest_pb2.LogRequest(
        event_type="PY_LOG", component="python", value=12.5, metadata=metadata, status="OK"
    )
    response = ingest.Log(request)
    assert response.success
    (event,) = query.ListEvents(query_pb2.ListEventsRequest(event_type="PY_LOG")).events
    assert event.id == response.id
    assert (event.component, event.value, event.status) == ("python", 12.5, "OK")
    assert event.metadata == metadata


def test_usage_is_stored(ingest, query):
    usage = {"model": "python", "layer": "L2", "input_tokens": 12, "output_tokens": 3}
    ingest.LogUsage(ingest_pb2.LogUsageRequest(**usage, cost_usd=0.1))
    summary = query.GetUsageSummary(query_pb2.GetUsageSummaryRequest(model="python"))
    assert (summary.requests, summary.l2_tokens, summary.cost_usd) == (1, 15, 0.1)


def test_batch_is_stored_once_without_its_bad_event(ingest):
    events = [Event(event_type="PY_BATCH", value=value) for value in (0, float("inf"), 2)]
    request = ingest_pb2.LogBatchRequest(batch_id=uuid7(), events=events)
    first, second = ingest.LogBatch(request), ingest.LogBatch(request)
    assert not first.duplicate
    assert second.duplicate
    for answer in (first, second):
        assert (answer.events, answer.rejected) == (2, 1)
        assert [(r.index, r.field) for r in answer.rejections] == [(1, "value")]
    request.events.add(event_type="PY_BATCH")
    with pytest.raises(grpc.RpcError) as failure:
        ingest.LogBatch(request)
    assert failure.value.code() == grpc.StatusCode.ALREADY_EXISTS


def test_stream_of_batches_gets_one_summary(ingest):
    batches = (
        ingest_pb2.StreamEventsRequest(
            events=[Event(event_type="PY_STREAM", value=value), Event()],
            usage=[Usage(model="py_streamed")],
        )
        for value in range(3)
    )
    summary = ingest.StreamEvents(batches)
    assert (summary.batches, summary.events, summary.usage, summary.rejected) == (3, 3, 3, 3)


def test_each_batch_is_acknowledged_before_the_next_is_sent(ingest):
    batch_id = uuid7()
    turns = queue.SimpleQueue()
    answers = ingest.StreamBatches(iter(turns.get, None))
    received = []
    for value, turn_id in enumerate((batch_id, batch_id, "")):
        event = Event(event_type="PY_TURN", value=value)
        turns.put(ingest_pb2.StreamBatchesRequest(batch_id=turn_id, events=[event]))
        received.append(next(answers))
    turns.put(None)
    assert list(answers) == []
    assert [answer.sequence for answer in received] == [0, 1, 2]
    assert received[0].ack.batch_id == batch_id
    assert received[1].error.code == grpc.StatusCode.ALREADY_EXISTS.value[0]
    assert received[2].ack.events == 1


def test_error_names_the_field_at_fault(ingest):
    with pytest.raises(grpc.RpcError) as failure:
        ingest.Log(ingest_pb2.LogRequest(event_type="PY", status="x" * 65))
    assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert failure.value.details() == "status is 65 characters long; at most 64 are allowed"
    assert b"google.rpc.BadRequest" in details_of(failure.value)


def test_overload_says_when_to_try_again(jammed_channel):
    ingest = ingest_pb2_grpc.IngestServiceStub(jammed_channel)
    with pytest.raises(grpc.RpcError) as unavailable:
        ingest.Log(ingest_pb2.LogRequest(event_type="PY_HELD"))
    assert unavailable.value.code() == grpc.StatusCode.UNAVAILABLE
    event = Event(event_type="PY_HELD", metadata=metadata_of(text="x" * 50_000))
    with pytest.raises(grpc.RpcError) as exhausted:
        ingest.LogBatch(ingest_pb2.LogBatchRequest(events=[event] * 7))
    assert exhausted.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for failure in (unavailable, exhausted):
        assert b"google.rpc.RetryInfo" in details_of(failure.value)


def test_queries(ingest, query):
    metadata = metadata_of(tokens_generated=10, total_tokens=30)
    ingest.Log(
        ingest_pb2.LogRequest(
            event_type="THOUGHT_LATENCY", component="py", value=4, metadata=metadata
        )
    )
    stats = query.GetStats(query_pb2.GetStatsRequest(component="py"))
    assert (stats.measurement_count, stats.avg_efficiency_score, stats.total_tokens) == (1, 4, 10)
    (trend,) = query.GetTrends(query_pb2.GetTrendsRequest(component="py")).model_trends
    assert trend.total_tokens_processed == 30
    footprint = query.GetFootprint(query_pb2.GetFootprintRequest())
    assert footprint.row_counts["system_telemetry"] > 0


def test_health(channel):
    """By bytes, as the health stubs are a package of their own: status 1 is SERVING."""
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"") == b"\x08\x01"
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    assert next(watch) == b"\x08\x01"
    watch.cancel()
