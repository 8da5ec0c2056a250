# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""StyleDrift: distances of styles to the first one, and the slope that content does not explain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from torch import Tensor

from imug_metrics import PerceptualDrift, StyleDrift
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import InputError
from tests.metrics import cases

D = torch.float64


def styles(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    return {"images": cases.embeddings(dialogue, turn), "whole": cases.noise(dialogue, turn, 6, 8)}


def near(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    return {name: 0.2 * rows for name, rows in styles(dialogue, turn).items()}


def with_references(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    return {**styles(dialogue, turn), "references": cases.noise(dialogue, turn, 4)}


CASES = {
    "style": cases.Case(StyleDrift, styles, refuses=("missing",)),
    "style-squared": cases.Case(lambda **k: StyleDrift("squared", **k), near, refuses=("missing",)),
    "style-references": cases.Case(StyleDrift, with_references, refuses=("missing",)),
}


def detail_of(images: Tensor, whole: Tensor | None = None, **options: Any) -> dict[str, float]:
    metric = StyleDrift(detail=True, **options)
    metric.update(images, whole=whole)
    return {key.removeprefix("style_drift"): float(value) for key, value in metric.compute().items()}


def at(angles: Tensor) -> Tensor:
    """Descriptors `[..., 2]` at angles, so that 1 - cosine to another is known."""
    return torch.stack([angles.cos(), angles.sin()], -1)


def at_distances(distances: Tensor) -> Tensor:
    """Descriptors `[B, T, 2]` whose 1 - cosine to the first of their line is as given."""
    return at(torch.arccos(1 - distances))


def confounded(seed: int, drift: float, dialogues: int = 40, turns: int = 6) -> tuple[Tensor, Tensor]:
    """Styles whose distance to the first is 0.3 of the content's, and a drift per turn; with the content's noise."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.arange(turns, dtype=D)
    content = 0.08 * turn + 0.2 * torch.rand(dialogues, turns, dtype=D, generator=generator)
    own = 0.1 * torch.rand(dialogues, turns, dtype=D, generator=generator)
    style = 0.3 * content + drift * turn + own
    return at_distances(style.where(turn > 0, 0)), at_distances(content.where(turn > 0, 0))


def least_squares(images: Tensor, whole: Tensor) -> Any:
    """statsmodels' fit of the style's distance over turn and content's distance about the means of dialogues."""
    y, c = (1 - (rows[:, 1:] * rows[:, :1]).sum(-1) for rows in (images, whole))
    t = torch.arange(y.shape[1], dtype=D).expand_as(y)
    about = [(part - part.mean(1, keepdim=True)).flatten().numpy() for part in (y, t, c)]
    groups = np.arange(len(y)).repeat(y.shape[1])
    return sm.OLS(about[0], np.stack(about[1:], 1)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


def test_styles_are_compared_as_perceptual_drift_compares_embeddings() -> None:
    dialogue, turn = cases.places()
    images = cases.embeddings(dialogue, turn)
    for distance in ("cosine", "squared"):
        style, perceptual = StyleDrift(distance, detail=True), PerceptualDrift(distance, detail=True)
        for metric in (style, perceptual):
            metric.update(images, dialogue=dialogue, turn=turn)
        found = style.compute()
        for key, value in perceptual.compute().items():
            torch.testing.assert_close(found[key.replace("perceptual", "style")], value, rtol=0, atol=0, equal_nan=True)


def test_a_style_that_stays_is_at_exactly_0_whatever_the_content_does() -> None:
    whole = torch.randn(5, 6, 8, generator=torch.Generator().manual_seed(0))
    for distance in ("cosine", "squared"):
        found = detail_of(torch.rand(5, 1, 24).expand(5, 6, 24), whole, distance=distance)
        names = ("", "_previous", "_delta_3", "_last_vs_first", "_slope", "_beyond_content", "_per_content")
        assert [found[name] for name in names] == [0] * 7
        assert found["_content"] > 0.5


def test_the_slope_beyond_content_is_that_of_least_squares() -> None:
    images, whole = confounded(0, 0.02)
    found, fit = detail_of(images, whole), least_squares(images, whole)
    assert found["_beyond_content"] == pytest.approx(fit.params[0], rel=1e-9)
    # Both are Student's intervals by dialogue; the factors for small samples and the degrees of freedom differ.
    half = (found["_beyond_content_upper"] - found["_beyond_content_lower"]) / 2
    assert half == pytest.approx((fit.conf_int()[0, 1] - fit.conf_int()[0, 0]) / 2, rel=0.03)


def test_what_content_explains_is_no_drift_of_style_and_what_it_does_not_is() -> None:
    quiet, drifting = (detail_of(*confounded(1, drift)) for drift in (0.0, 0.03))
    assert quiet["_slope_lower"] > 0
    assert quiet["_beyond_content_lower"] < 0 < quiet["_beyond_content_upper"]
    assert drifting["_beyond_content_lower"] > 0.015
    assert drifting["_beyond_content"] < drifting["_matched_slope"] == pytest.approx(drifting["_slope"])


def test_a_drift_while_the_content_stays_is_all_beyond_it() -> None:
    distances = 0.1 * torch.arange(5, dtype=D) + torch.tensor([[0.0], [0.1]], dtype=D)
    images = at_distances(distances.where(torch.arange(5) > 0, 0))
    found = detail_of(images, torch.ones(2, 5, 3))
    assert found["_content"] == 0
    assert found["_beyond_content"] == pytest.approx(0.1) == pytest.approx(found["_slope"])
    assert math.isnan(found["_per_content"])


def test_content_that_moves_in_a_straight_line_cannot_be_told_from_the_turns() -> None:
    line = at_distances(0.1 * torch.arange(5, dtype=D).expand(3, 5))
    found = detail_of(line, line)
    assert found["_slope"] == pytest.approx(0.1)
    assert math.isnan(found["_beyond_content"])


def test_an_image_without_content_counts_in_all_but_what_content_says() -> None:
    images, whole = confounded(2, 0.02, dialogues=8)
    whole[3, 2] = torch.nan
    whole[4, 0] = 0  # without the first one there is no drift of content
    found = detail_of(images, whole)
    assert found["_coverage"] == 1
    kept = detail_of(images[[0, 1, 2, 5, 6, 7]], whole[[0, 1, 2, 5, 6, 7]])
    assert found["_n"] - kept["_n"] == 10
    fewer = detail_of(images.index_put((torch.tensor(3), torch.tensor(2)), torch.zeros(2, dtype=D)), whole)
    assert found["_beyond_content"] == pytest.approx(fewer["_beyond_content"])


def test_without_content_there_is_nothing_beyond_it() -> None:
    metric = StyleDrift(detail=True)
    metric.update(torch.rand(3, 4, 8))
    found = metric.compute()
    names = ("content", "content_slope", "per_content", "matched_slope", "beyond_content")
    assert all(found[f"style_drift_{name}"].isnan() for name in names)
    assert metric.reasons["style_drift_beyond_content"] == "it is undefined"


def test_references_are_the_styles_that_were_asked_for() -> None:
    images = at(torch.tensor([[0.0, 0.1, 0.2]], dtype=D))
    metric = StyleDrift(detail=True)
    metric.update(images, references=at(torch.full((1, 3), 0.1, dtype=D)))
    found = metric.compute()
    assert float(found["style_drift"]) == pytest.approx(2 * (1 - math.cos(0.1)) / 3)
    assert float(found["style_drift_last_vs_first"]) == pytest.approx(1 - math.cos(0.2))


def test_an_encoder_of_style_encodes_each_image_once() -> None:
    seen: list[int] = []

    def embed(images: list[Tensor]) -> Tensor:
        seen.append(len(images))
        return torch.stack([image.mean((1, 2)) for image in images])

    metric = StyleDrift(detail=True, encoder=CallableEncoder(images=embed, name="colours"))
    metric.update([[torch.full((3, 4, 4), 0.2), torch.rand(3, 4, 4)], [torch.ones(3, 4, 4), None]])
    assert seen == [3]


def test_pixels_other_distances_and_zeros_for_absent_images_are_refused() -> None:
    with pytest.raises(ValueError, match="`distance` to be one of"):
        StyleDrift("ssim")
    with pytest.raises(ValueError, match="`missing` to be 'skip'"):
        StyleDrift(missing="zero")


@pytest.mark.parametrize("whole", [torch.rand(2, 4, 8), torch.rand(2, 3), ["a.png"]], ids=["longer", "flat", "paths"])
@pytest.mark.parametrize("detail", [True, False])
def test_content_of_other_images_is_refused_with_and_without_detail(detail: bool, whole: Any) -> None:
    metric = StyleDrift(detail=detail)
    with pytest.raises(InputError, match="whole"):
        metric.update(torch.rand(2, 3, 8), whole=whole)
    assert metric.update_count == 0


def test_each_distance_says_its_unit_and_range() -> None:
    told = [StyleDrift(distance).describe() for distance in ("cosine", "squared")]
    assert [(found.unit, found.range) for found in told] == [("1 - cosine", "0 to 2"), ("squared distance", "from 0")]
