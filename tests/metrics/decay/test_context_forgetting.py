# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ContextForgetting against a loop over images, and on models with one failure each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from imug_metrics import ContextForgetting
from imug_metrics.encoders import CallableEncoder
from tests.functional.decay.prompts import Dialogues, Seen, dialogues, mean, seen
from tests.metrics import cases

DISTRACTORS = torch.randn(3, cases.WIDTH, generator=torch.Generator().manual_seed(1)).tolist()


def with_links(dialogue: Tensor, turn: Tensor) -> dict[str, Any]:
    """In most dialogues images are linked to the first one or the one before; some records are texts."""
    places = {(int(d), int(t)): row for row, (d, t) in enumerate(zip(dialogue, turn))}
    pairs = [(row, places.get((d, t - 1 if (d + t) % 4 == 0 else 1))) for (d, t), row in places.items() if d % 5]
    links = torch.tensor([pair for pair in pairs if None not in pair], dtype=torch.int64).reshape(-1, 2)
    return {**cases.images_and_texts(dialogue, turn), "links": links, "modality": (dialogue + 2 * turn) % 9 > 0}


CASES = {
    "forgetting": cases.Case(ContextForgetting, cases.images_and_texts, refuses=("missing",)),
    "forgetting-graph": cases.Case(
        lambda **k: ContextForgetting(distractors=DISTRACTORS, max_back=4, **k),
        with_links,
        rows="codes",
        refuses=("missing",),
    ),
}


def detail_of(metric: ContextForgetting) -> dict[str, float]:
    return {key.removeprefix("context_forgetting"): float(value) for key, value in metric.compute().items()}


def naive(data: Dialogues, every: list[Seen]) -> dict[str, float]:
    """What the detail holds, image by image."""
    by_back: dict[str, list[float]] = {}
    above = below = 0.0
    for one in every:
        known = {} if math.isnan(one.own) else {0: one.own}
        known |= {int(data.turn[one.row] - data.turn[row]): value for row, value in one.context.items()}
        back, cosines = np.array([*known]), np.array([*known.values()])
        if len(known) > 1:
            above += ((back - back.mean()) * (cosines - cosines.mean())).sum()
            below += ((back - back.mean()) ** 2).sum()
        for k, value in known.items():
            if one.rivals:
                by_back.setdefault(f"_back_{k}", []).append(value - mean(one.rivals))
            if k and not math.isnan(one.own):
                by_back.setdefault(f"_lost_{k}", []).append(one.own - value)
    whole = [one for one in every if one.context and one.rivals and not math.isnan(one.own)]
    latest = [one.own - mean(one.rivals) for one in whole]
    earlier = [mean(one.context.values()) - mean(one.rivals) for one in whole]
    found = {key: mean(values) for key, values in by_back.items()}
    found |= {"_slope_back": above / below, "_latest": mean(latest), "_earlier": mean(earlier)}
    values = [one.own - mean(one.context.values()) for one in every if one.context and not math.isnan(one.own)]
    return found | {"": mean(values), "_n": len(values)}


@pytest.mark.parametrize("seed", range(4))
def test_estimates_equal_a_loop_over_images(seed: int) -> None:
    data = dialogues(seed, 30)
    metric = ContextForgetting(detail=True)
    metric.update(**data.batch())
    found = detail_of(metric)
    expected = naive(data, seen(data))
    assert len(expected) > 15
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key
    within = [(s, g) for s, g in data.links if s != g and data.dialogue[s] == data.dialogue[g]]
    linked = {source for source, _ in within}
    margins = [
        mean(one.linked.values()) - mean(one.rivals)
        for one in seen(data)
        if one.row in linked and one.linked and one.rivals
    ]
    assert found["_linked"] == pytest.approx(mean(margins), abs=1e-9)


def test_the_interval_is_students_of_the_means_of_dialogues_of_one_length() -> None:
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randn(9, 3, 8, dtype=torch.float64, generator=generator)
    images = prompts + torch.randn(9, 3, 8, dtype=torch.float64, generator=generator)
    metric = ContextForgetting(detail=True)
    metric.update(images, prompts)
    found = detail_of(metric)
    units = [rows / rows.norm(dim=-1, keepdim=True) for rows in (images, prompts)]
    cosine = torch.einsum("bsd,btd->bst", *units)
    values = torch.stack([cosine[:, 1, 1] - cosine[:, 1, 0], cosine[:, 2, 2] - cosine[:, 2, :2].mean(1)], 1).mean(1)
    expected = stats.t.interval(0.95, 8, values.mean(), values.std() / 3)
    assert [found["_lower"], found["_upper"]] == pytest.approx(expected, abs=1e-9)


SHAPE = (60, 6, 48)


