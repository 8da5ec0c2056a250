# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""RecencyReliance against a loop over images, and on models with one failure each."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import RecencyReliance
from tests.functional.decay.prompts import dialogues, mean, seen
from tests.metrics import cases
from tests.metrics.decay.test_context_forgetting import DISTRACTORS, drawn, with_links

CASES = {
    "recency": cases.Case(
        lambda **k: RecencyReliance(distractors=DISTRACTORS, **k), cases.images_and_texts, refuses=("missing",)
    ),
    "recency-graph": cases.Case(
        lambda **k: RecencyReliance(max_back=4, **k), with_links, rows="codes", refuses=("missing",)
    ),
    "recency-threshold": cases.Case(
        lambda **k: RecencyReliance(threshold=0.5, **k), cases.images_and_texts, refuses=("missing",)
    ),
}

PARTS = ("_only_latest", "_kept", "_only_earlier", "_lost_both")


def detail_of(metric: RecencyReliance) -> dict[str, float]:
    return {key.removeprefix("recency_reliance"): float(value) for key, value in metric.compute().items()}


@pytest.mark.parametrize("seed", range(4))
def test_the_table_equals_a_loop_over_images(seed: int) -> None:
    data = dialogues(seed, 30)
    metric = RecencyReliance(detail=True)
    metric.update(**data.batch())
    found = detail_of(metric)
    shares, repeats, chance = [], [], []
    for one in seen(data):
        if one.linked and one.rivals and not math.isnan(one.own):
            fits, held = one.own > max(one.rivals), mean(value > max(one.rivals) for value in one.linked.values())
            shares.append([fits * (1 - held), fits * held, (1 - fits) * held, (1 - fits) * (1 - held)])
        if one.previous in one.earlier and not math.isnan(one.own):
            repeats.append(one.earlier[one.previous] == max(one.own, *one.earlier.values()))
            chance.append(1 / (1 + len(one.earlier)))
    assert [found[part] for part in PARTS] == pytest.approx(torch.tensor(shares).double().mean(0).tolist(), abs=1e-9)
    assert [found["_repeats"], found["_repeats_chance"]] == pytest.approx([mean(repeats), mean(chance)], abs=1e-9)
    assert found[""] == pytest.approx(found["_only_latest"] - found["_only_earlier"], abs=1e-12)
    assert found["_n"] == len(shares) > 10


@pytest.mark.parametrize("name", ["honest", "forgets", "style", "objects", "copies"])
def test_what_a_model_does_wrong_otherwise_is_no_reliance_on_the_latest_turn(name: str) -> None:
    metric = RecencyReliance(detail=True)
    metric.update(*drawn(name))
    found = detail_of(metric)
    assert found["_lower"] <= 0 or found[""] < 0.02
    assert found["_only_earlier" if name == "copies" else "_kept"] > 0.25


def test_a_model_that_shows_the_latest_prompt_alone_is_found() -> None:
    metric = RecencyReliance(detail=True)
    metric.update(*drawn("latest"))
    found = detail_of(metric)
    # Not 1: the prompt that is not shown is closer than all distractors by chance.
    assert found["_lower"] > 0.6
    assert found["_only_latest"] == found[""]
    assert found["_kept"] > 0.1
    assert found["_repeats"] == 0


def test_a_model_that_answers_the_last_question_again_is_found() -> None:
    _, prompts = drawn("latest")
    late = torch.cat([prompts[:, :1], prompts[:, :-1]], 1)
    again, honest = RecencyReliance(detail=True), RecencyReliance(detail=True)
    again.update(late, prompts)
    honest.update(*drawn("honest"))
    assert detail_of(again)["_repeats"] == 1
    assert detail_of(again)["_upper"] < 0
    found = detail_of(honest)
    assert found["_repeats"] == pytest.approx(found["_repeats_chance"], abs=0.1)
    assert found["_repeats_chance"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6) / 5)


def test_a_model_without_a_fault_has_an_interval_that_narrows() -> None:
    prompts = torch.eye(5)
    widths = []
    for count in (10, 40):
        metric = RecencyReliance(detail=True)
        metric.update(prompts.cumsum(0).expand(count, 5, 5), prompts.expand(count, 5, 5))
        found = detail_of(metric)
        top = found["_only_latest_upper"]
        assert (found[""], found["_lower"], found["_upper"]) == pytest.approx((0, -top, top))
        assert "recency_reliance" not in metric.reasons
        widths.append(top)
    assert 0 < widths[1] < widths[0] / 2 < 0.2


def test_the_table_adds_up_to_one_for_every_average() -> None:
    for average in ("record", "dialogue"):
        metric = RecencyReliance(detail=True, average=average)
        metric.update(**dialogues(0, 30).batch())
        assert sum(detail_of(metric)[part] for part in PARTS) == pytest.approx(1)


def test_distractors_give_the_last_image_a_value() -> None:
    images, prompts = drawn("latest")
    plain, with_bank = RecencyReliance(detail=True), RecencyReliance(detail=True, distractors=prompts[0])
    for metric in (plain, with_bank):
        metric.update(images[1:], prompts[1:])
    assert math.isnan(detail_of(plain)["_turn_6"])
    assert detail_of(with_bank)["_turn_6"] > 0.5
    assert detail_of(plain)["_coverage"] == detail_of(with_bank)["_coverage"] == 1


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="got both"):
        RecencyReliance(distractors=torch.eye(3), threshold=0.2)
    with pytest.raises(ValueError, match="to be a cosine"):
        RecencyReliance(threshold=-2)
    for no_cosine in (True, "a", float("nan")):
        with pytest.raises(ValueError, match="`threshold` to be a cosine"):
            RecencyReliance(threshold=no_cosine)
