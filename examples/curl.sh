#!/usr/bin/env bash
# Stores an event, a usage record and a batch, and asks for them.
# Run as: examples/curl.sh [base URL, default http://localhost:8002]
set -euo pipefail
api=${1:-http://localhost:8002}/v1/telemetry

request() {
  curl --silent --show-error --fail-with-body --max-time 5 "$@"
  echo
}

post() {
  request --header 'content-type: application/json' --data "$2" "$api/$1"
}

post log '{
  "event_type": "VRAM_CHECK", "component": "L1", "value": 12.5, "status": "OK",
  "metadata": {"gpu_id": 0, "total_vram_gb": 24.0, "used_vram_gb": 11.5}
}'

post usage '{
  "model": "llama-3-8b", "layer": "L1",
  "input_tokens": 512, "output_tokens": 128, "duration_ms": 840.5
}'

# A "batch_id" (a UUIDv7) would make it harmless to send the batch again.
post batch '{
  "events": [
    {"event_type": "LOAD_LATENCY", "component": "llama-3-8b", "value": 3.2},
    {"event_type": "THOUGHT_LATENCY", "component": "llama-3-8b", "value": 6.5,
     "metadata": {"tokens_generated": 128}}
  ],
  "usage": [{"model": "claude-sonnet", "layer": "L2", "input_tokens": 900, "output_tokens": 300}]
}'

request "$api/events?component=L1&limit=5"
request "$api/stats?hours=24"
request "$api/usage/summary?hours=24"
