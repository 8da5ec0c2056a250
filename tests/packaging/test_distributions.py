# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The look into a wheel must see what is missing there, data as well as code, and what should not be there."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging import distributions


def faults(folder: Path, names: set[str]) -> list[str]:
    """What is wrong with a wheel of empty files of these names, beside an empty source distribution."""
    with zipfile.ZipFile(folder / "x.whl", "w") as wheel:
        for name in (*sorted(names), "imug_benchmarks/__main__.py", "x.dist-info/METADATA"):
            wheel.writestr(name, "")
    tarfile.open(folder / "x.tar.gz", "w:gz").close()
    return [fault for fault in distributions.faults(folder) if fault.startswith("x.whl")]


def test_a_wheel_with_every_file_of_the_packages_is_whole(tmp_path: Path) -> None:
    assert faults(tmp_path, distributions.package_files()) == []


@pytest.mark.parametrize(
    "name",
    [
        "imug_metrics/integrations/lm_eval_tasks/imug_answers.yaml",
        "imug_metrics/report/pages/base.html",
        "imug_metrics/metrics/curve.py",
        "imug_kernels/gram.py",
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    assert faults(tmp_path, distributions.package_files() - {name}) == [f"x.whl lacks {name}"]


def test_a_file_that_is_none_of_the_sources_is_named(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, distributions.package_files() | {"imug_metrics/old.py"})
    assert fault == "x.whl holds imug_metrics/old.py, which is no file of the sources"
