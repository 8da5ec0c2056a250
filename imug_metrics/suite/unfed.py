# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a metric that nothing was fed to needs of records, in words."""

from __future__ import annotations

from collections.abc import Sequence

from torchmetrics import Metric

from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.metrics.decay.object_hallucination import ObjectHallucination
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.metrics.images.subject_consistency import SubjectConsistency
from imug_metrics.suite.named_scores import NamedCost, NamedScore
from imug_metrics.suite.standard import required_columns


def needed_records(metric: Metric, scores: Sequence[str] = ()) -> str:
    """The records that would feed a metric.

    Args:
        metric: any.
        scores: names of the scores that records carry; a metric of scores is fed with one under its name.

    Example:
        >>> from imug_metrics import TurnAlignment
        >>> needed_records(TurnAlignment())
        'image turns, and an encoder that embeds prompts'
    """
    if isinstance(metric, FunctionMetric):
        return "a number from its function for one record at least"
    if isinstance(metric, (NamedScore, NamedCost)):
        return f"records that carry the score {metric.name}"
    if isinstance(metric, AnswerAccuracy):
        return "text turns with a key (`target`) that it can compare"
    if isinstance(metric, ObjectHallucination):
        return "records with `objects` and records with `target_objects`"
    required = required_columns(metric)
    if required == {"scores"}:
        cure = f"; to feed it with a score that records carry, name it so: metrics={{{scores[0]!r}: ...}}"
        return "text turns with a key (`target`), whose answers it takes the scores of" + (cure if scores else "")
    if "images" not in required:
        return ", ".join(f"`{name}`" for name in sorted(required))
    with_links = " with `links`" if "links" in required else ""
    with_reference = " with a `reference`" if "references" in required else ""
    with_mask = " with a `mask` of the subject" if isinstance(metric, SubjectConsistency) else ""
    prompts = ", and an encoder that embeds prompts" if "texts" in required else ""
    return f"image turns{with_links}{with_reference}{with_mask}{prompts}"
