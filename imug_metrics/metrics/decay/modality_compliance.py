# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a model answer in the modality that a turn asks for?"""

from types import MappingProxyType

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.decay.modality import MODALITIES, modality_before
from imug_metrics.functional.decay.modality_compliance import (
    EXTRAS,
    OUTPUTS,
    Extra,
    compliance,
    compliance_columns,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_choice, within
from imug_metrics.stats import Moments, Weights

_SIDES = ("after_switch", "after_same")
_BY_SIDE = tuple(f"{asked}_{side}" for asked in MODALITIES for side in _SIDES)
_TABLE = tuple(f"asked_{asked}_got_{came}" for asked in MODALITIES for came in OUTPUTS)


class ModalityCompliance(DialogueMetric):
    """Does the model answer with an image where one is asked for, and with words where these are? Higher is better.

        compliance = share of records whose output is what was asked for

    An output that is empty is a failure that was seen; one that nobody knows of lowers the coverage. The functional
    counterpart is `modality_compliance`. The detail adds

    - `modality_compliance_text`, `_image`: the share where words, or an image, were asked for
    - `modality_compliance_asked_text_got_text`, `_asked_text_got_image`, `_asked_text_got_both`,
      `_asked_text_got_none`, `_asked_image_got_text`, `_asked_image_got_image`, `_asked_image_got_both`,
      `_asked_image_got_none`: the table of what was asked for and what came, as shares of the known outputs of each row
    - `modality_compliance_after_switch`, `_after_same`: the share at records that ask for another modality than the
      record before of their dialogue, and at those that ask for the same; the first record is neither. The same by
      what was asked for: `_text_after_switch`, `_text_after_same`, `_image_after_switch`, `_image_after_same`
    - `modality_compliance_switch_gap`: the first less the second among records that ask for the same thing; negative
      where the model fails at switches. With s of S records right after a switch and t of T right otherwise (Mantel and
      Haenszel's weights; Greenland and Robins, Biometrics 41, 1985), of both modalities m,

          sum_m (s_m T_m - t_m S_m) / (S_m + T_m)  /  sum_m S_m T_m / (S_m + T_m)

      so that a model which is bad at images, and is asked for them after switches, has no gap for that

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        extra: which output beside the one asked for is no failure: `"text"`, words beside an image, which most models
            write; `"any"`, also an image beside words; or `"none"`.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = ModalityCompliance(detail=True)
        >>> asked = [["text", "image", "image", "text"]] * 2
        >>> metric.update([["text", "text", "image", "text"], ["text", "none", "both", "image"]], asked)
        >>> found = metric.compute()
        >>> ends = ("", "_image", "_asked_image_got_text", "_after_switch", "_after_same", "_switch_gap")
        >>> [float(found[f"modality_compliance{end}"]) for end in ends]
        [0.625, 0.5, 0.25, 0.25, 1.0, -1.0]
    """

    name = "modality_compliance"
    description = MetricDescription(
        label="Modality",
        noun="compliance with the modality",
        unit="share",
        measures="share of outputs that are what was asked for",
        span="0 to 1",
        direction="higher is better",
        meaning="How often the model answers with an image where one is asked for, and with words where these are.",
        misleads="It says nothing of what the output shows or says, and a benchmark that always asks for images is "
        "met by a model that always draws.",
    )
    ranges = within(SHARE, "mean", "turn_", *MODALITIES, "text_", "image_", "after_", "asked_", "wrong")
    limits = MappingProxyType({"switch_gap": (-1.0, 1.0)})
    events = MappingProxyType({"switch_gap": ("mean", "wrong")})  # dialogues that comply, and that fail
    configuration = (*DialogueMetric.configuration, "extra")

    def __init__(self, *, extra: Extra = "text", **kwargs: Unpack[MetricOptions]) -> None:
        check_choice("extra", extra, EXTRAS)
        self.extra = extra
        super().__init__(**kwargs)

    def update(
        self,
        preds: Labels,
        modality: Labels,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: `[N]` or `[B, T]`, what came: `"text"`, `"image"`, `"both"` or `"none"` (an output that is empty), or
                their codes 0 to 3; NaN or None where not known.
            modality: what each record had to be answered with, in the shape of `preds`: `"text"` or `"image"` in lists,
                or bools that are True for images. A record that nothing came of still says what the next one follows.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, or turns, outputs or modalities are refused.
        """
        zero = self.missing == "zero"
        inputs = self._pack(compliance_columns(preds, modality, zero=zero), dialogue, turn, None, valid, lengths)
        batch, asked = inputs.batch, inputs.columns["modality"]
        came = batch.present(inputs.columns["preds"])
        values = compliance(came, asked, self.extra)
        if zero:
            values = batch.zero_filled(values)
        self._add(batch, values, None, self._terms(batch, values, came, asked) if self.detail else None)

    def _terms(self, batch: DialogueBatch, values: Tensor, came: Tensor, asked: Tensor) -> Terms:
        """Shares by what was asked for and by what was asked for before, and the table."""
        same = (1 - (asked - modality_before(batch, asked)).abs()).masked_fill(batch.is_first(), torch.nan)
        of, sides = (column[:, None] == constant(torch.arange, 2, like=values) for column in (asked, same))
        both = (of[:, :, None] & sides[:, None]).flatten(1)
        shares = values[:, None].where(torch.cat([of, sides, both], 1), torch.nan)
        cells = (len(OUTPUTS) * asked + came)[:, None] == constant(torch.arange, len(_TABLE), like=values)
        rows = cells.view(-1, len(MODALITIES), len(OUTPUTS))
        table = rows.double().masked_fill(~rows.any(2, keepdim=True), torch.nan).flatten(1)
        means = dict(zip((*MODALITIES, *_SIDES, *_BY_SIDE, *_TABLE), torch.cat([shares, table], 1).unbind(1)))
        return Terms(means=means | {"wrong": 1 - values})

    def _ratios(self) -> list[str]:
        return [*MODALITIES, *_SIDES, *_BY_SIDE, *_TABLE, "wrong"] if self.detail else []

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.detail:
            return {}
        above, below = torch.zeros_like(sums["mean.num"]), torch.zeros_like(sums["mean.num"])
        for asked in MODALITIES:
            (right, count), (other_right, other_count) = (
                [sums[f"{asked}_{side}.{part}"] for part in ("num", "den")] for side in _SIDES
            )
            every = count + other_count
            weight = torch.where(every > 0, every, 1)
            above = above + (right * other_count - other_right * count) / weight
            below = below + count * other_count / weight
        return {"switch_gap": torch.where(below > 0, above / torch.where(below > 0, below, 1), torch.nan)}

    def _weights(self, names: list[str], moments: Moments) -> Weights:
        """Of the gap, what each dialogue brings to the weaker side by Mantel and Haenszel's weights."""
        found = super()._weights(names, moments)
        fewest = min((self._side_weights(moments, *sides) for sides in (_SIDES, _SIDES[::-1])), key=_effective)
        is_gap = torch.tensor([name == "switch_gap" for name in names], device=self.device)
        return Weights(*(torch.where(is_gap, side, own) for side, own in zip(fewest, found)))

    def _side_weights(self, moments: Moments, side: str, other: str) -> Weights:
        """Weights of the dialogues on one side; a modality that is on this side alone brings nothing to the gap."""
        sums, share = self._named(moments.totals), torch.zeros_like(moments.totals)
        for asked in MODALITIES:
            own, rest = sums[f"{asked}_{side}.den"], sums[f"{asked}_{other}.den"]
            every = own + rest
            share[self._components.index(f"{asked}_{side}.den")] = rest / torch.where(every > 0, every, 1)
        return Weights(share @ moments.totals, share @ moments.products @ share)

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {key: value for key, value in found.items() if not key.startswith(f"{self.name}_wrong")}


def _effective(weights: Weights) -> float:
    return float(weights.effective)
