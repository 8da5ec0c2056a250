# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What judges of unequal worth say together of yes/no questions (Dawid and Skene, Applied Statistics 28, 1979)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

LEAST_JUDGES = 3
"""Of two judges who differ nothing tells which is the better one."""

_STEPS = 200
_CLOSE = 1e-9


class DawidSkene(NamedTuple):
    """The model of judges that explains their answers best.

    Attributes:
        probability: float64 `[N]`, that the answer is yes; NaN where no judge has answered.
        sensitivity, specificity: float64 `[J]`, how often each judge says yes where the answer is yes, and no where it
            is no.
        prevalence: float64 scalar, how often the answer is yes.
    """

    probability: Tensor
    sensitivity: Tensor
    specificity: Tensor
    prevalence: Tensor


def dawid_skene(answers: Tensor) -> DawidSkene:
    """The probable answers, and how often each judge is right, by expectation and maximisation.

    Judges are taken to err independently of each other. The largest posterior is found under Beta(2, 1) priors of
    sensitivity and specificity, which hold judges for better than chance (else yes and no could change places), and
    Beta(2, 2) of the prevalence, from the shares of yes as the first guess.

    Args:
        answers: `[N, J]`, 1 yes, 0 no, NaN where a judge has not answered.

    Raises:
        ValueError: if `answers` has another shape or holds other numbers, or there are fewer than three judges.

    Example:
        >>> answers = torch.tensor([[1.0, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]])
        >>> found = dawid_skene(answers)
        >>> found.probability.round(), (found.sensitivity > 0.6).tolist()
        (tensor([1., 0., 1., 0., 1., 0.], dtype=torch.float64), [True, True, False])
    """
    if answers.ndim != 2 or answers.shape[1] < LEAST_JUDGES:
        raise ValueError(
            f"Expected argument `answers` to have shape [N, J] with J >= {LEAST_JUDGES}, got {list(answers.shape)}."
        )
    there = ~answers.isnan()
    yes = answers.double().masked_fill(~there, 0)
    if not bool(((yes == 0) | (yes == 1)).all()):
        raise ValueError("Expected argument `answers` to hold 1, 0 and NaN alone.")
    no = there.double() - yes
    known = there.any(1)
    probability = yes.sum(1) / there.sum(1).clamp_min(1)
    for _ in range(_STEPS):
        model = _model(probability, yes, no, known)
        updated = _posterior(yes, no, *model)
        moved = (updated - probability).masked_fill(~known, 0).abs().amax() if len(known) else torch.tensor(0.0)
        probability = updated
        if moved < _CLOSE:
            break
    return DawidSkene(probability.masked_fill(~known, torch.nan), *_model(probability, yes, no, known))


def _model(probability: Tensor, yes: Tensor, no: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sensitivity, specificity and prevalence, given how probable each yes is."""
    is_yes, is_no = probability[:, None], 1 - probability[:, None]
    sensitivity = ((is_yes * yes).sum(0) + 1) / ((is_yes * (yes + no)).sum(0) + 1)
    specificity = ((is_no * no).sum(0) + 1) / ((is_no * (yes + no)).sum(0) + 1)
    prevalence = (probability.masked_fill(~known, 0).sum() + 1) / (known.sum() + 2)
    # A judge who was never wrong would rule alone, whatever the others say.
    return sensitivity.clamp(1e-6, 1 - 1e-6), specificity.clamp(1e-6, 1 - 1e-6), prevalence


def _posterior(yes: Tensor, no: Tensor, sensitivity: Tensor, specificity: Tensor, prevalence: Tensor) -> Tensor:
    """How probable each yes is, given the judges."""
    for_yes = yes @ sensitivity.log() + no @ (1 - sensitivity).log() + prevalence.log()
    for_no = yes @ (1 - specificity).log() + no @ specificity.log() + (1 - prevalence).log()
    return (for_yes - for_no).sigmoid()
