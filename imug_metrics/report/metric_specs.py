# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the report shows of each metric, and how a flat score dict is read back into values, intervals and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

FEW_DIALOGUES = 20
"""Below this many dialogues a cluster-robust interval is only approximate."""

COPY_ALARM = 0.5
"""Above this copy rate a high consistency says that images were repeated rather than redrawn."""


@dataclass(frozen=True)
class MetricSpec:
    """One metric of the report: its key in the scores, its column in the items, its turns, and the words beside it."""

    key: str
    item: str
    modality: str
    is_share: bool
    label: str
    noun: str
    meaning: str
    misleads: str


METRICS: tuple[MetricSpec, ...] = (
    MetricSpec(
        "answer_accuracy",
        "answer_strict",
        "text",
        True,
        "Answers",
        "answer accuracy",
        "Share of right letters at the text turns, wrong letters subtracted; wrappers such as “Answer: B” "
        "or bold are read for what they say.",
        "With few options guessing scores well, and a model that names every letter is punished only as far as zero.",
    ),
    MetricSpec(
        "answer_accuracy_imug",
        "answer_imug",
        "text",
        True,
        "Answers, official rule",
        "official answer score",
        "The benchmark's released rule, number for number: a reply that is more than bare letters loses up to half "
        "its score.",
        "It mixes knowing with formatting. A key of several joined letters scores 0 whatever the reply, and the "
        "article “A” counts as a choice.",
    ),
    MetricSpec(
        "point_score",
        "points_strict",
        "image",
        True,
        "Judged points",
        "judged points",
        "Mean of the points that the judge gives an image, 0 to 5 for each thing asked for, divided by 5; coloured "
        "boards are scored by rule instead.",
        "It is one judge's opinion: scores of two judges, or of two sets of instructions, do not compare. See how far "
        "it agrees with itself and with people before a difference is believed.",
    ),
    MetricSpec(
        "point_score_imug",
        "points_imug",
        "image",
        True,
        "Judged points, official rule",
        "official point score",
        "The benchmark's released rule for the same images: whatever numbers the judge's reply holds are taken.",
        "Absent images are left out of the mean or scored on an empty request, and a 9 counts as 180 %.",
    ),
    MetricSpec(
        "turn_alignment",
        "alignment",
        "image",
        False,
        "Alignment",
        "alignment",
        "Similarity of each image and the prompt of its turn, by the encoder named below: 2.5 times their cosine, "
        "and 0 where that is negative (CLIPScore).",
        "The scale belongs to the encoder: compare models under one encoder only. It is blind to what the encoder "
        "does not know.",
    ),
    MetricSpec(
        "turn_retrieval",
        "retrieval",
        "image",
        True,
        "Retrieval",
        "retrieval",
        "Share of images that fit the prompt of their own turn better than any other prompt of their dialogue.",
        "Chance depends on the number of turns (dashed line), and turns that ask for nearly the same are hard to "
        "tell apart even when drawn well.",
    ),
    MetricSpec(
        "turn_consistency",
        "consistency",
        "image",
        False,
        "Consistency",
        "consistency",
        "Similarity of each image with the other images of its dialogue.",
        "Repeating one image gives the highest score of all: read it beside the copy rate. It is taken over whole "
        "images, so a new background lowers it although the subject is kept.",
    ),
)

COPY_RATE = "turn_consistency_copy_rate"
CHANCE = "turn_retrieval_chance"
WITHOUT_KEY = "answer_accuracy_without_key"
EXPOSURE = "exposure_bias"
ALIGNMENT_GAP = "exposure_gap_alignment"


