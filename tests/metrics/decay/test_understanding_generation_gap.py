# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""UnderstandingGenerationGap against statsmodels, TurnDecay and numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from imug_metrics import TurnDecay, UnderstandingGenerationGap
from tests.metrics import cases
from tests.metrics.decay.ragged import places
from tests.metrics.interval_reference import bounds_of, effective, student_bounds

CASES = {
    "gap": cases.Case(UnderstandingGenerationGap, cases.scores_and_modality),
}

NAME = "understanding_generation_gap"


def mixed(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, 50, least=2, most=7)
    image = generator.random(len(turn)) < 0.2 + 0.05 * np.bincount(dialogue)[dialogue]
    scores = 0.9 - 0.03 * turn - image * (0.1 + 0.04 * turn) + 0.1 * generator.normal(size=len(turn))
    return scores, image, dialogue, turn


def bounds(found: dict[str, torch.Tensor], key: str) -> list[float]:
    return bounds_of(found, f"{NAME}{key}")


@pytest.fixture
def found() -> dict[str, torch.Tensor]:
    scores, image, dialogue, turn = mixed(0)
    metric = UnderstandingGenerationGap(detail=True)
    metric.update(scores, torch.tensor(image), dialogue=dialogue, turn=turn)
    return metric.compute()


def test_gap_and_interval_equal_clustered_ols_on_the_modality(found: dict[str, torch.Tensor]) -> None:
    scores, image, dialogue, _ = mixed(0)
    fit = sm.OLS(scores, sm.add_constant((~image).astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": dialogue, "use_correction": False}
    )
    weaker = min((np.bincount(dialogue[rows]) for rows in (image, ~image)), key=effective)
    ours = bounds(found, "")
    assert ours == pytest.approx(student_bounds(fit.params[1], fit.bse[1], weaker), abs=1e-9)
    assert ours[0] == pytest.approx(scores[~image].mean() - scores[image].mean())


def test_within_gap_equals_fixed_effects_of_dialogues(found: dict[str, torch.Tensor]) -> None:
    scores, image, dialogue, _ = mixed(0)
    design = np.column_stack([~image, np.eye(50)[dialogue]]).astype(float)
    assert bounds(found, "_within")[0] == pytest.approx(sm.OLS(scores, design).fit().params[0])


@pytest.mark.parametrize("modality", ["text", "image"])
def test_each_modality_has_the_mean_curve_and_slope_of_its_turns_alone(
    found: dict[str, torch.Tensor], modality: str
) -> None:
    scores, image, dialogue, turn = mixed(0)
    rows = image if modality == "image" else ~image
    alone = TurnDecay(detail=True)
    alone.update(scores[rows], dialogue=dialogue[rows], turn=turn[rows])
    expected = alone.compute()
    for ours, theirs in (("", "_mean"), ("_slope", ""), ("_turn_2", "_turn_2")):
        values = [expected[f"turn_decay{theirs}{end}"].item() for end in ("", "_lower", "_upper")]
        assert bounds(found, f"_{modality}{ours}") == pytest.approx(values, abs=1e-12)


def test_slope_difference_is_above_zero_where_generation_decays_faster(found: dict[str, torch.Tensor]) -> None:
    value, lower, _ = bounds(found, "_slope_difference")
    assert value == pytest.approx(bounds(found, "_text_slope")[0] - bounds(found, "_image_slope")[0])
    assert lower > 0


def test_difference_of_what_moves_together_is_more_certain_than_its_sides() -> None:
    generator = torch.Generator().manual_seed(3)
    level = torch.randn(60, 1, generator=generator)
    scores = level + 0.01 * torch.randn(60, 4, generator=generator)
    metric = UnderstandingGenerationGap(detail=True)
    metric.update(scores, torch.tensor([False, True, False, True]).expand(60, 4))
    found = metric.compute()
    widths = {key: bounds(found, key)[2] - bounds(found, key)[1] for key in ("", "_text", "_image")}
    assert 20 * widths[""] < min(widths["_text"], widths["_image"])


def test_degrees_of_freedom_are_those_of_the_modality_with_fewer_dialogues() -> None:
    metric = UnderstandingGenerationGap(detail=True)
    scores = torch.tensor([[0.9, 0.5], [0.8, 0.7], [0.4, 0.6]])
    metric.update(scores, [["text", "image"], ["text", "text"], ["text", "text"]])
    value, lower, upper = bounds(metric.compute(), "")
    assert value == pytest.approx(0.68 - 0.5)
    assert math.isnan(lower)
    assert math.isnan(upper), "one dialogue with images has no interval"


def test_one_modality_has_no_gap() -> None:
    metric = UnderstandingGenerationGap(detail=True)
    metric.update([[0.5, 0.6]], [["text", "text"]])
    found = metric.compute()
    assert found[NAME].isnan()
    assert found[f"{NAME}_text"].item() == pytest.approx(0.55)


def test_a_modality_that_is_neither_is_refused_by_row() -> None:
    for modality in (["image", None], torch.tensor([1, 7])):
        with pytest.raises(ValueError, match=r"`modality` .* at row 1"):
            UnderstandingGenerationGap().update([0.5, 0.6], modality, dialogue=[0, 0], turn=[2, 1])


def test_missing_outputs_count_as_zero_in_their_own_modality() -> None:
    for missing, expected in (("skip", 0.4), ("zero", 0.65)):
        metric = UnderstandingGenerationGap(missing=missing)
        metric.update([[0.9, 0.5, math.nan]], [["text", "image", "image"]])
        assert metric.compute().item() == pytest.approx(expected)


def test_plot_draws_both_curves() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    metric = UnderstandingGenerationGap(detail=True)
    scores, image, dialogue, turn = mixed(1)
    metric.update(scores, torch.tensor(image), dialogue=dialogue, turn=turn)
    _, ax = metric.plot()
    assert {text.get_text() for text in ax.texts} == {"text", "image"}
    assert [line.get_label() for line in ax.lines if line.get_label()[0] != "_"] == ["text", "image"]
