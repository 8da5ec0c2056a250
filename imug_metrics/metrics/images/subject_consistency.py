# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Consistency of the subject beside that of its surroundings, and how far whole images follow the surroundings."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from imug_kernels import GramStats, dialogue_gram
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Links, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import SHARE, Column, embedding_column, is_embedding
from imug_metrics.functional.images.subject_consistency import (
    JOINT,
    LEAKAGES,
    WITHIN,
    PartScores,
    graph_of,
    leakage_sums,
    leakages,
    part_scores,
    with_own_widths,
)
from imug_metrics.functional.images.turn_consistency import MODES, Mode, consistency_values, worst_pairs
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_choice, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder
    from imug_metrics.encoders.image_parts import PartsEncoder

_JOINT = [f"joint_{place}" for place in range(JOINT)]
_WITHIN = [f"within_{place}" for place in range(1, WITHIN + 1)]


class SubjectConsistency(EmbeddingMetric):
    """Is it still the same subject, or only the same surroundings? At most 1; higher is more alike, not always better.

    Mean over images of the cosine of their subject's region to that of other images of the dialogue (and subject), by
    the modes of `TurnConsistency`. The functional counterpart is `subject_consistency`. The detail puts the
    surroundings beside it and says how far a score of whole images would have followed them:

    - `subject_consistency_background`, `_whole`: the same of all but the subject, and of the whole images
    - `subject_consistency_gap`: subject less background, over the images that have both; below 0 the surroundings are
      kept better than the subject
    - `subject_consistency_leakage`: partial correlation of whole image and background with the subject held fixed, over
      images; `_leakage_within`: within dialogues; `_leakage_share`: the share of the variance of the whole-image score
      that the background explains beyond the subject
    - `subject_consistency_swap_rate`: share of images that resemble themselves with another subject in place of their
      own (`swapped`) more than the other images of the dialogue; 1 says that the whole-image score follows the
      background alone
    - `subject_consistency_last_vs_first`, `_worst_pair`, `_slope`: as in `TurnConsistency`, of the subject

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Dialogues of one
    image are undefined, not 1, and lower the coverage; what is not given (`background`, `whole`, `swapped`) leaves its
    estimates NaN.

    Args:
        mode: what an image is compared with: `"pairwise"`, `"anchor"`, `"consecutive"`, `"graph"` or `"vbench"`.
        encoder: an encoder of whole images, its name for `imug_metrics.encoders.load_encoder`, a `RegionEncoder`, or
            None to take embeddings only. A `RegionEncoder` finds the subject; any other sees the box or mask of each
            `ImageRegion`, the rest painted grey.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the mode is unknown.

    Example:
        >>> import torch
        >>> cat, dog, room, beach = torch.eye(4)
        >>> subjects, rooms = torch.stack([cat, dog, cat]), torch.stack([room, room, beach])
        >>> metric = SubjectConsistency("consecutive", detail=True)
        >>> metric.update(subjects[None], background=rooms[None], whole=(subjects + rooms)[None])
        >>> found = metric.compute()
        >>> [round(found[f"subject_consistency{end}"].item(), 2) for end in ("", "_background", "_whole", "_gap")]
        [0.0, 0.5, 0.25, -0.5]
    """

    name = "subject_consistency"
    description = MetricDescription(
        label="Subject consistency",
        noun="subject consistency",
        unit="cosine",
        measures="mean over the images whose subject has a partner",
        span="-1 to 1",
        direction="higher is more alike, which is not always better",
        meaning="Similarity of each image's subject with that of the other images of its dialogue.",
        misleads="Repeating one image gives the highest score of all, and what is no subject in the box or mask counts "
        "as subject: read it beside the background's score and the copy rate.",
    )
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "mode")
    plot_upper_bound = 1.0
    ranges = within((-1.0, 1.0), "mean", "turn_", "background", "whole", "last_vs_first", "worst_pair") | within(
        (-2.0, 2.0), "gap"
    )
    ranges |= within(SHARE, "swap_rate")
    fitted = MappingProxyType(dict.fromkeys(LEAKAGES, 4))  # as in Fisher's 1 / sqrt(n - 1 - 3) for one held fixed

    def __init__(
        self, mode: Mode = "pairwise", *, encoder: "Encoder | str | None" = None, **kwargs: Unpack[MetricOptions]
    ) -> None:
        check_choice("mode", mode, MODES)
        self.mode = mode
        if mode == "vbench":  # which counts opposites as unlike
            low = within(SHARE, "mean", "turn_", "background", "whole") | within((-1.0, 1.0), "gap")
            self.ranges = self.ranges | low
        super().__init__(encoder=encoder, **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it in this mode."""
        return replace(super().describe(), span="", low=0.0 if self.mode == "vbench" else -1.0, high=1.0)

    def update(
        self,
        images: Images,
        *,
        background: Images | None = None,
        whole: Images | None = None,
        swapped: Images | None = None,
        references: Images | None = None,
        links: Links | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings of the subject's region, `[N, D]` or `[B, T, D]`; or, with an `encoder`, `ImageRegion`s
                in a list or one list a dialogue (for a `RegionEncoder` that finds the subject itself also plain images,
                as for `TurnAlignment`), None for an absent one. Each is decoded once, and its background and the whole
                of it are embedded too where the detail needs them.
            background, whole: embeddings of the same shape, of each image without its subject, and of all of it; not
                needed with images.
            swapped: embeddings of the same shape, of each whole image with another subject in place of its own; with an
                `encoder` also images, such as `imug_metrics.media.subject_swap.swap_subjects` makes.
            references: with `"anchor"`, embeddings or images of the subject for each image, in the shape of `images`;
                background and whole image are compared with the first image all the same.
            links: with `"graph"`, int64 `[E, 2]`: the row of an image (in padded records b * T + t), and the row of
                the one that it should agree with.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes or widths differ, an encoder or links are missing, `swapped` comes without `whole`, or
                turns or links are refused.
        """
        others = {"background": background, "whole": whole, "swapped": swapped}
        columns = self._columns(images, references, others)
        graph = graph_of(self.mode, links, references, columns["images"])
        checks = [] if graph is None else [graph.check()]
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths, checks=checks)
        batch = inputs.batch
        if not self.detail:
            self._add(batch, *consistency_values(inputs, self.mode, graph))
            return
        gram = dialogue_gram(inputs.columns["images"], batch.offsets, batch.there)
        scores, expected = part_scores(inputs, self.mode, graph, gram)
        self._add(batch, scores.subject, expected, self._terms(batch, scores, gram))

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Correlations from Fisher's z, and the share from the square of one."""
        return found | _correlations(found, [f"{self.name}_{name}" for name in LEAKAGES])

    def _ratios(self) -> list[str]:
        return ["background", "whole", "gap", "swap_rate", "last_vs_first", "worst_pair"] if self.detail else []

    def _sums(self) -> list[str]:
        return [*_JOINT, *_WITHIN] if self.detail else []

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.detail:
            return {}
        return leakages([sums[name] for name in _JOINT], [sums[name] for name in _WITHIN])

    def _supports(self) -> dict[str, str]:
        return dict.fromkeys(LEAKAGES, _JOINT[0])

    def _columns(
        self, images: Images, references: Images | None, others: dict[str, Images | None]
    ) -> dict[str, Column]:
        """Subjects, their references, and all else of the images that the detail needs."""
        encoder = self._parts()
        encode = None if encoder is None else encoder.encode_images
        if encoder is None or is_embedding(images) or not self.detail:
            parts = {"images": embedding_column("images", images, encode)}
        else:
            parts = _encoded_parts(images, encoder)
        for name, rows in others.items() if self.detail else ():
            if rows is not None:
                of_images = None if encoder is None or name != "swapped" else encoder.encode_whole
                parts[name] = embedding_column(name, rows, of_images)
        columns = {"images": parts.pop("images"), **with_own_widths(parts)}
        if self.mode == "anchor" and references is not None:
            columns["references"] = embedding_column("references", references, encode)
        return columns

    def _parts(self) -> "PartsEncoder | None":
        """What finds subjects and embeds them, their backgrounds and whole images."""
        if self.encoder is None:
            return None
        from imug_metrics.encoders.image_parts import PartsEncoder

        return PartsEncoder(self.encoder)

    def _terms(self, batch: DialogueBatch, scores: PartScores, gram: GramStats) -> Terms:
        """Everything that stands beside the subject's score."""
        means = {"last_vs_first": gram.anchor.detach().where(batch.is_last(), torch.nan)}
        by_segment: dict[str, Any] = {"worst_pair": worst_pairs(batch, gram.min.detach())}
        sums = {}
        if scores.background is not None:
            means |= {"background": scores.background.detach(), "gap": scores.of("gap").detach()}
        if scores.whole is not None:
            means["whole"] = scores.whole.detach()
        if scores.to_swapped is not None:
            means["swap_rate"] = scores.swap()
        if scores.background is not None and scores.whole is not None:
            sums["joint"], by_segment["within"] = leakage_sums(batch, scores)
        return Terms(means, sums=sums, by_segment=by_segment)


