# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The change of a quantity per turn, in parts of what it was at first."""

from __future__ import annotations

from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.stats import within_sums


def relative_change(batch: DialogueBatch, values: Tensor) -> tuple[Tensor, Tensor]:
    """Numerators and denominators `[S]` of the relative change per turn, by segment.

    With turn t and value v about their segment's means, and v_1 the first value of the segment, these are `sum t v` and
    `sum t^2 v_1`. The quotient of their sums is g where every segment changes by g times its first value at each turn,
    however large that is and however many turns there are. Where nothing changes it comes to 0 with many segments; the
    noise of a first value, which is in the numerator too, lifts the mean of a single segment's quotient above 0, and
    that of a quotient of sums over n segments in proportion to 1 / n.

    Args:
        batch: the packed dialogues.
        values: float64 `[N]`, packed; NaN where there is none.

    Returns:
        Both 0 of a segment with fewer than two values.

    Example:
        >>> from imug_metrics.dialogues.columns import score_column
        >>> from imug_metrics.dialogues.inputs import pack_inputs
        >>> inputs = pack_inputs({"costs": score_column("costs", [[10.0, 15.0], [100.0, 150.0]])})
        >>> above, below = relative_change(inputs.batch, inputs.columns["costs"])
        >>> float(above.sum() / below.sum())
        0.5
    """
    there, filled = values == values, values.nan_to_num(0)
    xy, xx = within_sums(batch.turns_from_least, filled, there, batch.offsets)
    return xy, xx * batch.sum_segments(filled * batch.is_earliest(there))
