import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("event_type", "component", "value", "metadata", "status", "timestamp", "id")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    component: str
    value: float
    metadata: _struct_pb2.Struct
    status: str
    timestamp: _timestamp_pb2.Timestamp
    id: str
    def __init__(self, event_type: _Optional[str] = ..., component: _Optional[str] = ..., value: _Optional[float] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., status: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., id: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("model", "layer", "provider", "operation", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "duration_ms", "cost_usd", "ghost_id", "shell_id", "metadata", "timestamp", "id", "cache_write_tokens", "cache_write_1h_tokens", "session_id", "response_id", "request_id", "agent", "user_id", "team", "project", "trace_id", "span_id", "time_to_first_token_ms", "status", "error_type", "service_tier", "cost_source", "usage_rule")
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
    ID_FIELD_NUMBER: _ClassVar[int]
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
    id: str
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
    def __init__(self, model: _Optional[str] = ..., layer: _Optional[str] = ..., provider: _Optional[str] = ..., operation: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., ghost_id: _Optional[str] = ..., shell_id: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., id: _Optional[str] = ..., cache_write_tokens: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., session_id: _Optional[str] = ..., response_id: _Optional[str] = ..., request_id: _Optional[str] = ..., agent: _Optional[str] = ..., user_id: _Optional[str] = ..., team: _Optional[str] = ..., project: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., time_to_first_token_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_type: _Optional[str] = ..., service_tier: _Optional[str] = ..., cost_source: _Optional[str] = ..., usage_rule: _Optional[str] = ...) -> None: ...
