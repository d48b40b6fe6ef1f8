import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PartitionSize(_message.Message):
    __slots__ = ("table_name", "partition_name", "start_time", "end_time", "rows", "total_bytes", "drop_at")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    DROP_AT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    partition_name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    rows: int
    total_bytes: int
    drop_at: _timestamp_pb2.Timestamp
    def __init__(self, table_name: _Optional[str] = ..., partition_name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rows: _Optional[int] = ..., total_bytes: _Optional[int] = ..., drop_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SpoolFootprint(_message.Message):
    __slots__ = ("collector_id", "records", "bytes", "bytes_max")
    COLLECTOR_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    collector_id: str
    records: int
    bytes: int
    bytes_max: int
    def __init__(self, collector_id: _Optional[str] = ..., records: _Optional[int] = ..., bytes: _Optional[int] = ..., bytes_max: _Optional[int] = ...) -> None: ...

class DeadLetterFootprint(_message.Message):
    __slots__ = ("total", "oldest_at", "reasons")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    total: int
    oldest_at: _timestamp_pb2.Timestamp
    reasons: _containers.RepeatedCompositeFieldContainer[DeadLetterReason]
    def __init__(self, total: _Optional[int] = ..., oldest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reasons: _Optional[_Iterable[_Union[DeadLetterReason, _Mapping]]] = ...) -> None: ...

class DeadLetterReason(_message.Message):
    __slots__ = ("table_name", "reason", "count", "newest_at")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_AT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    reason: str
    count: int
    newest_at: _timestamp_pb2.Timestamp
    def __init__(self, table_name: _Optional[str] = ..., reason: _Optional[str] = ..., count: _Optional[int] = ..., newest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RetentionFootprint(_message.Message):
    __slots__ = ("event_floor", "usage_floor", "quarter_floor", "hour_floor", "day_floor", "dropped_partitions", "dropped_bytes", "dropped")
    EVENT_FLOOR_FIELD_NUMBER: _ClassVar[int]
    USAGE_FLOOR_FIELD_NUMBER: _ClassVar[int]
    QUARTER_FLOOR_FIELD_NUMBER: _ClassVar[int]
    HOUR_FLOOR_FIELD_NUMBER: _ClassVar[int]
    DAY_FLOOR_FIELD_NUMBER: _ClassVar[int]
    DROPPED_PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_BYTES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    event_floor: _timestamp_pb2.Timestamp
    usage_floor: _timestamp_pb2.Timestamp
    quarter_floor: _timestamp_pb2.Timestamp
    hour_floor: _timestamp_pb2.Timestamp
    day_floor: _timestamp_pb2.Timestamp
    dropped_partitions: int
    dropped_bytes: int
    dropped: _containers.RepeatedCompositeFieldContainer[DroppedPartition]
    def __init__(self, event_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., usage_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., quarter_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hour_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., day_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dropped_partitions: _Optional[int] = ..., dropped_bytes: _Optional[int] = ..., dropped: _Optional[_Iterable[_Union[DroppedPartition, _Mapping]]] = ...) -> None: ...

class DroppedPartition(_message.Message):
    __slots__ = ("table_name", "partition_name", "start_time", "end_time", "total_bytes", "reason", "dropped_at")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DROPPED_AT_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    partition_name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    total_bytes: int
    reason: str
    dropped_at: _timestamp_pb2.Timestamp
    def __init__(self, table_name: _Optional[str] = ..., partition_name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_bytes: _Optional[int] = ..., reason: _Optional[str] = ..., dropped_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
