# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Counts of operations and waits, and the inputs that they are counted on."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import imug_kernels
import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

import imug_metrics
from benchmarks import dispatch_counts, metric_inputs, summary
from benchmarks.cases import counters, providers, update_counts
from benchmarks.dispatch_counts import count
from benchmarks.metric_inputs import METRICS

ROOT = Path(__file__).parents[2]
X = torch.arange(12.0).view(3, 4)
MASK = torch.tensor([True, False, True])


@pytest.mark.parametrize(
    ("call", "operations", "waits"),
    [
        (lambda: X.view(4, 3)[1:].T.expand(3, 3).unsqueeze(0), 0, 0),
        (lambda: X + 1, 1, 0),
        (lambda: X.clone().add_(1), 2, 0),
        (lambda: X[MASK], 1, 1),
        (lambda: X[torch.tensor([0, 2])], 1, 0),
        (lambda: X.clone().__setitem__(MASK, torch.zeros(2, 4)), 3, 1),
        (lambda: X.sum().item(), 2, 1),
        (lambda: bool((X > 3).any()), 3, 1),
        (lambda: X.tolist(), 0, 1),
        (lambda: X.numpy(), 0, 1),
        (lambda: MASK.nonzero(), 1, 1),
        (lambda: X.unique(), 1, 1),
        (lambda: X[0].long().repeat_interleave(X[0].long()), 4, 1),
        (lambda: X[0].long().repeat_interleave(X[0].long(), output_size=6), 4, 0),
    ],
)
def test_views_are_free_and_looks_are_waits(call, operations: int, waits: int) -> None:
    found = count(call)
    assert found.waits == waits
    assert abs(found.operations - operations) <= (found.operations > 3), found  # versions make an index or two more


def test_copies_and_index_adds() -> None:
    assert count(lambda: torch.tensor([1.0, 2.0])) == (0, 0, 1, 0)
    with torch.inference_mode():
        assert count(lambda: torch.tensor([1.0, 2.0])) == (0, 0, 1, 0)
    assert count(lambda: X.index_add(0, torch.arange(3), X)).index_adds == 1
    assert count(lambda: X.clone().index_add_(0, torch.arange(3), X)).index_adds == 1


def test_inference_mode_counts_the_same() -> None:
    def run() -> Tensor:
        return X.flatten(0, 1).reshape(4, 3).repeat(2, 1).squeeze(1).narrow(0, 1, 2).sum()

    with torch.inference_mode():
        found = count(run)
    assert found == count(run)
    assert found.operations


def test_an_operation_of_the_kernels_is_one() -> None:
    assert count(lambda: imug_kernels.paired_cosine(X, X)).operations == 1


def test_every_public_metric_has_inputs() -> None:
    public = {
        name
        for name in imug_metrics.__all__
        if isinstance(found := getattr(imug_metrics, name), type)
        and issubclass(found, Metric)
        and found is not imug_metrics.DialogueMetric
    }
    made = {type(entry.make()).__name__ for entry in METRICS.values()}
    assert made == public
    assert {name.partition(",")[0] for name in METRICS} == public


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("name", METRICS)
def test_padded_and_flat_inputs_are_the_same_records(name: str) -> None:
    values = []
    for columns in METRICS[name].inputs().values():
        metric = METRICS[name].metric()
        metric.update(**columns)
        value = metric.compute()
        values.append(torch.stack(list(value.values())) if isinstance(value, dict) else value)
    first: Tensor = values[0]
    assert first.isfinite().any()
    for other in values[1:]:
        torch.testing.assert_close(other, first, equal_nan=True)


@pytest.mark.parametrize("module", [dispatch_counts, summary, counters, providers, metric_inputs])
def test_examples(module) -> None:
    assert doctest.testmod(module).failed == 0


def recorded() -> dict[tuple[str, str], dict[str, int]]:
    newest = max((ROOT / "benchmarks" / "results").glob("counts-????-??-??.json"))
    return {(row["name"], row["input"]): row["counts"] for row in json.loads(newest.read_text())["counts"]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="what is documented was counted on a CPU")
@pytest.mark.parametrize("name", METRICS)
def test_no_metric_asks_for_more_than_is_documented(name: str) -> None:
    """A change that makes an update dearer says so in `benchmarks/results`; versions make an index or two more."""
    for row in update_counts.counts_of(name, METRICS[name]):
        known = recorded()[name, row["input"]]
        assert row["counts"]["operations"] <= known["operations"] + 3, row["input"]
        assert row["counts"]["waits"] <= known["waits"], row["input"]


def test_the_table_of_the_documentation_holds_what_was_counted() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = text.partition("## What an update asks for")[2].partition("## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"][2:]
    places = [("padded", "operations"), ("flat", "operations"), ("padded, forward", "operations"), ("padded", "waits")]
    places += [("padded, unchecked", "waits"), ("compute", "operations")]
    places += [(f"{form}, in order on a device", "operations") for form in ("padded", "flat")]
    assert {row[0] for row in rows} == {*METRICS}
    for name, *cells in rows:
        for (form, kind), cell in zip(places, cells, strict=True):
            now = recorded().get((name, form), {}).get(kind)
            assert cell.rpartition("→")[2].strip() == ("" if now is None else str(now)), (name, form, kind)
