"""`make bench-clients`: what a call costs the caller, and how much one process delivers.

Takes some 8 minutes; ROUNDS=1 takes a third of that. With BESIDE, another checkout, it measures
that one's library beside this one's, and writes to beside.md.

Everything is measured in processes of its own, in rounds that alternate; the table has medians.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
PACED_CALLS, PACED_PER_SECOND = 3_000, 1_000
FLAT_OUT_CALLS = {"library": 200_000, "opentelemetry": 200_000, "post": 500}
NAMES = {
    "library": "gravitas-telemetry",
    "opentelemetry": "OpenTelemetry SDK, exporter that does nothing",
    "post": "httpx, a post for each event",
}
DELIVERED_EVENTS = 300_000
BESIDE = os.environ.get("BESIDE", "")
if BESIDE:
    NAMES = {"library": "gravitas-telemetry", "before": "before"}
    FLAT_OUT_CALLS["before"] = FLAT_OUT_CALLS["library"]


def run(program: str, way: str, *arguments: object, **environment: str) -> dict[str, Any]:
    project = Path(BESIDE).resolve() / "clients" / "python" if way.startswith("before") else HERE.parent
    given = (way.removeprefix("before ").replace("before", "library"), *arguments)
    with tempfile.TemporaryDirectory() as spool:
        done = subprocess.run(
            [sys.executable, HERE / program, *map(str, given)],
            env={**os.environ, "PYTHONPATH": str(project / "src"), "SPOOL": spool, **environment},
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_collector(directory: str) -> tuple[subprocess.Popen[bytes], str]:
    # The embedded PostgreSQL runs as another user where this runs as root.
    os.chmod(directory, 0o711)
    port = free_port()
    environment = {"TELEMETRY_DATA_DIR": f"{directory}/data", "TELEMETRY_PORT": str(port)}
    collector = subprocess.Popen(
        [ROOT / "bin" / "gravitas-telemetry", "--log-level", "warn"], env={**os.environ, **environment}
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=1).close()
            return collector, url
        except OSError:
            time.sleep(0.1)
    sys.exit("the collector does not become ready")


def measure(urls: dict[str, str]) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for number in range(ROUNDS):
        for state, url in urls.items():
            for way in NAMES:
                for rate, calls, per_second in (
                    ("1,000/s", PACED_CALLS, PACED_PER_SECOND),
                    ("flat out", FLAT_OUT_CALLS[way], 0),
                ):
                    print(f"round {number + 1}: {state}, {way}, {rate}", file=sys.stderr)
                    found.setdefault((rate, state, way), []).append(
                        run("measure.py", way, url, calls, per_second)
                    )
    return found


def median(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.median(each[name] for each in runs)


def call_table(found: dict[tuple[str, str, str], list[dict[str, Any]]]) -> list[str]:
    lines = ["| calls | service | way | p50 µs | p99 µs | p99.9 µs | CPU µs an event, all in |", "|---|---|---|--:|--:|--:|--:|"]
    for (rate, state, way), runs in sorted(found.items()):
        numbers = " | ".join(f"{median(runs, name):.1f}" for name in ("p50_us", "p99_us", "p999_us", "cpu_us"))
        lines.append(f"| {rate} | {state} | {NAMES[way]} | {numbers} |")
    return lines


def delivery_table(url: str) -> list[str]:
    lines = ["| transport | events/s delivered | range | CPU µs an event |", "|---|--:|--:|--:|"]
    transports = ("http", "before http", "grpc", "before grpc") if BESIDE else ("http", "grpc")
    rounds = [[run("deliver.py", each, url, DELIVERED_EVENTS) for each in transports] for _ in range(ROUNDS)]
    for transport, *runs in zip(transports, *rounds):
        for each in runs:
            counts = each["counts"]
            # The first event, and perhaps a report of what the full queue refused, come on top.
            assert counts["delivered"] == counts["taken"] > DELIVERED_EVENTS and counts["spooled"] == 0, each
        rates = [each["events_per_second"] for each in runs]
        lines.append(
            f"| {transport} | {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} "
            f"| {median(runs, 'cpu_us'):.1f} |"
        )
    return lines


def memory_lines(black_hole: str) -> list[str]:
    runs = [run("deliver.py", "http", black_hole, events, DROP="1") for events in (100_000, 1_000_000)]
    return [
        f"- {events:,} calls flat out: {each['before_mib']:.0f} MiB before, {each['most_mib']:.0f} MiB at most, "
        f"{each['refused']:,} refused"
        for events, each in zip((100_000, 1_000_000), runs)
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as black_hole:
        collector, up = start_collector(directory)
        try:
            swallowing = f"http://127.0.0.1:{black_hole.getsockname()[1]}"
            urls = {"up": up, "down": f"http://127.0.0.1:{free_port()}", "black-holed": swallowing}
            found = measure(urls)
            lines = [
                "# What the Python client costs",
                "",
                f"`make bench-clients` on {datetime.now(timezone.utc):%Y-%m-%d}, {os.cpu_count()} CPUs, "
                f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
                f"httpx {version('httpx')}, opentelemetry-sdk {version('opentelemetry-sdk')}; medians of {ROUNDS} "
                f"rounds. The collector and its PostgreSQL share the machine. Load average {os.getloadavg()[0]:.1f} "
                "when it ended.",
                "",
                "## A call",
                "",
                *call_table(found),
                "",
                "## Delivery by one process",
                "",
                *delivery_table(up),
                "",
                "## Memory with the service black-holed, queue of 50,000",
                "",
                *memory_lines(swallowing),
            ]
            (HERE / ("beside.md" if BESIDE else "results.md")).write_text("\n".join(lines) + "\n")
            print("\n".join(lines))
        finally:
            collector.send_signal(signal.SIGTERM)
            collector.wait(20)


if __name__ == "__main__":
    main()
