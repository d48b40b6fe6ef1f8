"""The page for those who move from the application's own module, and the reference."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

from conftest import ROOT
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
    [line] = re.findall(r"```python\n\s*(.+)\n", PAGE)
    module: dict[str, Any] = {}
    exec(line, module)
    assert isinstance(module["telemetry"], Telemetry)


def test_the_reference_is_that_of_the_code() -> None:
    project = ROOT / "clients" / "python"
    print_it = "import reference; print(reference.reference(), end='')"
    written = subprocess.run([sys.executable, "-c", print_it], cwd=project, capture_output=True, text=True, check=True)
    assert (project / "REFERENCE.md").read_text() == written.stdout
