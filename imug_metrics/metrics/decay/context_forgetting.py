# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How much of what was asked k turns back is still seen in the image of a turn."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Labels, Links, Texts, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.functional.decay.context_forgetting import forgetting_values, margins_by_distance
from imug_metrics.functional.decay.prompt_margins import NearPrompts
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.metrics.prompt_metric import PromptMetric
from imug_metrics.stats.intervals import REASONS, UNDEFINED

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


class ContextForgetting(PromptMetric):
    r"""How much less of what was asked earlier than of what was asked last do images show? 0: nothing is forgotten.

    The margin of an image and a prompt is their cosine less the mean cosine of the image with its distractors, prompts
    that it was not asked for. With the prompt of its own turn (0 turns back) and its context, the earlier prompts that
    it should still show, the value of an image is

    .. math:: m(0) - \mathrm{mean}_{k \in C} m(k)

    Below 0 images show less of the latest prompt than of the earlier ones. Without `links` the context are all earlier
    prompts of the dialogue; in a dialogue with links, those that the image is linked to, directly or through a chain.
    Distractors are the same for all prompts of an image and cancel in its value, which needs none. The functional
    counterpart is `context_forgetting`. The detail adds

    - `context_forgetting_back_k`: mean margin of the prompts k turns back, 0 to `max_back`
    - `context_forgetting_lost_k`: how far it is below the margin of the own prompt, 1 to `max_back`; mean over the
      images that have both, so that it is one level for all k where nothing is forgotten, which `_back_k` is not
    - `context_forgetting_slope_back`: change of the margin per turn further back, within images
    - `context_forgetting_latest`, `_earlier`: mean margins of the own prompt and of the context, of the same images
    - `context_forgetting_retained`: their ratio, the share that is kept; NaN unless the margin of the own prompt is
      clearly positive (its interval is above 0)
    - `context_forgetting_linked`: mean margin of the prompts that images are linked to directly
    - `context_forgetting_slope`, `_turn_k`: how the value changes over turns

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Margins of an image
    without a distractor, such as the last one of a dialogue, are undefined.

    Args:
        distractors: prompts that no image was asked for: embeddings `[M, D]`, or strings with an encoder. None: the
            later prompts of the dialogue, and in a dialogue with links also the earlier ones that are no context.
        max_back: how many prompts before, and after, an image are looked at, 1 to 1000.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: 0 is the best value of all.

    Raises:
        ValueError: if an argument is outside its range, or absent images should count as 0.
        InputError: if distractors are no embeddings, or strings without an encoder.

    Example:
        >>> import torch
        >>> metric = ContextForgetting()
        >>> prompts = torch.eye(4)[None].expand(2, 4, 4)
        >>> metric.update(prompts.cumsum(1), prompts)  # every image shows all that was asked for so far
        >>> round(float(metric.compute()), 6)
        0.0
        >>> metric.reset()
        >>> metric.update(prompts, prompts)  # every image shows the latest prompt alone
        >>> metric.compute()
        tensor(1., dtype=torch.float64)
    """

    name = "context_forgetting"
    description = MetricDescription(
        label="Forgetting",
        noun="context forgetting",
        unit="cosine",
        measures="mean over images of the cosine with the latest prompt less that with the earlier ones",
        span="-2 to 2",
        direction="lower is better; 0: nothing is forgotten",
        meaning="How much less each image shows of what was asked at earlier turns than of what was asked last.",
        misleads="What the user took back need not be shown any more: give links where a turn starts anew. Below 0 the "
        "latest prompt is the one that is missing, which is no better than 0.",
    )
    is_differentiable = True
    limits = within((-2.0, 2.0), "mean", "turn_", "back_", "lost_", "linked", "latest", "earlier")

    def __init__(
        self,
        *,
        distractors: Texts | None = None,
        max_back: int = 16,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        super().__init__(distractors=distractors, max_back=max_back, encoder=encoder, **kwargs)

    def update(
        self,
        images: Images,
        texts: Texts,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        links: Links | None = None,
        modality: Labels | None = None,
    ) -> None:
        """Add a batch of whole dialogues: the records of all turns, since prompts of text turns are context as well.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`;
                zero, not finite or None in records without an image.
            texts: the prompts: embeddings of the same shape, or strings when there is an `encoder`.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.
            links: int64 `[E, 2]`: rows (in padded records b * T + t) of two records of a dialogue that should agree, of
                which the later builds on the earlier. Links between dialogues are left out.
            modality: what each record had to be answered with: `"text"` or `"image"` in lists, or bools that are True
                for images; those of text are expected to have no image. None: images were asked of all records.

        Raises:
            InputError: if shapes or widths differ, an encoder is missing, or turns, links or modalities are refused.
        """
        batch, near = self._near_prompts(images, texts, links, modality, dialogue, turn, None, valid, lengths)
        values = forgetting_values(near)
        if not self.detail:
            self._add(batch, values)
            return
        self._add(batch, values, near.expected(batch, near.context.any(1)), self._details(batch, near, values))

    def _details(self, batch: DialogueBatch, near: NearPrompts, values: Tensor) -> Terms:
        margins = margins_by_distance(near, batch, self._distractors())
        latest = margins.own + 0 * values  # of the images that have both
        curves = torch.cat([margins.back, margins.lost], 1)
        sums = batch.sum_segments(torch.cat([curves.nan_to_num(0), (curves == curves).to(curves)], 1))
        back, lost, has_back, has_lost = sums.view(-1, 4, near.back).unbind(1)
        return Terms(
            means={"back_0": margins.own, "linked": margins.linked},
            averages={"latest": latest, "earlier": latest - values},
            ratios={"slope_back": margins.slope},
            by_segment={"back": (back, has_back), "lost": (lost, has_lost)},
        )

    def _ratios(self) -> list[str]:
        if not self.detail:
            return []
        curves = [f"{name}_{k}" for name in ("back", "lost") for k in range(1, self.max_back + 1)]
        return ["latest", "earlier", "linked", "slope_back", "back_0", *curves]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.detail:
            return {}
        latest = sums["latest.num"]
        return {
            "retained": torch.where(latest != 0, sums["earlier.num"] / torch.where(latest != 0, latest, 1), torch.nan)
        }

    def _supports(self) -> dict[str, str]:
        return {"retained": "latest.den"}

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """A ratio to what may be 0 says nothing."""
        key = f"{self.name}_retained"
        if not found[f"{self.name}_latest_lower"] > 0:
            found |= {f"{key}{end}": torch.full_like(found[key], torch.nan) for end in ("", "_lower", "_upper")}
            found[f"{key}_reason"] = torch.full_like(found[key], REASONS.index(UNDEFINED))
        return found
