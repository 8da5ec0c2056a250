# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is imported with the package, and what when it is asked for: all seen in one process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"transformers", "open_clip", "timm", "triton", "matplotlib", "openai", "rich", "sklearn", "py3langid"}
OF_QUALITY = {"soundfile", "pyloudnorm", "av", "pypdfium2", "docx", "trimesh", "pyflakes"}

# First torchmetrics with what lets it be imported beside a torchvision of another build, and nothing else of ours.
PROGRAM = """
import importlib.util, json, sys

found = {}
def note(step):
    found[step] = sorted(sys.modules)

path = importlib.util.find_spec("imug_metrics").submodule_search_locations[0] + "/_torchvision.py"
spec = importlib.util.spec_from_file_location("cure", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.define_missing_torchvision_ops()
import torchmetrics
note("torchmetrics")
import imug_metrics
note("package")
from imug_metrics import ImugSuite
note("suite")
import imug_metrics.plots.curve_plot, imug_metrics.plots.saving
found["names of plots"] = [*vars(imug_metrics.plots.curve_plot), *vars(imug_metrics.plots.saving)]
import imug_metrics.quality
imug_metrics.quality.item_quality("A cat.", "text")
note("quality")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    """Modules that are there after each step."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return {step: set(names) for step, names in json.loads(run.stdout).items()}


def test_the_package_brings_nothing_heavy_that_torchmetrics_does_not(modules: dict[str, set[str]]) -> None:
    assert "imug_metrics" in modules["package"] - modules["torchmetrics"]
    assert HEAVY & modules["package"] == HEAVY & modules["torchmetrics"]
    assert not {"open_clip", "py3langid"} & modules["package"]


def test_suite_and_encoders_come_when_they_are_asked_for(modules: dict[str, set[str]]) -> None:
    def ours(step: str) -> set[str]:
        return {name for name in modules[step] if name.startswith(("imug_metrics.suite", "imug_metrics.encoders"))}

    assert not ours("package")
    assert "imug_metrics.suite.suite" in ours("suite")
    assert not {"open_clip", "timm", "lpips", "lightning", "openai"} & modules["suite"]


def test_plots_import_matplotlib_when_something_is_drawn(modules: dict[str, set[str]]) -> None:
    """torchmetrics may have imported it already, but no module of plots has."""
    assert "annotations" in modules["names of plots"]
    assert not [name for name in modules["names of plots"] if "plt" in name or name == "matplotlib"]


def test_quality_of_a_text_needs_no_optional_library(modules: dict[str, set[str]]) -> None:
    assert "imug_metrics.quality" in modules["quality"]
    assert not OF_QUALITY & modules["quality"]
