"""The page for those who move from the application's own module, and the reference."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from conftest import ROOT, SOURCE
from gravitas_telemetry import Telemetry

PAGE = (ROOT / "docs" / "moving-from-the-application-module.md").read_text()


def test_the_methods_have_the_signatures_of_the_page() -> None:
    documented = re.findall(r"`(\w+)\(([^`]*)\)`", PAGE.partition("## What the methods do")[2].partition("\n## ")[0])
    assert len(documented) == 13
    for name, parameters in documented:
        names = [each.partition("=")[0].strip() for each in parameters.split(",") if each]
        real = [each for each in inspect.signature(getattr(Telemetry, name)).parameters if each != "self"]
        assert real[: len(names)] == names, name
        for given in parameters.split(","):
            parameter, _, default = given.strip().partition("=")
            if default:
                signature: Any = inspect.signature(getattr(Telemetry, name))
                assert repr(signature.parameters[parameter].default) == default, given


def test_the_import_line_is_all_that_is_needed() -> None:
    line = _blocks()[0]
    module: dict[str, Any] = {}
    exec(line, module)
    assert isinstance(module["telemetry"], Telemetry)


def test_the_usage_of_the_page_is_logged_and_reported(url: str, tmp_path: Path) -> None:
    line, *steps = _blocks()
    assert [step.count("await ") for step in steps] == [1, 1]
    body = "\n".join(steps)
    arguments = "model, layer, prompt_tokens, completion_tokens, duration_ms"
    program = f"""
import asyncio
{line}
async def main({arguments}):
{textwrap.indent(body, "    ")}
    print(*totals)
asyncio.run(main(sys.argv[1], "L2", 10, 20, 300.5))
"""
    environment = {"PYTHONPATH": str(SOURCE), "TELEMETRY_URL": url, "TELEMETRY_SPOOL_DIRECTORY": str(tmp_path)}
    command = [sys.executable, "-c", "import sys\n" + program, f"of-the-page-{tmp_path.name}"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert f"of-the-page-{tmp_path.name} L2 1 30 300.5" in printed
    requests, tokens, l2_tokens, latency_ms = printed.splitlines()[-1].split()
    assert int(requests) >= 1 and int(tokens) >= int(l2_tokens) >= 30 and float(latency_ms) > 0


def _blocks() -> list[str]:
    indented = re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block).strip() for block in indented]


def test_the_reference_is_that_of_the_code() -> None:
    project = ROOT / "clients" / "python"
    print_it = "import reference; print(reference.reference(), end='')"
    written = subprocess.run([sys.executable, "-c", print_it], cwd=project, capture_output=True, text=True, check=True)
    assert (project / "REFERENCE.md").read_text() == written.stdout
