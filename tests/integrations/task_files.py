# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tasks that are installed, read as the harnesses read them."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML in which `!function a.b.c` is what a module holds."""


def _function(loader: yaml.Loader, node: yaml.ScalarNode) -> Any:
    module, _, name = str(loader.construct_scalar(node)).rpartition(".")
    return getattr(import_module(module), name)


_Loader.add_constructor("!function", _function)


def task_file(folder: str, name: str) -> dict[str, Any]:
    """A task of a folder of `imug_metrics.integrations`, with what it includes."""
    root = files("imug_metrics.integrations") / folder
    given = yaml.load((root / name).read_text(encoding="utf-8"), Loader=_Loader)
    included = given.pop("include", None)
    return {**(task_file(folder, included) if included else {}), **given}


def run_task(task: dict[str, Any], docs: list[dict[str, Any]], replies: list[Any]) -> dict[str, float]:
    """What a harness does with documents and replies: one value a document and name, one aggregation a name."""
    values = [
        task["process_results"](doc, [reply]) for doc, reply in zip(task["process_docs"](docs), replies, strict=True)
    ]
    aggregations = {entry["metric"]: entry["aggregation"] for entry in task["metric_list"]}
    assert all(value.keys() == aggregations.keys() for value in values)
    return {name: aggregate([value[name] for value in values]) for name, aggregate in aggregations.items()}
