import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServiceRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServiceResponse(_message.Message):
    __slots__ = ("as_of", "collectors", "key_name")
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    COLLECTORS_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    as_of: _timestamp_pb2.Timestamp
    collectors: _containers.RepeatedCompositeFieldContainer[Collector]
    key_name: str
    def __init__(self, as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., collectors: _Optional[_Iterable[_Union[Collector, _Mapping]]] = ..., key_name: _Optional[str] = ...) -> None: ...

class Collector(_message.Message):
    __slots__ = ("id", "host", "version", "started_at", "seen_at", "answering", "away", "ready", "reasons", "rates", "ack_latency_ms", "lag_ms", "queue_records", "queue_bytes", "spool_records", "spool_bytes", "spool_bytes_max", "streams", "tails", "connections", "ledger", "keys", "memory_bytes", "cpu", "disk_bytes", "disk_free_bytes", "samples")
    ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWERING_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    ACK_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_RECORDS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPOOL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    TAILS_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    id: str
    host: str
    version: str
    started_at: _timestamp_pb2.Timestamp
    seen_at: _timestamp_pb2.Timestamp
    answering: bool
    away: bool
    ready: bool
    reasons: _containers.RepeatedCompositeFieldContainer[HealthReason]
    rates: ServiceRates
    ack_latency_ms: AckLatency
    lag_ms: float
    queue_records: int
    queue_bytes: int
    spool_records: int
    spool_bytes: int
    spool_bytes_max: int
    streams: int
    tails: int
    connections: int
    ledger: RecordLedger
    keys: _containers.RepeatedCompositeFieldContainer[KeyActivity]
    memory_bytes: int
    cpu: float
    disk_bytes: int
    disk_free_bytes: int
    samples: _containers.RepeatedCompositeFieldContainer[ServiceSample]
    def __init__(self, id: _Optional[str] = ..., host: _Optional[str] = ..., version: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seen_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answering: _Optional[bool] = ..., away: _Optional[bool] = ..., ready: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[HealthReason, _Mapping]]] = ..., rates: _Optional[_Union[ServiceRates, _Mapping]] = ..., ack_latency_ms: _Optional[_Union[AckLatency, _Mapping]] = ..., lag_ms: _Optional[float] = ..., queue_records: _Optional[int] = ..., queue_bytes: _Optional[int] = ..., spool_records: _Optional[int] = ..., spool_bytes: _Optional[int] = ..., spool_bytes_max: _Optional[int] = ..., streams: _Optional[int] = ..., tails: _Optional[int] = ..., connections: _Optional[int] = ..., ledger: _Optional[_Union[RecordLedger, _Mapping]] = ..., keys: _Optional[_Iterable[_Union[KeyActivity, _Mapping]]] = ..., memory_bytes: _Optional[int] = ..., cpu: _Optional[float] = ..., disk_bytes: _Optional[int] = ..., disk_free_bytes: _Optional[int] = ..., samples: _Optional[_Iterable[_Union[ServiceSample, _Mapping]]] = ...) -> None: ...

class HealthReason(_message.Message):
    __slots__ = ("part", "reason", "since", "blocking")
    PART_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    BLOCKING_FIELD_NUMBER: _ClassVar[int]
    part: str
    reason: str
    since: _timestamp_pb2.Timestamp
    blocking: bool
    def __init__(self, part: _Optional[str] = ..., reason: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., blocking: _Optional[bool] = ...) -> None: ...

class ServiceRates(_message.Message):
    __slots__ = ("received", "stored", "rejected", "refused", "requests")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    received: float
    stored: float
    rejected: float
    refused: float
    requests: float
    def __init__(self, received: _Optional[float] = ..., stored: _Optional[float] = ..., rejected: _Optional[float] = ..., refused: _Optional[float] = ..., requests: _Optional[float] = ...) -> None: ...

class AckLatency(_message.Message):
    __slots__ = ("p50", "p95", "p99")
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    p50: float
    p95: float
    p99: float
    def __init__(self, p50: _Optional[float] = ..., p95: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...

class RecordLedger(_message.Message):
    __slots__ = ("received", "recovered", "stored", "duplicate", "rejected", "refused", "dead_lettered", "pending", "erased")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    ERASED_FIELD_NUMBER: _ClassVar[int]
    received: int
    recovered: int
    stored: int
    duplicate: int
    rejected: int
    refused: int
    dead_lettered: int
    pending: int
    erased: int
    def __init__(self, received: _Optional[int] = ..., recovered: _Optional[int] = ..., stored: _Optional[int] = ..., duplicate: _Optional[int] = ..., rejected: _Optional[int] = ..., refused: _Optional[int] = ..., dead_lettered: _Optional[int] = ..., pending: _Optional[int] = ..., erased: _Optional[int] = ...) -> None: ...

class KeyActivity(_message.Message):
    __slots__ = ("name", "scopes", "streams", "requests", "records", "records_refused", "queries", "records_per_second", "quota_share", "last_used_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    QUOTA_SHARE_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    streams: int
    requests: int
    records: int
    records_refused: int
    queries: int
    records_per_second: float
    quota_share: float
    last_used_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., streams: _Optional[int] = ..., requests: _Optional[int] = ..., records: _Optional[int] = ..., records_refused: _Optional[int] = ..., queries: _Optional[int] = ..., records_per_second: _Optional[float] = ..., quota_share: _Optional[float] = ..., last_used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ServiceSample(_message.Message):
    __slots__ = ("time", "stored_per_second", "received_per_second", "ack_p50_ms", "ack_p99_ms", "lag_ms", "queue_records", "spool_records")
    TIME_FIELD_NUMBER: _ClassVar[int]
    STORED_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ACK_P50_MS_FIELD_NUMBER: _ClassVar[int]
    ACK_P99_MS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_RECORDS_FIELD_NUMBER: _ClassVar[int]
    SPOOL_RECORDS_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    stored_per_second: float
    received_per_second: float
    ack_p50_ms: float
    ack_p99_ms: float
    lag_ms: float
    queue_records: int
    spool_records: int
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stored_per_second: _Optional[float] = ..., received_per_second: _Optional[float] = ..., ack_p50_ms: _Optional[float] = ..., ack_p99_ms: _Optional[float] = ..., lag_ms: _Optional[float] = ..., queue_records: _Optional[int] = ..., spool_records: _Optional[int] = ...) -> None: ...
