# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric by group is the metric on the group's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchmetrics import MetricCollection

from imug_metrics import AnswerAccuracy, Breakdown, DialogueMetric, TurnConsistency, TurnDecay

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")

GENERATOR = torch.Generator().manual_seed(3)
DIALOGUE = torch.arange(12).repeat_interleave(4)
TURN = torch.arange(1, 5).repeat(12)
SCORES = torch.rand(48, generator=GENERATOR)
IMAGES = torch.randn(48, 8, generator=GENERATOR)
ANSWERS = ["ABCD"[k % 4] for k in range(48)]
KEYS = ["ABCD"[(k // 3) % 4] for k in range(48)]
COLUMNS: list[tuple[Callable[..., DialogueMetric], dict[str, Any]]] = [
    (TurnDecay, {"scores": SCORES}),
    (TurnConsistency, {"images": IMAGES}),
    (AnswerAccuracy, {"preds": ANSWERS, "target": KEYS}),
]
GROUP = [("cook.ing", "physics", "other")[d % 3] for d in DIALOGUE.tolist()]


def _take(value: Any, rows: torch.Tensor) -> Any:
    return value[rows] if isinstance(value, torch.Tensor) else [value[row] for row in rows.tolist()]


@pytest.mark.parametrize(("make", "columns"), COLUMNS)
@pytest.mark.parametrize("detail", [False, True])
def test_each_group_is_the_metric_on_its_records(make: Any, columns: dict[str, Any], detail: bool) -> None:
    metric = Breakdown(make(detail=detail), groups=["cook.ing", "physics"])
    for half in (DIALOGUE < 5, DIALOGUE >= 5):
        rows = half.nonzero()[:, 0]
        some = {key: _take(value, rows) for key, value in columns.items()}
        metric.update(**some, dialogue=DIALOGUE[rows], turn=TURN[rows], group=_take(GROUP, rows))
    found = metric.compute()
    name = make().name
    for label, members in (
        ("", {"cook.ing", "physics", "other"}),
        ("[cook.ing]", {"cook.ing"}),
        ("[physics]", {"physics"}),
    ):
        rows = torch.tensor([row for row, group in enumerate(GROUP) if group in members])
        alone = make(detail=True)
        alone.update(
            **{key: _take(value, rows) for key, value in columns.items()}, dialogue=DIALOGUE[rows], turn=TURN[rows]
        )
        expected = alone.compute()
        for key in expected if detail else [name]:
            mine = found[f"{name}{label}{key.removeprefix(name)}"]
            torch.testing.assert_close(mine, expected[key], rtol=1e-12, atol=1e-12, equal_nan=True)
    assert len({key.split("]")[0] for key in found if "[" in key}) == 2


def test_forward_gives_the_batch_and_reset_forgets() -> None:
    metric = Breakdown(TurnDecay("pooled"), groups=[0, 1])
    first = metric(SCORES, dialogue=DIALOGUE, turn=TURN, group=DIALOGUE % 2)
    again = metric(SCORES, dialogue=DIALOGUE + 100, turn=TURN, group=DIALOGUE % 2)
    assert first == again
    assert metric.compute() == pytest.approx({key: value.item() for key, value in first.items()})
    metric.reset()
    assert all(value.isnan() for value in metric.compute().values())


def test_what_the_wrapped_metric_has_seen_is_forgotten_and_left_alone() -> None:
    seen = TurnDecay()
    seen.update(SCORES, dialogue=DIALOGUE, turn=TURN)
    before = seen.compute()
    metric = Breakdown(seen, groups=["a"])
    assert metric.compute()["turn_decay"].isnan()
    metric.update(-SCORES, dialogue=DIALOGUE, turn=TURN, group=["a"] * 48)
    assert seen.compute() == before


def test_a_collection_takes_it() -> None:
    collection = MetricCollection({"plain": TurnDecay(), "by": Breakdown(TurnDecay(), groups=["a"])})
    collection.update(scores=SCORES, dialogue=DIALOGUE, turn=TURN, group=["a"] * 48)
    found = collection.compute()
    assert found["plain"] == found["turn_decay[a]"]


def test_refused_arguments() -> None:
    with pytest.raises(TypeError, match="`metric` to be a DialogueMetric, got Linear"):
        Breakdown(torch.nn.Linear(1, 1), groups=["a"])
    for groups in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="`groups` to be names that differ"):
            Breakdown(TurnDecay(), groups=groups)
    metric = Breakdown(TurnDecay(), groups=["a"])
    with pytest.raises(ValueError, match=r"`group` to have one entry for each of argument 1, \[48\], got \[2\]"):
        metric.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=["a", "b"])
    with pytest.raises(ValueError, match="`links` to be None"):
        Breakdown(TurnConsistency("graph"), groups=["a"]).update(
            IMAGES, dialogue=DIALOGUE, turn=TURN, links=torch.tensor([[1, 0]]), group=["a"] * 48
        )
    with pytest.raises(ValueError, match="`turn` to be >= 1"):
        metric.update(SCORES, dialogue=DIALOGUE, turn=TURN - 1, group=["a"] * 48)
    assert metric.compute()["turn_decay"].isnan()
