# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is the subject still the same, or only what surrounds it: agreement of subjects, backgrounds and whole images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from imug_kernels import GramStats, paired_cosine
from torch import Tensor

from imug_metrics._constants import constant, integers
from imug_metrics.dialogues.arguments import Ids, Images, Links, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import Column, embedding_column, of_one_width
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.errors import InputError
from imug_metrics.functional.images.turn_consistency import Graph, Mode, check_mode, consistency_values, read_graph
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats.correlation import partial_z

Part = Literal["subject", "background", "whole", "gap", "swap"]
LEAKAGES = ("leakage", "leakage_within", "leakage_share")
PARTS: tuple[Part, ...] = ("subject", "background", "whole", "gap", "swap")

_OTHER_PARTS = ("background", "whole", "swapped")
_TIE = 1e-6  # of cosines, as in `turn_retrieval`
_PAIRS = ((2, 2), (1, 1), (0, 0), (2, 1), (2, 0), (1, 0))  # of subject 0, background 1, whole image 2: see `partial_z`
JOINT, WITHIN = 4 + len(_PAIRS), 2 + len(_PAIRS)  # columns of `leakage_sums`


def subject_consistency(
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
    mode: Mode = "pairwise",
    part: Part = "subject",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Cosine of each image's subject to that of other images of its dialogue; the same of background and whole image.

    | part | value of a record | needs |
    |---|---|---|
    | `subject` | cosine of the subject's region to those of the partners that `mode` names | |
    | `background` | the same of all but the subject | `background` |
    | `whole` | the same of the whole images | `whole` |
    | `gap` | `subject` less `background` | `background` |
    | `swap` | 1 where the image is closer to itself with another subject than to its partners, else 0 | `swapped` |

    Higher is more alike for the first three (-1 to 1). A gap below 0 says that the surroundings are kept better than
    the subject. A swap of 1 says that the whole-image score follows the background: it would not have noticed another
    subject. It is 1/2 where both are as close, within 1e-6.

    Args:
        images: embeddings of the subject's region, `[N, D]` or `[B, T, D]`.
        background, whole: embeddings of the same shape, of each image without its subject, and of all of it.
        swapped: embeddings of the same shape, of each whole image with another subject in place of its own.
        references: with `mode="anchor"`, embeddings of the subject in a reference image for each image, of the same
            shape; background and whole image are compared with those of the first image all the same.
        links: with `mode="graph"`, int64 `[E, 2]`: row of an image (in a padded batch b * T + t), row of the one that
            it should agree with.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        mode: what an image is compared with, as in `turn_consistency`.
        part: which score.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or values in the shape of the records; NaN where undefined. float64 on a CPU. Differentiable, but for
        `swap`.

    Raises:
        ValueError: if mode or part is unknown.
        InputError: if shapes or widths differ, turns or links are refused, or the part needs what is not given.

    Example:
        >>> cat, dog, room, beach = torch.eye(4)
        >>> images, background = torch.stack([cat, dog]), torch.stack([room, room])  # another animal in the same room
        >>> for part in ("subject", "background", "whole"):
        ...     given = {"background": background, "whole": images + 2 * background}
        ...     value = subject_consistency(images, **given, dialogue=[0, 0], turn=[1, 2], part=part)
        ...     print(part, round(value.item(), 2))
        subject 0.0
        background 1.0
        whole 0.8
    """
    check_mode(mode)
    if part not in PARTS:
        raise ValueError(f"Expected argument `part` to be one of {PARTS}, got {part!r}.")
    others = {"background": background, "whole": whole, "swapped": swapped}
    parts = {name: embedding_column(name, rows) for name, rows in others.items() if rows is not None}
    _check_needs(parts, part)
    columns = {"images": embedding_column("images", images), **with_own_widths(parts)}
    if mode == "anchor" and references is not None:
        columns["references"] = embedding_column("references", references)
    graph = graph_of(mode, links, references, columns["images"])
    checks = [] if graph is None else [graph.check()]
    inputs = pack_inputs(columns, dialogue, turn, subject, valid, lengths, checks=checks)
    if part == "subject":
        values = consistency_values(inputs, mode, graph)[0]
    else:
        scores, _ = part_scores(inputs, mode, graph)
        values = scores.swap() if part == "swap" else scores.of(part)
    return reduce_values(inputs.unpack(values), reduction)


class PartScores(NamedTuple):
    """Scores of the parts of packed images `[N]`, NaN where undefined, and what the swap test compares.

    Attributes:
        subject, background, whole: what `consistency_values` gives of each part; None: the part is not given.
        to_swapped: cosine of each whole image to itself with another subject; None: not given.
    """

    subject: Tensor
    background: Tensor | None
    whole: Tensor | None
    to_swapped: Tensor | None

    def of(self, part: Part) -> Tensor:
        """The score of a part that is given, or the gap."""
        if part == "gap":
            return self.subject - self.of("background")
        found = {"subject": self.subject, "background": self.background, "whole": self.whole}[part]
        assert found is not None
        return found

    def swap(self) -> Tensor:
        """1 where an image is closer to itself with another subject than to its partners, 1/2 where as close, else 0.

        float64 without gradient; NaN where either is undefined.
        """
        assert self.to_swapped is not None
        difference = (self.to_swapped - self.of("whole")).detach().double()
        beaten = ((difference > -_TIE).double() + (difference > _TIE).double()) / 2
        return beaten.masked_fill(difference != difference, torch.nan)


def part_scores(
    inputs: PackedInputs, mode: Mode, graph: Graph | None = None, gram: GramStats | None = None
) -> tuple[PartScores, Tensor | None]:
    """Scores of all parts among the columns `images`, `background`, `whole` and `swapped`, and which are expected.

    Args:
        inputs: packed; an image whose subject has no direction is absent, with its background and all of it.
        mode, graph, gram: as in `consistency_values`; the gram is that of the subjects.
    """
    batch, columns = inputs.batch, inputs.columns
    absent = ~has_direction(columns["images"])[:, None]
    parts = {name: rows.masked_fill(absent, torch.nan) for name, rows in columns.items() if name in _OTHER_PARTS}

    def score(part: str) -> Tensor | None:
        if part not in parts:
            return None
        return consistency_values(PackedInputs(batch, {"images": parts[part]}, inputs.shape), mode, graph)[0]

    swapped = batch.present(paired_cosine(parts["whole"], parts["swapped"])) if "swapped" in parts else None
    values, expected = consistency_values(inputs, mode, graph, gram)
    return PartScores(values, score("background"), score("whole"), swapped), expected


def graph_of(mode: Mode, links: Links | None, references: Images | None, images: Column) -> Graph | None:
    """Links between images with mode `"graph"`, else None.

    Raises:
        InputError: if there are none, or references, whose background nobody knows.
    """
    if mode != "graph":
        return None
    if references is not None:
        raise InputError("references", "to be absent with mode 'graph', whose links name images", "references")
    return read_graph(links, None, images)


def with_own_widths(parts: Mapping[str, Column]) -> dict[str, Column]:
    """Columns beside the subjects, whose embeddings need not be as wide as those; `swapped` has to be as `whole`.

    Raises:
        InputError: if `swapped` comes without `whole` or is not as wide.
    """
    pair = {name: parts[name] for name in ("whole", "swapped") if name in parts}
    if [*pair] == ["swapped"]:
        raise InputError("whole", "to be given where `swapped` is", "None")
    return {name: column._replace(width=None) for name, column in {**parts, **of_one_width(pair)}.items()}


def leakage_sums(batch: DialogueBatch, scores: PartScores) -> tuple[Tensor, Tensor]:
    """What the correlations between the scores of whole image, background and subject are made of.

    Of records that have all three: `[N, 10]`, one, the three scores, and their six squares and products; and
    `[S, 8]`, by segment one for a record, one for a segment, and the squares and products about the segment's means.
    """
    rows = torch.stack([scores.of("subject"), scores.of("background"), scores.of("whole")], 1).detach().double()
    known = (rows == rows).all(1, keepdim=True)
    rows = rows.masked_fill(~known, 0)
    plain = torch.cat([known.double(), rows], 1)
    total = batch.sum_segments(plain)
    count = total[:, :1]
    about = batch.less(rows, total[:, 1:] / count.clamp_min(1)).masked_fill(~known, 0)
    within = torch.cat([count, count.clamp_max(1), batch.sum_segments(_products(about))], 1)
    return torch.cat([plain, _products(rows)], 1), within


def leakages(joint: Sequence[Tensor], within: Sequence[Tensor]) -> dict[str, Tensor]:
    """Fisher's z of the correlations of whole image and background with the subject held fixed.

    Args:
        joint, within: totals of the columns of `leakage_sums`.

    Returns:
        `leakage`: over all records; `leakage_within`: about the means of their segments; `leakage_share`: the
        semipartial correlation over all records, whose square is what the background adds to R^2.
    """
    n, *totals = joint[:4]
    squares, count = tuple(joint[4:7]), torch.where(n > 0, n, 1)
    about = tuple(total - totals[a] * totals[b] / count for total, (a, b) in zip(joint[4:], _PAIRS))
    every = about, squares, n - 2
    return {
        "leakage": partial_z(*every),
        "leakage_within": partial_z(tuple(within[2:]), squares, within[0] - within[1] - 1),
        "leakage_share": partial_z(*every, semi=True),
    }


def _products(rows: Tensor) -> Tensor:
    """The squares and products `[N, 6]` of scores `[N, 3]`, in the order that `partial_z` takes."""
    first, second = zip(*_PAIRS)
    chosen = (constant(integers, places, like=rows) for places in (first, second))
    return rows.index_select(1, next(chosen)) * rows.index_select(1, next(chosen))


def _check_needs(columns: Mapping[str, Column], part: Part) -> None:
    needs = {"subject": [], "gap": ["background"], "swap": ["whole", "swapped"]}.get(part, [part])
    for name in needs:
        if name not in columns:
            raise InputError(name, f"to be given for the part {part!r}", "None")