def drawn(name: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images of a model, by what it does wrong, and the prompts."""
    generator = torch.Generator().manual_seed(seed)
    prompts = torch.nn.functional.normalize(torch.randn(SHAPE, generator=generator), dim=-1)
    noise = 0.03 * torch.randn(SHAPE, generator=generator)
    style = torch.randn(SHAPE[0], 1, SHAPE[2], generator=generator) * torch.arange(SHAPE[1])[:, None] * 0.05
    shown = prompts.cumsum(1)
    if name == "forgets":
        shown = prompts + torch.cat([torch.zeros_like(prompts[:, :1]), prompts[:, :-1]], 1)
    elif name == "latest":
        shown = prompts
    elif name == "style":
        shown = shown + style
    elif name == "objects":
        shown = shown + 0.15 * torch.randn(SHAPE, generator=generator)
    elif name == "copies":
        shown = shown[:, :1].expand(SHAPE)
    return shown + noise, prompts


@pytest.mark.parametrize("name", ["honest", "style", "objects"])
def test_what_a_model_does_wrong_otherwise_is_no_forgetting(name: str) -> None:
    metric = ContextForgetting(detail=True)
    metric.update(*drawn(name))
    found = detail_of(metric)
    assert found["_lower"] < 0 < found["_upper"]
    assert found["_slope_lower"] < 0 < found["_slope_upper"]
    assert found["_slope_back_lower"] < 0 < found["_slope_back_upper"]
    assert found["_retained"] == pytest.approx(1, abs=0.1)
    assert all(abs(found[f"_lost_{k}"]) < 0.06 for k in range(1, 6))


def test_a_model_that_forgets_what_is_two_turns_back_is_found() -> None:
    metric = ContextForgetting(detail=True)
    metric.update(*drawn("forgets"))
    found = detail_of(metric)
    assert found["_lower"] > 0.2
    assert found["_slope_lower"] > 0
    assert abs(found["_lost_1"]) < 0.05
    assert all(found[f"_lost_{k}_lower"] > 0.5 for k in range(2, 6))
    assert found["_retained_upper"] < 0.8


def test_a_model_that_repeats_its_first_image_does_not_forget() -> None:
    metric = ContextForgetting(detail=True)
    metric.update(*drawn("copies"))
    found = detail_of(metric)
    assert found["_upper"] < 0
    assert math.isnan(found["_retained"])
    assert metric.reasons["context_forgetting_retained"] == "it is undefined"


def test_more_distractors_change_margins_and_not_the_value() -> None:
    images, prompts = drawn("latest")
    few, many = (ContextForgetting(detail=True, distractors=prompts[0, :count]) for count in (1, 6))
    for metric in (few, many):
        metric.update(images[1:], prompts[1:])
    first, second = detail_of(few), detail_of(many)
    assert first[""] == second[""]
    assert first["_back_0"] != second["_back_0"]
    assert first["_latest"] - first["_earlier"] == pytest.approx(first[""], abs=1e-7)


def test_margins_over_distractors_that_cancel_out_are_the_cosines() -> None:
    images, prompts = drawn("latest")
    metric = ContextForgetting(detail=True, distractors=torch.cat([prompts[0, :1], -prompts[0, :1]]))
    metric.update(images[1:], prompts[1:])
    own = torch.cosine_similarity(images[1:], prompts[1:], dim=2)
    assert detail_of(metric)["_back_0"] == pytest.approx(float(own.mean()), abs=1e-6)


def test_a_text_turn_is_context_and_no_missing_image() -> None:
    images, prompts = drawn("honest")
    images[:, ::2] = 0
    told, untold = ContextForgetting(detail=True), ContextForgetting(detail=True)
    told.update(images, prompts, modality=[["text", "image"] * 3] * 60, lengths=torch.full((60,), 6))
    untold.update(images, prompts, lengths=torch.full((60,), 6))
    first, second = detail_of(told), detail_of(untold)
    assert (first["_coverage"], second["_coverage"]) == (1, 0.6)
    assert first[""] == second[""]
    assert first["_lower"] < 0 < first["_upper"]
    assert not math.isnan(first["_lost_1"])


def test_distractors_in_words_are_encoded_once() -> None:
    calls: list[list[str]] = []

    def encode(texts: list[str]) -> Tensor:
        calls.append(texts)
        return torch.eye(4)[[len(text) % 4 for text in texts]]

    metric = ContextForgetting(distractors=["a", "to"], encoder=CallableEncoder(images=encode, texts=encode, name="x"))
    for _ in range(2):
        metric.update(torch.eye(4)[None], [["one", "four", "a", "to"]])
    assert calls.count(["a", "to"]) == 1
    metric.reset()
    metric.update(torch.eye(4)[None], torch.eye(4)[None])
    assert calls.count(["a", "to"]) == 2


@pytest.mark.parametrize("options", [{"missing": "zero"}, {"max_back": 0}, {"distractors": ["a cup"]}])
def test_options_that_have_no_meaning_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ContextForgetting(**options)


def test_distractors_tell_metrics_apart() -> None:
    one, other = ContextForgetting(distractors=torch.eye(3)), ContextForgetting(distractors=2 * torch.eye(3))
    assert not torch.equal(one.config, other.config)


def test_it_can_be_a_loss() -> None:
    images, prompts = drawn("latest")
    images.requires_grad_()
    ContextForgetting()(images, prompts).backward()
    assert images.grad is not None
    better = (images - 100 * images.grad).detach()
    assert ContextForgetting()(better, prompts) < ContextForgetting()(images.detach(), prompts)
