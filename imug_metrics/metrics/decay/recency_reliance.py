# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Do images fit the latest prompt and break an earlier one that should still hold?"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Labels, Links, Texts, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.decay.recency_reliance import check_fit, fitting_shares, nearest_previous
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.metrics.prompt_metric import PromptMetric

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_TABLE = ("only_latest", "kept", "only_earlier", "lost_both")
_REPEATS = ("repeats", "repeats_chance")


class RecencyReliance(PromptMetric):
    """How much more often do images fit the latest prompt than an earlier one? -1 to 1; lower is better, 0 is even.

    An image fits a prompt if it is closer to it than to every distractor, a prompt that it was not asked for, or with a
    `threshold` if their cosine reaches it; else it breaks it. The earlier prompts that should hold are those that the
    image is linked to (`links`), over which its value is a mean; in a dialogue without links it is the one before. The
    value of an image is

        (1 if it fits its own prompt, else 0) - (share that it fits of the earlier prompts)

    With few distractors an image that shows neither prompt fits one by chance, and as often the one as the other, so
    that chance cancels. The functional counterpart is `recency_reliance`. The detail adds the table behind it, four
    shares that add up to 1; the value is the first less the third,

    - `recency_reliance_only_latest`: share of images that fit their own prompt and break the earlier one
    - `recency_reliance_kept`: that fit both
    - `recency_reliance_only_earlier`: that fit the earlier prompt and break their own
    - `recency_reliance_lost_both`: that fit neither

    and beside it, of the images that have a prompt before,

    - `recency_reliance_repeats`: share whose nearest prompt of all up to their own is that of the record before: they
      answer the last question again
    - `recency_reliance_repeats_chance`: the share that would by chance, the mean of 1 / prompts; an image that shows
      everything alike is at it

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Where fewer than two
    dialogues have another value than 0, which tells no spread, the interval follows from those of the shares of
    `_only_latest` and `_only_earlier` (MOVER, Zou and Donner, Statistics in Medicine 2008). An image without a
    distractor, such as the last one of a dialogue without links, is undefined unless there are `distractors` or a
    `threshold`.

    Args:
        distractors: prompts that no image was asked for: embeddings `[M, D]`, or strings with an encoder. None: the
            later prompts of the dialogue, and in a dialogue with links also the earlier ones that the image is linked
            to neither directly nor through a chain.
        threshold: cosine from which an image fits a prompt, in place of distractors; it depends on the encoder.
        max_back: how many prompts before, and after, an image are looked at, 1 to 1000.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: 0 is the best value of all.

    Raises:
        ValueError: if an argument is outside its range, there are both distractors and a threshold, or absent images
            should count as 0.
        InputError: if distractors are no embeddings, or strings without an encoder.

    Example:
        >>> import torch
        >>> metric = RecencyReliance()
        >>> prompts = torch.eye(4)[None].expand(2, 4, 4)
        >>> metric.update(prompts.cumsum(1), prompts)  # every image shows all that was asked for so far
        >>> metric.compute()
        tensor(0., dtype=torch.float64)
        >>> metric.reset()
        >>> metric.update(prompts, prompts)  # every image shows the latest prompt alone
        >>> metric.compute()
        tensor(1., dtype=torch.float64)
    """

    name = "recency_reliance"
    description = MetricDescription(
        label="Recency",
        noun="reliance on the latest turn",
        unit="share",
        measures="share of images that fit the latest prompt less the share that fits an earlier one",
        span="-1 to 1",
        direction="lower is better; 0: both are fitted alike",
        meaning="How much more often images show what was asked last than what was asked before it.",
        misleads="What the user took back need not hold any more: give links where a turn starts anew. A model that "
        "fits no prompt at all is at 0 too: read it beside the share that fits both. Below 0 the latest prompt is the "
        "one that is missing, which is no better than 0.",
    )
    configuration = (*PromptMetric.configuration, "threshold")
    plot_lower_bound = -1.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, *_TABLE, *_REPEATS)
    limits = within((-1.0, 1.0), "mean", "turn_")

    def __init__(
        self,
        *,
        distractors: Texts | None = None,
        threshold: float | None = None,
        max_back: int = 16,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_fit(distractors, threshold)
        self.threshold = threshold
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
        """Add a batch of whole dialogues: the records of all turns, since prompts of text turns count as well.

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
        fits, held = fitting_shares(near, self._distractors(), self.threshold)
        if not self.detail:
            self._add(batch, fits - held)
            return
        possible = near.held.any(1)
        if self.threshold is None and self.distractors is None:
            possible = possible & near.others.any(1)
        table = fits * (1 - held), fits * held, (1 - fits) * held, (1 - fits) * (1 - held)
        terms = Terms(means=dict(zip(_REPEATS, nearest_previous(near))), averages=dict(zip(_TABLE, table)))
        self._add(batch, fits - held, near.expected(batch, possible), terms)

    def _ratios(self) -> list[str]:
        return [*_TABLE, *_REPEATS] if self.detail else []

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """With bounds from those of the two shares (MOVER) where too few dialogues differ to tell a spread."""
        key, ends = f"{self.name}_mean", ("", "_lower", "_upper")
        latest, earlier = ([found[f"{self.name}_{name}{end}"] for end in ends] for name in (_TABLE[0], _TABLE[2]))
        below = torch.hypot(latest[0] - latest[1], earlier[2] - earlier[0])
        above = torch.hypot(latest[2] - latest[0], earlier[0] - earlier[1])
        if found[f"{key}_lower"].isnan() and not below.isnan() and not above.isnan():
            found |= {f"{key}_lower": found[key] - below, f"{key}_upper": found[key] + above}
            found.pop(f"{key}_reason", None)
        return found