def _encoded_parts(images: Images, encoder: "PartsEncoder") -> dict[str, Column]:
    """Embeddings of subjects, backgrounds and whole images, side by side while it is seen which images are there."""
    widths: list[int] = []

    def encode(items: Any) -> Tensor:
        parts = encoder.encode_parts(items)
        widths.extend(part.shape[1] for part in parts)
        return torch.cat(parts, 1)

    every = embedding_column("images", images, encode)
    parts = torch.split(every.values, widths, 1) if widths else [every.values] * 3
    columns = [every._replace(values=part, width=part.shape[1] if widths else 0) for part in parts]
    return dict(zip(("images", "background", "whole"), columns))


def _correlations(found: dict[str, Tensor], keys: list[str]) -> dict[str, Tensor]:
    """Correlations with their bounds in place of Fisher's z; of the last the square.

    Which of its bounds is nearer to 0 the square does not say: where they lie on either side, it begins at 0.
    """
    ends = ("", "_lower", "_upper")
    there = {f"{key}{end}": found[f"{key}{end}"].tanh() for key in keys for end in ends if f"{key}{end}" in found}
    share, lower, upper = (there.get(f"{keys[-1]}{end}") for end in ends)
    if share is None or lower is None or upper is None:
        return there
    squares = torch.stack([lower, upper]).square()
    least = squares.amin().masked_fill(lower * upper < 0, 0)
    return there | dict(zip([f"{keys[-1]}{end}" for end in ends], (share.square(), least, squares.amax())))