_FAILED = "ERROR:"  # how the official runner notes a turn that failed


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; each may be NaN."""

    value: float
    lower: float = math.nan
    upper: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return not math.isnan(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is a finite interval around the value."""
        return self.known and math.isfinite(self.lower) and math.isfinite(self.upper)

    @property
    def varies(self) -> bool:
        """Whether the interval has a width; it has none where all scores are equal, and then says nothing."""
        return self.bounded and self.upper - self.lower > 1e-9

    @property
    def direction(self) -> int:
        """1 or -1 where the whole interval lies above or below zero and has a width, else 0."""
        return 0 if not self.varies else int(self.lower > 0) - int(self.upper < 0)

    @property
    def falls(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.bounded and self.upper < 0

    @property
    def rises(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.bounded and self.lower > 0


def estimate(scores: Mapping[str, Any], key: str) -> Estimate:
    """Read ``key``, ``key_lower`` and ``key_upper`` out of a flat score dict; what is absent is NaN.

    Example:
        >>> estimate({"turn_alignment": 0.5, "turn_alignment_lower": 0.4, "turn_alignment_upper": 0.6},
        ...          "turn_alignment")
        Estimate(value=0.5, lower=0.4, upper=0.6)
    """
    return Estimate(*(as_float(scores.get(key + end)) for end in ("", "_lower", "_upper")))


def curve(scores: Mapping[str, Any], key: str, point: str = "turn") -> dict[int, Estimate]:
    """The score by turn, ``{turn: Estimate}`` in rising order of turns, of keys that end in ``_<point>_<turn>``.

    Example:
        >>> curve({"turn_alignment_turn_2": 0.5, "turn_alignment_turn_1": 0.75}, "turn_alignment")
        {1: Estimate(value=0.75, lower=nan, upper=nan), 2: Estimate(value=0.5, lower=nan, upper=nan)}
    """
    stem = f"{key}_{point}_"
    turns = sorted(int(name[len(stem) :]) for name in scores if name.startswith(stem) and name[len(stem) :].isdigit())
    return {turn: estimate(scores, f"{stem}{turn}") for turn in turns}


def records_by_turn(items: Sequence[Mapping[str, Any]], column: str) -> dict[int, int]:
    """How many records of each turn carry a value in ``column``.

    Example:
        >>> records_by_turn([{"turn": 1, "copy": None}, {"turn": 2, "copy": 0.0}], "copy")
        {2: 1}
    """
    counts: dict[int, int] = {}
    for item in items:
        if not math.isnan(as_float(item.get(column))):
            counts[int(item["turn"])] = counts.get(int(item["turn"]), 0) + 1
    return counts


def is_missing(item: Mapping[str, Any]) -> bool:
    """Whether a record has no output: no image, or no answer but the note of a failure.

    Example:
        >>> is_missing({"modality": "text", "text": "ERROR: timed out"}), is_missing({"modality": "text", "text": "B"})
        (True, False)
    """
    output = item.get("image" if item.get("modality") == "image" else "text")
    return output is None or str(output).startswith(_FAILED)


def shown_metrics(models: Sequence[ModelScores]) -> list[MetricSpec]:
    """The metrics that at least one model has a value for, in the report's order."""
    return [view for view in METRICS if any(estimate(model.scores, view.key).known for model in models)]


def compares_histories(model: ModelScores) -> bool:
    """Whether a run on the reference history was scored beside the model's own."""
    return any(estimate(model.scores, key).known for key in (f"{EXPOSURE}_mean", ALIGNMENT_GAP))


def horizon(model: ModelScores) -> int:
    """The last turn at which both histories were scored; 0 where none was."""
    return max(curve(model.scores, EXPOSURE), default=0)


def copies(model: ModelScores) -> bool:
    """Whether the model repeats its images so often that its consistency must not be read as identity kept."""
    return as_float(model.scores.get(COPY_RATE)) > COPY_ALARM


def as_float(value: Any) -> float:
    """A Python float of a number or 0-d tensor; None becomes NaN.

    Example:
        >>> as_float(None)
        nan
    """
    return math.nan if value is None else float(value)


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number for reading: a dash where undefined, a true minus sign, and no negative zero.

    Example:
        >>> number(-0.126), number(float("nan")), number(-0.001), number(0.5, 1, signed=True)
        ('−0.13', '–', '0.00', '+0.5')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def span(estimate: Estimate, digits: int = 2) -> str:
    """The interval for reading, empty where there is none.

    Example:
        >>> span(Estimate(0.5, 0.4, 0.6)), span(Estimate(0.5))
        ('0.40 to 0.60', '')
    """
    return f"{number(estimate.lower, digits)} to {number(estimate.upper, digits)}" if estimate.bounded else ""


def check_models(models: Sequence[ModelScores]) -> None:
    """Raise a ValueError where there is no model to report, or two of one name."""
    if not models:
        raise ValueError("Expected argument `models` to hold at least one model, got none.")
    names = [model.model for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Expected argument `models` to name each model once, got {twice[0]!r} more than once.")
