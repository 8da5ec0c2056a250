# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A given metric that no record could be fed to is told, with what it needs."""

from __future__ import annotations

import warnings

import pytest
import torch
from torchmetrics import Metric

from imug_metrics import AnswerAccuracy, TurnAlignment, TurnConsistency, TurnDecay
from imug_metrics.suite import ImugSuite, Record
from imug_metrics.suite.named_scores import NamedScore
from imug_metrics.suite.reference_consistency import ReferenceConsistency


class Mine(Metric):
    """A sum of scores."""

    name = "mine"
    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, scores):
        self.total = self.total + scores.sum()

    def compute(self):
        return self.total


def nothing(record):
    """No value of any record."""


JUDGED = [Record("a", turn, "text", "Which?", text="A", scores={"judge": 0.5}) for turn in (1, 2)]


@pytest.mark.parametrize(
    ("metric", "needs"),
    [
        (Mine(), r"mine, .* text turns with a key \(`target`\), .*, name it so: metrics=\{'judge': \.\.\.\}"),
        (AnswerAccuracy(), r"answer_accuracy, .* text turns with a key \(`target`\) that"),
        (TurnAlignment(), "turn_alignment, .* image turns, and an encoder that embeds prompts"),
        (TurnConsistency("graph"), "turn_consistency, .* image turns with `links`"),
        (ReferenceConsistency(), "turn_consistency_reference, .* image turns with a `reference`"),
        (NamedScore("style"), "style, .* records that carry the score style"),
        (nothing, "nothing, .* a number from its function"),
    ],
    ids=lambda given: given.split(",")[0] if isinstance(given, str) else "metric",
)
def test_what_a_metric_needs_is_told_where_no_record_could_be_fed_to_it(metric, needs):
    suite = ImugSuite([metric])
    suite.update(JUDGED)
    with pytest.warns(UserWarning, match=f"No record could be fed to {needs}"):
        found = suite.compute()
    assert found["judge"] == 0.5


@pytest.mark.parametrize(
    ("metrics", "records"),
    [
        ({"judge": Mine()}, JUDGED),
        ([Mine()], [Record("a", 1, "text", "Which?", text="A", target="A")]),
        (None, JUDGED),
        ([Mine()], []),
    ],
    ids=["under the score's name", "answers with a key", "the standard metrics", "no records"],
)
def test_nothing_is_told_where_nothing_lacks(metrics, records):
    suite = ImugSuite(metrics)
    suite.update(records)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "No record")
        suite.compute()


def test_columns_and_a_reset_leave_a_metric_out_in_silence():
    suite = ImugSuite([TurnDecay(), Mine()])
    suite.update(JUDGED)
    suite.reset()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "No record")
        assert suite.compute() == {}
        suite.update(scores=torch.tensor([[1.0, 0.5]]))
        assert suite.compute()["turn_decay"] == -0.5
