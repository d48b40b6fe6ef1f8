"""The dicts that the application's module gave, of what the service answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import results


def efficiency(found: results.ComponentStats) -> dict[str, Any]:
    return {
        "component": found.component,
        "measurement_count": found.measurement_count,
        "avg_efficiency_score": found.avg_efficiency_score,
        "best_efficiency": found.best_efficiency,
        "worst_efficiency": found.worst_efficiency,
        "total_tokens": found.total_tokens,
    }


def statistics_shape(found: results.Trends) -> dict[str, Any]:
    trends = sorted(found.model_trends, key=_worth)
    overall = found.overall
    return {
        "overall": {
            "total_measurements": overall.total_measurements,
            "unique_models": overall.unique_models,
            "oldest_record": overall.oldest_record,
            "newest_record": overall.newest_record,
        },
        "model_trends": [
            {
                "component": trend.component,
                "avg_efficiency": trend.avg_efficiency,
                "measurement_count": trend.measurement_count,
                "total_tokens_processed": trend.total_tokens_processed,
            }
            for trend in trends
        ],
        "retention_window_days": found.retention_window_days,
    }


def footprint_shape(found: results.Footprint) -> dict[str, Any]:
    tables = sorted(found.table_sizes, key=lambda table: table.total_bytes, reverse=True)
    return {
        "table_sizes": [
            {
                "tablename": table.table_name,
                "total_size": size_pretty(table.total_bytes),
                "size_bytes": table.total_bytes,
                **asdict(table),
            }
            for table in tables
        ],
        "row_counts": found.row_counts,
        "oldest_telemetry_record": _iso(found.oldest_telemetry_record),
        "monitored_at": _iso(found.monitored_at),
    }


def usage_shape(found: results.UsageSummary) -> dict[str, Any]:
    return {
        "total_requests": found.requests,
        "prompt_tokens": found.input_tokens,
        "completion_tokens": found.output_tokens,
        "total_tokens": found.total_tokens,
        "l2_tokens": found.l2_tokens,
        "avg_latency_ms": found.avg_duration_ms,
        "cost_usd": found.cost_usd,
        "breakdown": [
            {
                "model": each.model,
                "layer": each.layer,
                "requests": each.requests,
                "prompt_tokens": each.input_tokens,
                "completion_tokens": each.output_tokens,
                "total_tokens": each.total_tokens,
                "avg_latency_ms": each.avg_duration_ms,
                "cost_usd": each.cost_usd,
            }
            for each in found.breakdown
        ],
        "time_window_hours": found.time_window_hours,
    }


def size_pretty(size: int) -> str:
    """As PostgreSQL's pg_size_pretty writes it."""
    if size < 10 * 1024:
        return f"{size} bytes"
    # One bit more than the unit has is kept for rounding.
    size >>= 9
    for unit in ("kB", "MB", "GB", "TB"):
        if size < 20 * 1024 - 1:
            return f"{(size + 1) // 2} {unit}"
        size >>= 10
    return f"{(size + 1) // 2} PB"


def _iso(time: Any) -> str | None:
    return None if time is None else time.isoformat()


def _worth(trend: results.ModelTrend) -> tuple[bool, float]:
    """Few milliseconds a token are best; models without a measured value come last."""
    return trend.avg_efficiency is None, trend.avg_efficiency or 0
