# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every file of a metric follows from its name: class, function, page and tests."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from torchmetrics import Metric

import imug_metrics

ROOT = Path(__file__).resolve().parents[1]
GROUPS = {"answers", "images", "decay", "self_evaluation", "scaling", "interleaved", "trust"}
PUBLIC = {name: getattr(imug_metrics, name) for name in imug_metrics.__all__}
CLASSES = [found for found in PUBLIC.values() if inspect.isclass(found) and issubclass(found, Metric)]
METRICS = [found for found in CLASSES if len(found.__module__.split(".")) == 4]  # imug_metrics.metrics.GROUP.NAME
FUNCTIONS = [
    found
    for found in PUBLIC.values()
    if inspect.isfunction(found) and found.__module__.startswith(("imug_metrics.functional.", "imug_metrics.metrics."))
]


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def place(metric: type[Metric]) -> tuple[str, str]:
    """Group and name of a metric's file."""
    _, _, group, name = metric.__module__.split(".")
    return group, name


def groups_in(folder: str) -> set[str]:
    return {path.name for path in (ROOT / folder).iterdir() if path.is_dir() and any(path.glob("*.py"))}


def test_all_public_metrics_but_base_and_wrapper_belong_to_a_group() -> None:
    assert len(METRICS) >= 29
    assert {metric.__name__ for metric in CLASSES if metric not in METRICS} == {"Breakdown", "DialogueMetric"}


@pytest.mark.parametrize(
    "folder", ["imug_metrics/metrics", "imug_metrics/functional", "tests/metrics", "tests/functional"]
)
def test_the_groups_are_the_same_seven(folder: str) -> None:
    assert groups_in(folder) == GROUPS


@pytest.mark.parametrize("metric", CLASSES)
def test_a_class_is_in_the_file_of_its_name(metric: type[Metric]) -> None:
    package, _, name = metric.__module__.rpartition(".")
    assert name == snake_case(metric.__name__)
    assert package in {"imug_metrics.metrics", *(f"imug_metrics.metrics.{group}" for group in GROUPS)}


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_has_a_function_of_its_name(metric: type[Metric]) -> None:
    group, name = place(metric)
    module = importlib.import_module(f"imug_metrics.functional.{group}.{name}")
    assert PUBLIC.get(name) is getattr(module, name)
    assert PUBLIC[name].__module__ == module.__name__


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_has_a_page_that_names_class_and_function(metric: type[Metric]) -> None:
    _, name = place(metric)
    page = (ROOT / "docs" / "metrics" / f"{name}.md").read_text(encoding="utf-8")
    assert f"`{metric.__name__}`" in page
    assert f"`{name}`" in page


@pytest.mark.parametrize("metric", METRICS)
def test_class_and_function_of_a_metric_have_tests_of_their_name(metric: type[Metric]) -> None:
    group, name = place(metric)
    for package, tested in (("metrics", metric.__name__), ("functional", name)):
        file = ROOT / "tests" / package / group / f"test_{name}.py"
        assert file.is_file()
        assert re.search(rf"\b{tested}\b", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_public_function_is_in_the_file_of_a_metric(function: object) -> None:
    homes = {metric.__module__ for metric in METRICS}
    homes |= {home.replace("imug_metrics.metrics.", "imug_metrics.functional.") for home in homes}
    assert function.__module__ in homes


def test_every_page_of_a_metric_has_its_metric() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "metrics").glob("*.md")} - {"index"}
    assert pages == {place(metric)[1] for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_the_page_says_the_direction_of_the_class(metric: type[Metric]) -> None:
    page = (ROOT / "docs" / "metrics" / f"{place(metric)[1]}.md").read_text(encoding="utf-8")
    [said] = re.findall(r"^\| direction \| (.*?) \|$", page, re.M)
    wanted = {True: "higher", False: "lower"}.get(metric.higher_is_better)
    assert [word for word in ("higher", "lower") if word in said] == ([] if wanted is None else [wanted])
