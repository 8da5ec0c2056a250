# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a generate-verify-refine loop converges: what each trajectory of scores does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import score_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.reduce import reduce_values

Measure = Literal["gain", "monotone", "never_falls", "above", "sign_changes", "oscillation", "contraction"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
_SUMMED = {
    "gain": ("gained",),
    "monotone": ("still",),
    "never_falls": ("falls",),
    "above": ("above",),
    "sign_changes": ("turned",),
    "oscillation": ("turned",),
    "contraction": ("late", "early"),
}
"""What each measure sums over the rows of a loop."""

_ROUNDING = 1e-6  # a float32 score of 0.7 is less than 0.7


def loop_convergence(
    scores: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    measure: Measure = "gain",
    threshold: float = 0.8,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """What the scores of a loop do from step to step. A loop is a dialogue, a step is a turn.

    With differences d_1, ..., d_m between neighbouring scored steps of a loop (it has m + 1 scored steps):

    | measure | of one loop | range | undefined for |
    |---|---|---|---|
    | `gain` | last score - first score | any, higher is better | m < 1 |
    | `monotone` | 1 if every d_i > 0 | [0, 1], higher is better | m < 1 |
    | `never_falls` | 1 if every d_i >= 0 | [0, 1], higher is better | m < 1 |
    | `above` | 1 if the last score is at least `threshold` | [0, 1], higher is better | no score |
    | `sign_changes` | changes of sign along the d_i that are not 0 | from 0, lower is better | m < 2 |
    | `oscillation` | sign changes / (m - 1) | [0, 1], lower is better | m < 2 |
    | `contraction` | (abs d_2 + ... + abs d_m) / (abs d_1 + ... + abs d_(m-1)) | from 0 | see below |

    `contraction` is q where the steps shrink by a factor q: below 1 where the loop settles, 1 for scores that only
    scatter, above 1 where they diverge. It says nothing of where the loop settles: read it with `gain` and `above`. It
    is undefined for m < 2 and where no step but the last one moves. Its mean over loops is the ratio of the sums, so
    loops count by how far they move; the others are plain means.

    Args:
        scores: `[N]` or `[B, T]`, higher is better; NaN where a step could not be scored, which is passed over.
        dialogue, turn, valid, lengths: as in `align_rows`.
        subject: the loop within its dialogue, where a dialogue holds several.
        measure: see the table.
        threshold: score that `above` asks for, up to float32's rounding; 0.8 is a judge's 4 of 5.
        reduction: `"mean"`, or `"none"` for one value a loop (ordered by dialogue and subject).

    Returns:
        float64 scalar, or `[S]`; NaN where undefined.

    Raises:
        ValueError: if shapes differ, turns are refused or the measure is unknown.

    Example:
        >>> loop_convergence([[0.2, 0.6, 0.8, 0.9], [0.5, 0.7, 0.6, 0.7]], measure="contraction", reduction="none")
        tensor([0.5000, 0.6667], dtype=torch.float64)
        >>> loop_convergence([[0.2, 0.6, 0.8, 0.9], [0.5, 0.7, 0.6, 0.7]], measure="monotone")
        tensor(0.5000, dtype=torch.float64)
    """
    if measure not in MEASURES:
        raise ValueError(f"Expected argument `measure` to be one of {MEASURES}, got {measure!r}.")
    inputs = pack_inputs({"scores": score_column("scores", scores)}, dialogue, turn, subject, valid, lengths)
    scored = inputs.batch.present(inputs.columns["scores"])
    value, count = loop_parts(inputs.batch, scored, threshold, [measure])[measure]
    if reduction != "mean":
        return reduce_values(torch.where(count > 0, value / torch.where(count > 0, count, 1), torch.nan), reduction)
    total = count.sum()
    return torch.where(total > 0, value.sum() / torch.where(total > 0, total, 1), torch.nan)


def loop_parts(
    batch: DialogueBatch, scores: Tensor, threshold: float, measures: Sequence[Measure] = MEASURES
) -> dict[str, tuple[Tensor, Tensor]]:
    """Numerator and denominator `[S]` of measures, by loop, from packed scores with NaN where there is none."""
    steps = _Steps(batch, scores, threshold)
    names = list(dict.fromkeys(["scored", *(name for measure in measures for name in _SUMMED[measure])]))
    sums = batch.sum_segments(torch.stack([getattr(steps, name) for name in names], 1))
    total = dict(zip(names, sums.unbind(1)))
    return {measure: _ratio(measure, total) for measure in measures}


def _ratio(measure: Measure, total: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    count = total["scored"]
    if measure == "contraction":
        return total["late"], total["early"]
    if measure == "above":
        return total["above"], (count >= 1).double()
    if measure in ("sign_changes", "oscillation"):
        changes = total["turned"]
        return changes if measure == "sign_changes" else changes / (count - 2).clamp_min(1), (count >= 3).double()
    two = (count >= 2).double()
    if measure == "gain":
        return two * total["gained"], two
    return two * (total["still" if measure == "monotone" else "falls"] == 0), two


class _Steps:
    """What the scores of packed rows do from one to the next, as columns `[N]`, each made when it is asked for."""

    def __init__(self, batch: DialogueBatch, scores: Tensor, threshold: float) -> None:
        self.batch, self.threshold = batch, threshold
        self.scored, self.y = scores == scores, scores.nan_to_num(0)

    @cached_property
    def opens(self) -> Tensor:
        return self.batch.is_earliest(self.scored)

    @cached_property
    def closes(self) -> Tensor:
        return self.batch.is_latest(self.scored)

    @cached_property
    def start(self) -> Tensor:
        return self.batch.spread(self.batch.offsets[:-1])

    @cached_property
    def previous(self) -> Tensor:
        return self._nearest_before(self.scored)

    @cached_property
    def moved(self) -> Tensor:
        return self.scored & (self.previous >= 0)

    @cached_property
    def step(self) -> Tensor:
        return (self.y - _at(self.y, self.previous)) * self.moved

    @property
    def gained(self) -> Tensor:
        return self.y * self.closes - self.y * self.opens

    @property
    def still(self) -> Tensor:
        return self.moved & (self.step <= 0)

    @property
    def falls(self) -> Tensor:
        return self.step < 0

    @property
    def above(self) -> Tensor:
        return self.closes & (self.y >= self.threshold - _ROUNDING)

    @property
    def early(self) -> Tensor:
        """Distances of all steps but the last."""
        return self.step.abs() * ~self.closes

    @property
    def late(self) -> Tensor:
        """Distances of all steps but the first."""
        return self.step.abs() * (self.moved & ~_at(self.opens, self.previous))

    @property
    def turned(self) -> Tensor:
        """True where a step goes the other way than the last step of its segment that moved."""
        before = self._nearest_before(self.step != 0)
        return (before >= 0) & (self.step * _at(self.step, before) < 0)

    def _nearest_before(self, chosen: Tensor) -> Tensor:
        """The nearest earlier row of the same segment that is chosen, -1 where there is none."""
        latest = self.batch.rows.masked_fill(~chosen, -1)
        latest = latest.cummax(0).values if len(chosen) else latest
        before = F.pad(latest[:-1], (min(len(chosen), 1), 0), value=-1)
        return before.masked_fill(before < self.start, -1)


def _at(values: Tensor, rows: Tensor) -> Tensor:
    """Values of some rows; what is found for row -1 is not used."""
    return values[rows] if len(values) else values
