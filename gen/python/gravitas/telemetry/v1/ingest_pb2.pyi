import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from gravitas.telemetry.v1 import telemetry_pb2 as _telemetry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURABILITY_UNSPECIFIED: _ClassVar[Durability]
    DURABILITY_COMMITTED: _ClassVar[Durability]
    DURABILITY_SPOOLED: _ClassVar[Durability]
DURABILITY_UNSPECIFIED: Durability
DURABILITY_COMMITTED: Durability
DURABILITY_SPOOLED: Durability

class LogRequest(_message.Message):
    __slots__ = ("event_type", "component", "value", "metadata", "status", "timestamp", "idempotency_key")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    component: str
    value: float
    metadata: _struct_pb2.Struct
    status: str
    timestamp: _timestamp_pb2.Timestamp
    idempotency_key: str
    def __init__(self, event_type: _Optional[str] = ..., component: _Optional[str] = ..., value: _Optional[float] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., status: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class LogResponse(_message.Message):
    __slots__ = ("success", "message", "id", "durability", "duplicate")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    success: bool
    message: str
    id: str
    durability: Durability
    duplicate: bool
    def __init__(self, success: _Optional[bool] = ..., message: _Optional[str] = ..., id: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class LogUsageRequest(_message.Message):
    __slots__ = ("model", "layer", "provider", "operation", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "duration_ms", "cost_usd", "ghost_id", "shell_id", "metadata", "timestamp", "idempotency_key", "cache_write_tokens", "cache_write_1h_tokens", "session_id", "response_id", "request_id", "agent", "user_id", "team", "project", "trace_id", "span_id", "time_to_first_token_ms", "status", "error_type", "service_tier", "cost_source", "usage_rule")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    GHOST_ID_FIELD_NUMBER: _ClassVar[int]
    SHELL_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIER_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    USAGE_RULE_FIELD_NUMBER: _ClassVar[int]
    model: str
    layer: str
    provider: str
    operation: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    duration_ms: float
    cost_usd: float
    ghost_id: str
    shell_id: str
    metadata: _struct_pb2.Struct
    timestamp: _timestamp_pb2.Timestamp
    idempotency_key: str
    cache_write_tokens: int
    cache_write_1h_tokens: int
    session_id: str
    response_id: str
    request_id: str
    agent: str
    user_id: str
    team: str
    project: str
    trace_id: str
    span_id: str
    time_to_first_token_ms: float
    status: str
    error_type: str
    service_tier: str
    cost_source: str
    usage_rule: str
    def __init__(self, model: _Optional[str] = ..., layer: _Optional[str] = ..., provider: _Optional[str] = ..., operation: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., ghost_id: _Optional[str] = ..., shell_id: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., cache_write_tokens: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., session_id: _Optional[str] = ..., response_id: _Optional[str] = ..., request_id: _Optional[str] = ..., agent: _Optional[str] = ..., user_id: _Optional[str] = ..., team: _Optional[str] = ..., project: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., time_to_first_token_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_type: _Optional[str] = ..., service_tier: _Optional[str] = ..., cost_source: _Optional[str] = ..., usage_rule: _Optional[str] = ...) -> None: ...

class LogUsageResponse(_message.Message):
    __slots__ = ("success", "message", "id", "durability", "duplicate")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    success: bool
    message: str
    id: str
    durability: Durability
    duplicate: bool
    def __init__(self, success: _Optional[bool] = ..., message: _Optional[str] = ..., id: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class LogBatchRequest(_message.Message):
    __slots__ = ("batch_id", "events", "usage")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    events: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Event]
    usage: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Usage]
    def __init__(self, batch_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_telemetry_pb2.Event, _Mapping]]] = ..., usage: _Optional[_Iterable[_Union[_telemetry_pb2.Usage, _Mapping]]] = ...) -> None: ...

class LogBatchResponse(_message.Message):
    __slots__ = ("batch_id", "durability", "duplicate", "events", "usage", "rejected", "rejections", "dead_lettered", "duplicates")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    durability: Durability
    duplicate: bool
    events: int
    usage: int
    rejected: int
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    dead_lettered: int
    duplicates: int
    def __init__(self, batch_id: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., duplicate: _Optional[bool] = ..., events: _Optional[int] = ..., usage: _Optional[int] = ..., rejected: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., dead_lettered: _Optional[int] = ..., duplicates: _Optional[int] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("kind", "index", "field", "reason", "batch_id")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Rejection.Kind]
        KIND_EVENT: _ClassVar[Rejection.Kind]
        KIND_USAGE: _ClassVar[Rejection.Kind]
    KIND_UNSPECIFIED: Rejection.Kind
    KIND_EVENT: Rejection.Kind
    KIND_USAGE: Rejection.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    kind: Rejection.Kind
    index: int
    field: str
    reason: str
    batch_id: str
    def __init__(self, kind: _Optional[_Union[Rejection.Kind, str]] = ..., index: _Optional[int] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ..., batch_id: _Optional[str] = ...) -> None: ...

class StreamEventsRequest(_message.Message):
    __slots__ = ("batch_id", "events", "usage")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    events: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Event]
    usage: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Usage]
    def __init__(self, batch_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_telemetry_pb2.Event, _Mapping]]] = ..., usage: _Optional[_Iterable[_Union[_telemetry_pb2.Usage, _Mapping]]] = ...) -> None: ...

class StreamEventsResponse(_message.Message):
    __slots__ = ("batches", "duplicate_batches", "events", "usage", "rejected", "rejections", "dead_lettered", "duplicates")
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_BATCHES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTIONS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    batches: int
    duplicate_batches: int
    events: int
    usage: int
    rejected: int
    rejections: _containers.RepeatedCompositeFieldContainer[Rejection]
    dead_lettered: int
    duplicates: int
    def __init__(self, batches: _Optional[int] = ..., duplicate_batches: _Optional[int] = ..., events: _Optional[int] = ..., usage: _Optional[int] = ..., rejected: _Optional[int] = ..., rejections: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., dead_lettered: _Optional[int] = ..., duplicates: _Optional[int] = ...) -> None: ...

class StreamBatchesRequest(_message.Message):
    __slots__ = ("batch_id", "events", "usage")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    events: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Event]
    usage: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Usage]
    def __init__(self, batch_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_telemetry_pb2.Event, _Mapping]]] = ..., usage: _Optional[_Iterable[_Union[_telemetry_pb2.Usage, _Mapping]]] = ...) -> None: ...

class StreamBatchesResponse(_message.Message):
    __slots__ = ("sequence", "ack", "error")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    ack: LogBatchResponse
    error: BatchError
    def __init__(self, sequence: _Optional[int] = ..., ack: _Optional[_Union[LogBatchResponse, _Mapping]] = ..., error: _Optional[_Union[BatchError, _Mapping]] = ...) -> None: ...

class BatchError(_message.Message):
    __slots__ = ("batch_id", "code", "message", "retry_delay")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    code: int
    message: str
    retry_delay: _duration_pb2.Duration
    def __init__(self, batch_id: _Optional[str] = ..., code: _Optional[int] = ..., message: _Optional[str] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
