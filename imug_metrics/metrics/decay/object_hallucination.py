# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a model show or mention objects that are not there?"""

from collections.abc import Callable, Mapping

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import SHARE, check_shapes
from imug_metrics.functional.decay.object_hallucination import (
    Count,
    as_columns,
    carried_counts,
    check_counting,
    compare_objects,
    object_lists,
)
from imug_metrics.functional.decay.object_lists import ObjectLists
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Ratio, Terms
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.reading.object_names import ObjectNames


class ObjectHallucination(DialogueMetric):
    """Which share of the objects in an output is not there? By turn. Range 0 to 1, lower is better, and 0 is none.

    CHAIR (Rohrbach et al. 2018, arXiv 1809.02156) over dialogues, of lists of objects that any detector, parser or
    judge has made:

        CHAIR_i = hallucinated objects / mentioned objects
        CHAIR_s = records with a hallucinated object / records

    An object is hallucinated where the record's target does not hold it. The functional counterpart is
    `object_hallucination`. `compute()` gives CHAIR_i of all records together. The detail adds

    - `_turn_k`, `_slope`: CHAIR_i of turn k, and the change per turn of each record's share, within dialogues
    - `_per_turn`: CHAIR_s, the share of records with a hallucinated object
    - `_mean`: mean of the records' own shares, 0 where a record mentions nothing
    - `_recall`: the share of target objects that are mentioned, each once a record
    - `_from_earlier`, `_invented`: of the hallucinated objects, the share that an earlier turn of the dialogue held in
      its target or its output, and the share that no earlier turn held

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. An output without
    objects is scored: it hallucinates nothing, and the slope leaves it out.

    Args:
        count: every mention of an object counts (`"mentions"`, as in the paper), or every object of a record once
            (`"objects"`).
        synonyms: by name, the name that it stands for; names are compared without case and surplus white space.
        normalize: from a folded name to the one that is compared, as of a lemmatiser; None: names are compared as they
            are, and "dogs" is no "dog".
        kwargs: those of all metrics, see `MetricOptions`; `average` concerns the primary estimate and `_mean`.
            `missing="zero"` is refused: 0 is the best share of all.

    Raises:
        ValueError: if an argument is unknown, synonyms contradict each other, or absent outputs should count as 0.

    Example:
        >>> metric = ObjectHallucination(detail=True, synonyms={"puppy": "dog"})
        >>> metric.update([[["puppy", "ball"], ["dog", "ball", "tree"]]], [[["dog", "ball"], ["dog", "grass"]]])
        >>> found = metric.compute()
        >>> [round(float(found[f"object_hallucination{end}"]), 3) for end in ("", "_per_turn", "_recall", "_invented")]
        [0.4, 0.5, 0.75, 0.5]
    """

    name = "object_hallucination"
    description = MetricDescription(
        label="Hallucinated objects",
        noun="object hallucination",
        unit="share",
        measures="hallucinated objects by mentioned objects, of all records together",
        span="0 to 1",
        direction="lower is better",
        meaning="Share of the objects in the outputs that are not among those that are there or were asked for.",
        misleads="An output that shows nothing hallucinates nothing: read it beside the recall. What the list of "
        "targets left out, or calls by another name, counts as hallucinated.",
    )
    primary = "per_object"
    higher_is_better = False
    configuration = (*DialogueMetric.configuration, "count", "synonyms", "normalize")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "per_object", "per_turn", "turn_", "recall", "from_earlier")

    def __init__(
        self,
        *,
        count: Count = "mentions",
        synonyms: Mapping[str, str] | None = None,
        normalize: Callable[[str], str] | None = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_counting(count)
        if kwargs.get("missing") == "zero":
            raise ValueError("Expected argument `missing` to be 'skip': a share of 0 is the best of all.")
        self._names = ObjectNames(synonyms, normalize)
        self.count, self.synonyms, self.normalize = count, dict(sorted((synonyms or {}).items())), normalize
        super().__init__(**kwargs)

    def update(
        self,
        preds: ObjectLists,
        target: ObjectLists,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: by record, the names of the objects that the output shows or mentions, `[N]` lists or one list of
                these a dialogue; an empty list where there are none, None where the output is absent.
            target: in the same form, the names of the objects that are there or were asked for; None where not known,
                which lowers the coverage.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, a list holds something else than names, or turns are refused.
        """
        lists = object_lists(preds, target, self._names)
        columns = as_columns(lists)
        check_shapes(**columns)
        compared = compare_objects(lists, self.count)
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths)
        batch = inputs.batch
        known = batch.present(inputs.columns["preds"]) + inputs.columns["target"]  # 0, NaN where one is not
        counts = batch.pack(compared.counts) * (known == 0)[:, None]
        wrong, said = counts[:, 0], counts[:, 1]
        primary = self._weighed(batch, wrong, said)
        terms = Terms(ratios={"per_object": primary})
        if self.detail:
            terms = self._terms(batch, counts, carried_counts(inputs, lists, compared), primary)
        self._add(batch, known + wrong / said.clamp_min(1), None, terms)

    def _terms(self, batch: DialogueBatch, counts: Tensor, carried: Tensor, primary: Ratio) -> Terms:
        """All that the detail adds."""
        wrong, said, scored, any_wrong, right, there = counts.unbind(1)
        hallucinated, mentioned, shown = batch.by_turn(counts[:, :3], self.max_turns).unbind(2)
        return Terms(
            slopes={"slope": (None, wrong / said)},
            ratios={
                "per_object": primary,
                "per_turn": (any_wrong, scored),
                "recall": (right, there),
                "from_earlier": (carried * scored, wrong),
            },
            by_segment={"turn": (hallucinated, mentioned), "shown": shown.sum(1)},
        )

    def _weighed(self, batch: DialogueBatch, wrong: Tensor, said: Tensor) -> Ratio:
        """Numerator and denominator of the primary estimate; where all dialogues weigh alike, those of one sum to 1."""
        if self.average == "record":
            return wrong, said
        total = batch.sum_dialogues(batch.sum_segments(said)).clamp_min(1)
        total = batch.spread(total[batch.owner])
        return wrong / total, said / total

    def _shown_records(self, sums: dict[str, Tensor]) -> Tensor:
        """The records themselves, since turns weigh by what is mentioned."""
        return sums["shown"]

    def _ratios(self) -> list[str]:
        return ["per_object", "per_turn", "recall", "from_earlier"]

    def _sums(self) -> list[str]:
        return ["shown"]

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        carried, invented = (f"{self.name}_{part}" for part in ("from_earlier", "invented"))
        for end, other in (("", ""), ("_lower", "_upper"), ("_upper", "_lower")):
            found[f"{invented}{end}"] = 1 - found[f"{carried}{other}"]
        if f"{carried}_reason" in found:
            found[f"{invented}_reason"] = found[f"{carried}_reason"]
        return found
