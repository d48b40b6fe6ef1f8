"""The package as it is published."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import gravitas_telemetry
from conftest import ROOT, SOURCE
from gravitas_telemetry._counters import DROP_REASONS
from gravitas_telemetry._options import _ENVIRONMENT, Options

PROJECT = Path(__file__).parents[1]
SPECIFICATION = (ROOT / "docs" / "specs" / "client.md").read_text()


def test_all_names_what_is_public() -> None:
    tree = ast.parse(inspect.getsource(gravitas_telemetry))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    public = {each.name for node in imports for each in node.names} - {"results"} | {"TelemetryLogger", "telemetry"}
    assert public == set(gravitas_telemetry.__all__) == set(dir(gravitas_telemetry)) - {"results"}
    assert gravitas_telemetry.__all__ == sorted(gravitas_telemetry.__all__)
    for name in public - {"DropReason", "__version__"}:
        assert getattr(gravitas_telemetry, name).__doc__, name
    with pytest.raises(AttributeError, match="'gravitas_telemetry' has no attribute 'nothing'"):
        gravitas_telemetry.nothing  # type: ignore[attr-defined]


def test_what_only_questions_need_is_imported_with_the_first() -> None:
    program = """
import sys, gravitas_telemetry
of_questions = {"gravitas_telemetry." + name for name in ("results", "_queries", "_async_queries", "_answering")}
assert not of_questions & set(sys.modules), of_questions & set(sys.modules)
from gravitas_telemetry import AsyncQueryClient, Event, QueryClient, results
assert results.Event is Event and of_questions <= set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(SOURCE)})


def test_public_methods_are_documented() -> None:
    for kind in (gravitas_telemetry.Telemetry, gravitas_telemetry.QueryClient, gravitas_telemetry.AsyncQueryClient):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            assert name.startswith("_") or name in ("close",) or method.__doc__, f"{kind.__name__}.{name}"


def test_options_and_reasons_are_those_of_the_specification() -> None:
    rows = re.findall(r"^\| (`.+?) \| (.*?) \|", SPECIFICATION.partition("## 7.")[2], re.MULTILINE)
    documented = {}
    for names, environment in rows:
        for name in re.findall(r"`(\w+)`", names):
            documented[name] = tuple(re.findall(r"`((?:TELEMETRY|OTEL)_\w+)`", environment))
    options = set(inspect.signature(Options).parameters)
    # How a library checks TLS certificates is its own.
    assert options - {"verify"} == set(documented)
    assert {name: documented[name] for name in _ENVIRONMENT} == _ENVIRONMENT
    assert set(inspect.signature(gravitas_telemetry.Telemetry).parameters) == options
    section_6 = SPECIFICATION.partition("## 6.")[2].partition("6.2")[0].partition("by reason:")[2]
    assert tuple(re.findall(r"`(\w+)`", section_6)) == DROP_REASONS


# The first program that one writes, with the call sites of the application as they are.
PROGRAM = """
import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from gravitas_telemetry import Event, FlushResult, Telemetry, TelemetryLogger, telemetry

async def main() -> bool:
    taken = await telemetry.log(
        event_type="VRAM_CHECK", component="L1", value=1, metadata={"gpu_id": 0, "total_vram_gb": 24.0}, status="OK"
    )
    await telemetry.log_usage(model="llama", layer="L1", prompt_tokens=1, completion_tokens=2, duration_ms=3.5)
    start = await telemetry.start_timer()
    seconds: float = await telemetry.measure_latency(start)
    events = await telemetry.get_recent_events(limit=10)
    if TYPE_CHECKING:
        reveal_type(events)
    newest: datetime = events[0]["timestamp"]
    usage = await telemetry.get_usage_statistics(24)
    print(usage["total_requests"], newest, seconds)
    result: FlushResult = await telemetry.flush()
    assert result.complete and result.delivered >= 0
    return taken

@telemetry.timer("STEP")
def step(number: int) -> str:
    return str(number)

def redact(record: dict[str, object]) -> dict[str, object]:
    return record

step(1)
assert asyncio.run(main()) is True
logger: Telemetry = TelemetryLogger(before_send=redact)
with logger as mine:
    if mine.log("A") and mine.flush():
        page = mine.queries().list_events()
        listed: list[Event] = page.events
        print(listed[0].timestamp.isoformat(), mine.close().spooled)
"""


def test_the_wheel_works_in_an_empty_environment(tmp_path: Path, url: str) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, PROJECT]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
        about = content.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        licence = content.read(next(name for name in names if name.endswith("/licenses/LICENSE")))
    assert {"gravitas_telemetry/py.typed", "gravitas_telemetry/_generated/ingest_pb2.py"} <= set(names)
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert f"\nVersion: {gravitas_telemetry.__version__}\n" in about and "License-Expression: Apache-2.0" in about
    assert about.count("\nProject-URL: ") >= 2 and "# gravitas-telemetry for Python" in about
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", wheel], check=True)
    environment = {"PATH": os.environ["PATH"], "TELEMETRY_URL": url, "TELEMETRY_SPOOL_DIRECTORY": str(tmp_path)}
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    subprocess.run([python, "-W", "error", program], check=True, env=environment, cwd=tmp_path)
    # As whoever has installed it: by what the package says of its types.
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", tmp_path / "cache"]
    checked = subprocess.run([*mypy, program], capture_output=True, text=True, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert 'Revealed type is "' in checked.stdout and "list[" in checked.stdout
    # The collector's command is another.
    assert not (tmp_path / "venv" / "bin" / "gravitas-telemetry").exists()
    script = tmp_path / "venv" / "bin" / "gravitas-telemetry-client"
    file = tmp_path / "empty.jsonl"
    file.write_text("")
    assert subprocess.run([script, "replay", file], env=environment).returncode == 0


def test_make_packages_makes_it() -> None:
    recipe = subprocess.run(["make", "--dry-run", "package-python"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m build --wheel" in recipe.stdout and "clients/python" in recipe.stdout
