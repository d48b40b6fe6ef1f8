"""The package as it is published."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import gravitas_telemetry
from conftest import ROOT
from gravitas_telemetry._counters import DROP_REASONS
from gravitas_telemetry._options import _ENVIRONMENT, Options

PROJECT = Path(__file__).parents[1]
SPECIFICATION = (ROOT / "docs" / "specs" / "client.md").read_text()


def test_all_names_what_is_public() -> None:
    fresh = importlib.import_module("gravitas_telemetry")
    public = {
        name
        for name, value in vars(fresh).items()
        if (not name.startswith("_") or name == "__version__") and not inspect.ismodule(value)
    }
    assert public == set(gravitas_telemetry.__all__)
    assert gravitas_telemetry.__all__ == sorted(gravitas_telemetry.__all__)
    for name in public - {"DropReason", "__version__"}:
        assert getattr(gravitas_telemetry, name).__doc__, name


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


def test_the_wheel_works_in_an_empty_environment(tmp_path: Path, url: str) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, PROJECT]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "gravitas_telemetry/py.typed" in names
    assert "gravitas_telemetry/_generated/ingest_pb2.py" in names
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", wheel], check=True)
    program = "from gravitas_telemetry import telemetry; assert telemetry.log('A'); assert telemetry.flush()"
    environment = {"PATH": os.environ["PATH"], "TELEMETRY_URL": url, "TELEMETRY_SPOOL_DIRECTORY": str(tmp_path)}
    subprocess.run([python, "-c", program], check=True, env=environment, cwd=tmp_path)
    script = tmp_path / "venv" / "bin" / "gravitas-telemetry-client"
    file = tmp_path / "empty.jsonl"
    file.write_text("")
    assert subprocess.run([script, "replay", file], env=environment).returncode == 0


def test_a_type_checker_accepts_how_it_is_used(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import asyncio
from gravitas_telemetry import Event, Telemetry, telemetry

async def main() -> None:
    await telemetry.log(event_type="VRAM_CHECK", component="L1", value=1, metadata={"gpu_id": 0}, status="OK")
    events = await telemetry.get_recent_events(limit=10)
    reveal_type(events)
    efficiency = await telemetry.get_aggregated_efficiency()
    print(efficiency["components"], events[0]["value"])

@telemetry.timer("STEP")
def step(number: int) -> str:
    return str(number)

reveal_type(step)
with Telemetry(url="http://localhost:8002") as mine:
    taken: bool = bool(mine.log("A"))
    events: list[Event] = mine.queries().list_events().events
asyncio.run(main())
"""
    )
    environment = {**os.environ, "MYPYPATH": str(PROJECT / "src")}
    # An installed package is not checked with who uses it; this one is found as source.
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\n[mypy-gravitas_telemetry.*]\nignore_errors = true\n")
    mypy = [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", tmp_path / "cache", program]
    checked = subprocess.run(mypy, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    revealed = checked.stdout.replace("builtins.", "")
    assert 'Revealed type is "list[dict[str, Any]]"' in revealed
    assert 'Revealed type is "def (number: int) -> str"' in revealed
