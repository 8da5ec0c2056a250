# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What every metric is tried on: its test file lists `CASES`, which the tests of all metrics gather."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor
from torchmetrics import Metric

import imug_metrics
from imug_metrics import DialogueMetric

HERE = Path(__file__).parent
WIDTH = 24
Batch = dict[str, Any]
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bootstrap": {"bootstrap": 20, "seed": 5},
    "zero-by-dialogue": {"missing": "zero", "average": "dialogue"},
}


@dataclass(frozen=True)
class Case:
    """A metric and what it is fed.

    Attributes:
        make: the metric, with the options given by keyword.
        columns: from dialogue and turn `[N]` to its other arguments.
        rows: `"tensors"` that may be padded with NaN; `"codes"` or row numbers, which may not; or `"lists"`.
        float32: the metric keeps rows of float32, so that another order of sums moves the last digits.
        refuses: options of all metrics that have no meaning for this one.
        rounding: how far its values may lie apart, where a library makes them of float32 and in batches, whose size
            moves the last digits.
    """

    make: Callable[..., Metric]
    columns: Callable[[Tensor, Tensor], Batch]
    rows: Literal["tensors", "codes", "lists"] = "tensors"
    float32: bool = False
    refuses: tuple[str, ...] = ()
    rounding: float = 0.0

    def options(self) -> dict[str, dict[str, Any]]:
        """The sets of options that the metric takes."""
        return {name: options for name, options in OPTIONS.items() if not options.keys() & set(self.refuses)}

    def feed(self, metric: Any, dialogue: Tensor, turn: Tensor) -> Any:
        """The metric after an update with these records, of which some are absent."""
        metric.update(**self.columns(dialogue, turn), dialogue=dialogue, turn=turn, valid=present(dialogue, turn))
        return metric

    def whole(self, **options: Any) -> Any:
        """What the metric gives of all records at once."""
        return self.feed(self.make(**options), *places()).compute()

    def assert_same(self, found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-12) -> None:
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            loose = 1e-6 if self.float32 and key.startswith("turn_decay") else tolerance
            loose = max(loose, self.rounding)
            if key.endswith(("_lower", "_upper")):  # a spread is a difference of sums, of which rounding leaves less
                loose = max(loose, 1e-10)
            if not _same_number(found[key], value, loose):  # all others take the long way, which says what is wrong
                torch.testing.assert_close(found[key], value, rtol=loose, atol=loose, equal_nan=True, msg=key)


def _same_number(found: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Whether both are one number, at a tenth of what a comparison of tensors costs."""
    if (found.dtype, found.device, found.shape) != (
        expected.dtype,
        expected.device,
        expected.shape,
    ) or found.numel() != 1:
        return False
    one, two = found.item(), expected.item()
    return abs(one - two) <= tolerance * (1 + abs(two)) or (one != one and two != two)


def places(count: int = 24, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Ragged dialogues of 1 to 6 turns under ids that are not in order."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (count,), generator=generator)
    ids = torch.randperm(1000, generator=generator)[:count] - 500
    return ids.repeat_interleave(lengths), torch.cat([torch.arange(1, int(n) + 1) for n in lengths])


def present(dialogue: Tensor, turn: Tensor) -> Tensor:
    """Which outputs are there: ten of eleven."""
    return (dialogue * 7 + turn * 3) % 11 != 0


@cache
def all_cases() -> dict[str, Case]:
    """The cases of every public metric, wrappers of metrics included, by name; a metric without any is an error."""
    return metric_cases() | _cases_of(name for name, metric in _classes() if not issubclass(metric, DialogueMetric))


@cache
def metric_cases() -> dict[str, Case]:
    """The same without wrappers."""
    return _cases_of(name for name, metric in _classes() if issubclass(metric, DialogueMetric))


def _classes() -> Iterator[tuple[str, type[Metric]]]:
    """Public metrics by name, the base class left out."""
    for name in imug_metrics.__all__:
        found = getattr(imug_metrics, name)
        if isinstance(found, type) and issubclass(found, Metric) and found is not DialogueMetric:
            yield name, found


def _cases_of(metrics: Iterable[str]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for name in metrics:
        cases = getattr(_tests_of(name), "CASES", None)
        if not cases:
            raise LookupError(f"Expected CASES in the tests of {name}, see tests/metrics/cases.py.")
        if repeated := sorted(cases.keys() & found.keys()):
            raise LookupError(f"Expected names of cases that differ, got {repeated[0]} in the tests of {name} again.")
        found |= cases
    return found


def _tests_of(metric: str) -> ModuleType:
    """The test module of a metric, by its name; processes start without pytest's hooks, so it is loaded by path."""
    name = "test_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", metric).lower()
    paths = sorted(HERE.glob(f"**/{name}.py"))
    if len(paths) != 1:
        raise LookupError(
            f"Expected the tests of {metric} in one {name}.py below tests/metrics, found {len(paths)} files."
        )
    spec = importlib.util.spec_from_file_location(f"cases_of_{name}", paths[0])
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def noise(dialogue: Tensor, turn: Tensor, salt: int, width: int = WIDTH) -> Tensor:
    """Rows that depend on dialogue and turn alone, so that any split sees the same data."""
    seeds = (dialogue.long() * 1009 + turn.long() * 31 + salt).tolist()
    return torch.stack([_row(seed, width) for seed in seeds]) if seeds else torch.zeros(0, width)


@cache
def _row(seed: int, width: int) -> Tensor:
    return torch.randn(width, generator=torch.Generator().manual_seed(seed))


def embeddings(dialogue: Tensor, turn: Tensor) -> Tensor:
    return noise(dialogue, torch.zeros_like(turn), 1) + 0.6 * noise(dialogue, turn, 2)


def images(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"images": embeddings(dialogue, turn)}


def images_and_texts(dialogue: Tensor, turn: Tensor) -> Batch:
    images = embeddings(dialogue, turn)
    return {"images": images, "texts": images + noise(dialogue, turn, 3)}


def with_references(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**images_and_texts(dialogue, turn), "references": noise(dialogue, turn, 4)}


def images_and_references(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**images(dialogue, turn), "references": noise(dialogue, turn, 4)}


def images_and_pixels(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**images(dialogue, turn), "pixels": noise(dialogue, turn // 3, 6, 48).sigmoid()}


def images_to_guard(dialogue: Tensor, turn: Tensor) -> Batch:
    """Images of which some repeat the one before and some what was shown."""
    pixels = noise(dialogue, turn // 2, 6, 192).sigmoid()
    given = (labels(dialogue, turn, 8, 3) == 0)[:, None]
    others = {"shown": noise(dialogue, turn, 4), "references": noise(dialogue, turn, 5)}
    shown_pixels = torch.where(given, pixels, noise(dialogue, turn, 7, 192).sigmoid())
    return {**images(dialogue, turn), **others, "pixels": pixels, "shown_pixels": shown_pixels}


def parts_of_images(dialogue: Tensor, turn: Tensor) -> Batch:
    """Subjects, backgrounds, whole images that are something of both, and the same with another subject."""
    subjects, background = embeddings(dialogue, turn), noise(dialogue, turn // 3, 50) + 0.4 * noise(dialogue, turn, 51)
    whole = subjects + 2 * background
    swapped = 2 * background + noise(dialogue + 1, turn, 52)
    return {"images": subjects, "background": background, "whole": whole, "swapped": swapped}


def edits(dialogue: Tensor, turn: Tensor) -> Batch:
    """Images that change everywhere from turn to turn, of which a square was to be changed, or nothing."""
    start, change = noise(dialogue, torch.zeros_like(turn), 60, 768), noise(dialogue, turn, 61, 768)
    place = torch.arange(16)
    inside = (place // 4 == turn[:, None] % 4).float()
    return {
        "images": (0.5 * start + 0.1 * change).sigmoid().view(-1, 3, 16, 16),
        "editable": inside[:, :, None] * inside[:, None],
        "noop": (dialogue + turn) % 4 == 0,
    }


def links(dialogue: Tensor, turn: Tensor) -> Batch:
    places = {(int(d), int(t)): row for row, (d, t) in enumerate(zip(dialogue, turn))}
    links = [[row, places[d, 1]] for (d, t), row in places.items() if t > 1 and (d, 1) in places]
    return {**images(dialogue, turn), "links": torch.tensor(links, dtype=torch.int64).reshape(-1, 2)}


def scores(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"scores": (0.8 - 0.05 * turn + 0.1 * noise(dialogue, turn, 5, 1)[:, 0]).clamp(0.01, 1)}


def arms(dialogue: Tensor, turn: Tensor) -> Batch:
    baseline = scores(dialogue, turn)["scores"]
    return {"scores": (baseline - 0.1 * noise(dialogue, turn, 7, 1)[:, 0].abs()).clamp(0.01, 1), "baseline": baseline}


def answers(dialogue: Tensor, turn: Tensor) -> Batch:
    right = ["ABCD"[(int(d) + int(t)) % 4] for d, t in zip(dialogue, turn)]
    said = [
        ["{}", "Answer: {}", "({})", "no idea", "{}, D"][int(d + 2 * t) % 5].format(k)
        for d, t, k in zip(dialogue, turn, right)
    ]
    return {"preds": said, "target": right}


def answers_with_options(dialogue: Tensor, turn: Tensor) -> Batch:
    """Every third question has the options of the metric, every third letters of its own, and every third texts."""
    found = answers(dialogue, turn)
    texts = {"A": "a red cup", "B": "a blue cup", "C": "eine grüne Tasse", "D": "黄色的杯子"}
    kinds = [None, "ABCD", texts]
    options = [kinds[int(d + t) % 3] for d, t in zip(dialogue, turn)]
    found["preds"] = [
        texts[key] if listed is texts and said.startswith("(") else said
        for said, key, listed in zip(found["preds"], found["target"], options)
    ]
    return {**found, "options": options}


def numbers(dialogue: Tensor, turn: Tensor) -> Batch:
    right = [(int(d) + int(t)) % 4 for d, t in zip(dialogue, turn)]
    forms = ["{}", "It is {}.", "none that I can see", "keine", "{}, then 9"]
    said = [forms[int(d + 2 * t) % 5].format(k) for d, t, k in zip(dialogue, turn, right)]
    return {"preds": said, "target": right}


def labels(dialogue: Tensor, turn: Tensor, salt: int, kinds: int = 2) -> Tensor:
    return (noise(dialogue, turn, salt, 1)[:, 0] * 100).long() % kinds


def verdicts(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": labels(dialogue, turn, 7), "target": labels(dialogue, turn, 8)}


def stances(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": (labels(dialogue, turn, 9, 4) > 0).long()}


def under_pressure(dialogue: Tensor, turn: Tensor) -> Batch:
    target = labels(dialogue, turn, 10, 3)
    before = target + (labels(dialogue, turn, 11, 4) == 0)
    return {"preds": labels(dialogue, turn, 12, 3), "target": target, "before": before, "suggested": (target + 1) % 3}


def corrections(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": labels(dialogue, turn, 13), "before": labels(dialogue, turn, 14)}


def self_scores(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**scores(dialogue, turn), "references": noise(dialogue, turn, 15, 1)[:, 0].clamp(0, 1)}


def verdict_texts(dialogue: Tensor, turn: Tensor) -> Batch:
    phrases = ["Looks good.", "The red cube is left.", "Two blue balls match the prompt.", "Yes, correct: a green cone"]
    phrases += ["Der Ball ist rot."]  # unread
    said = [phrases[int(row)] for row in labels(dialogue, turn, 16, 5)]
    texts = [f"Draw {int(t)} red cubes and blue balls" for t in turn]
    return {"verdicts": said, "texts": texts, **verdicts(dialogue, turn)}


def scores_and_context_lengths(dialogue: Tensor, turn: Tensor) -> Batch:
    lengths = (2000 * turn + dialogue.abs() * 50 + 500).float() * 2 ** (turn / 2)
    return {**scores(dialogue, turn), "context_lengths": lengths.long()}


def runs(dialogue: Tensor, turn: Tensor) -> Batch:
    tries = (0.7 + 0.2 * noise(dialogue, turn, 13, 6)).clamp(0, 1)
    return {"scores": tries.masked_fill(noise(dialogue, turn, 14, 6) > 1.5, torch.nan)}


def scores_and_modality(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**scores(dialogue, turn), "modality": (dialogue + turn) % 2 == 0}


def outputs_and_modality(dialogue: Tensor, turn: Tensor) -> Batch:
    asked = labels(dialogue, turn, 70).abs()
    complies = labels(dialogue, turn, 71, 3) != 0
    return {"preds": torch.where(complies, asked, labels(dialogue, turn, 72, 4)), "modality": asked == 1}


def scores_and_switches(dialogue: Tensor, turn: Tensor) -> Batch:
    """Modalities that change at other turns in every dialogue."""
    return {**scores(dialogue, turn), "modality": labels(dialogue, turn, 70) == 1}


def points(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"items": torch.stack([labels(dialogue, turn, salt, 6) for salt in (17, 18, 19)], 1).double()}


def juries(dialogue: Tensor, turn: Tensor) -> Batch:
    """Scores of three models by two judges, of which the first lacks some."""
    scores = noise(dialogue, turn, 93, 6).double().sigmoid().view(-1, 3, 2)
    lost = (labels(dialogue, turn, 94, 7) == 0)[:, None, None] & torch.tensor([True, False])
    return {"scores": scores.masked_fill(lost, torch.nan)}


def checklists(dialogue: Tensor, turn: Tensor) -> Batch:
    """Answers of which some are missing and some do not apply, to weighted items of two categories."""
    answers, expected = (
        torch.stack([labels(dialogue, turn, salt + k, kinds) for k in range(4)], 1)
        for salt, kinds in ((91, 5), (95, 2))
    )
    return {
        "items": (answers - 2).double().clamp(-1, 1).masked_fill(answers == 0, torch.nan),
        "target": expected.double(),
        "weights": noise(dialogue, turn, 99, 4).double().sigmoid(),
        "categories": (answers + expected) % 3 - 1.0,
        "ages": (expected * (turn[:, None] - 1)).clamp_min(0).double(),
    }


def claims(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"items": noise(dialogue, turn, 81, 3).double().mul(2).sigmoid().mul(4).round() / 4}


def traces(dialogue: Tensor, turn: Tensor) -> Batch:
    """Steps of which some are missing, twice there, or out of order, with citations of which some lead nowhere."""
    forms = ["plan look tell", "plan tell", "look plan tell", "plan plan look tell", "aside plan look end tell", ""]
    preds = [forms[int(row)].split() for row in labels(dialogue, turn, 82, 6).abs()]
    cites = [[int(row) > k for k in range(int(row))] for row in labels(dialogue, turn, 83, 4).abs()]
    lost = labels(dialogue, turn, 84, 3).tolist()
    return {"preds": preds, "items": [[*map(float, row), 0.0] if gone == 0 else row for row, gone in zip(cites, lost)]}


def named_steps(dialogue: Tensor, turn: Tensor) -> Batch:
    """Up to two of four steps, and the faulty one, 0 where there is none."""
    named = [
        [int(row) for row in pair if row]
        for pair in torch.stack([labels(dialogue, turn, s, 5) for s in (85, 86)], 1).abs()
    ]
    return {"preds": named, "target": labels(dialogue, turn, 87, 5).abs()}


def repairs(dialogue: Tensor, turn: Tensor) -> Batch:
    costs = noise(dialogue, turn, 88, 1)[:, 0].double().abs().mul(3).round()
    return {**arms(dialogue, turn), "costs": costs.masked_fill(costs == 5, torch.nan)}


def boards(dialogue: Tensor, turn: Tensor) -> Batch:
    target = (noise(dialogue, turn, 20, 9).abs() * 2).long().clamp(max=3).view(-1, 3, 3)
    wrong = (labels(dialogue, turn, 21) == 0)[:, None, None]
    return {"preds": torch.where(wrong, target.clamp(max=2), target), "target": target}


def counts(dialogue: Tensor, turn: Tensor) -> Batch:
    drawn = noise(dialogue, turn, 17, 14).mul(2).round().clamp(0, 3)
    rates = noise(dialogue, turn, 18, 1)[:, 0].clamp(0, 1)
    return {"preds": drawn[:, :7], "target": drawn[:, 7:], "support": rates}


def tags(dialogue: Tensor, turn: Tensor) -> Batch:
    texts = ["<image1>", "see <image1> and <audio2: a bell>", "plain", "<code1> <threeD1>", "<Image1> <image1>"]
    picked = [[texts[int(row)] for row in labels(dialogue, turn, salt, 5)] for salt in (19, 20)]
    return {"preds": picked[0], "target": picked[1]}


def grades(dialogue: Tensor, turn: Tensor, *names: str) -> Batch:
    return {name: 1 + labels(dialogue, turn, 21 + place, 5).float() for place, name in enumerate(names)}


def correctness(dialogue: Tensor, turn: Tensor) -> Batch:
    shares = noise(dialogue, turn, 24, 2).clamp(0, 1)
    return {**grades(dialogue, turn, "correctness"), "quality": shares[:, 0], "support": shares[:, 1]}


def grouped(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**self_scores(dialogue, turn), "group": labels(dialogue, turn, 25, 4).float()}


def candidates(dialogue: Tensor, turn: Tensor) -> Batch:
    """Five candidates a turn, some not there, scored in steps so that there are ties on both sides."""
    scores = (noise(dialogue, turn, 30, 5).double().sigmoid() * 8).round() / 8
    selector = ((scores + 0.2 * noise(dialogue, turn, 31, 5)).clamp(0, 1) * 8).round() / 8
    return {"scores": scores.masked_fill(noise(dialogue, turn, 32, 5) > 1.5, torch.nan), "selector": selector}


def verified(dialogue: Tensor, turn: Tensor) -> Batch:
    drawn = candidates(dialogue, turn)
    target = (drawn["scores"] > 0.5).to(drawn["scores"])
    return {"scores": drawn["selector"], "target": target}


def strategies(dialogue: Tensor, turn: Tensor) -> Batch:
    scores = noise(dialogue, turn, 33, 3).double().sigmoid() + torch.tensor([0.0, 0.1, 0.2])
    costs = (noise(dialogue, turn, 34, 3).double().abs() + 1) * torch.tensor([1.0, 3.0, 9.0])
    return {"scores": scores.masked_fill(noise(dialogue, turn, 35, 3) > 1.5, torch.nan), "costs": costs}


def policy(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**strategies(dialogue, turn), "preds": labels(dialogue, turn, 36, 3)}
