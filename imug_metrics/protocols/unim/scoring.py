# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Answers scored by instance, and summed up by field, domain and difficulty with intervals by instance."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.functional.interleaved.structure_integrity import structure_integrity
from imug_metrics.functional.interleaved.tag_counts import tag_counts
from imug_metrics.metrics.instance_metric import InstanceMetric
from imug_metrics.metrics.interleaved.interleaved_coherence import InterleavedCoherence
from imug_metrics.metrics.interleaved.semantic_quality import SemanticQuality
from imug_metrics.metrics.interleaved.structure_integrity import StructureIntegrity
from imug_metrics.protocols.unim.records import Answer, Instance, Key
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tags import MODALITIES, Repeated, TextType, read_tags
from imug_metrics.suite import metric_scores

GROUPS = ("all", "field", "domain", "difficulty")
COUPLED: tuple[tuple[type[SemanticQuality] | type[InterleavedCoherence], tuple[str, str]], ...] = (
    (SemanticQuality, ("correctness", "quality")),
    (InterleavedCoherence, ("holistic", "style")),
)


@dataclass(frozen=True)
class Grades:
    """What judges and measurements say of one answer; NaN where unknown.

    Attributes:
        correctness: SC, a grade from 1 to 5.
        quality: GQ in [0, 1].
        holistic: HC, a grade from 1 to 5.
        style: SH, a grade from 1 to 5.
    """

    correctness: float = math.nan
    quality: float = math.nan
    holistic: float = math.nan
    style: float = math.nan

    def known(self, names: Iterable[str]) -> bool:
        """Whether there are all of them."""
        return not any(math.isnan(getattr(self, name)) for name in names)


@dataclass(frozen=True)
class Scored:
    """One instance with everything that is scored of it.

    Attributes:
        key, difficulty: of the instance.
        answered: whether the model has an answer.
        support: supporting rate in [0, 1], or NaN where nothing was said about what the model supports.
        counts: items of the answer by modality.
        asked: items of the reference by modality.
        strict, lenient: StS and LeS; NaN without an answer.
        grades: for SQCS and ICS.
    """

    key: Key
    difficulty: str
    answered: bool
    support: float
    counts: tuple[int, ...]
    asked: tuple[int, ...]
    strict: float
    lenient: float
    grades: Grades = Grades()

    def row(self) -> dict[str, Any]:
        """The instance as one JSON object."""
        counts = {name: dict(zip(MODALITIES, getattr(self, name))) for name in ("counts", "asked")}
        plain = {name: getattr(self, name) for name in ("difficulty", "answered", "support", "strict", "lenient")}
        return {**self.key._asdict(), **plain, **counts, **vars(self.grades)}


def score_structure(
    instances: Sequence[Instance],
    answers: Mapping[Key, Answer],
    problems: Problems,
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    need_files: bool = False,
    supported: Collection[str] | None = None,
) -> list[Scored]:
    """StS, LeS and supporting rate of every instance.

    Args:
        instances: references.
        answers: the model's, by instance.
        problems: collects the files that are missing, with `need_files`.
        repeated, text: as in `structure_integrity`.
        need_files: whether a tag counts only if its file is there.
        supported: modalities that the model can read and write; None: no supporting rates. An instance's rate is the
            share of the modalities of its question and reference that are among them, prose not counted.

    Returns:
        One entry an instance, in their order.
    """
    given = [answers.get(instance.key) for instance in instances]
    texts = [None if answer is None else answer.text for answer in given]
    available = None
    if need_files:
        available = [None if answer is None else available_items(answer, problems) for answer in given]
    options: dict[str, Any] = {"repeated": repeated, "text": text}
    counts = tag_counts(texts, available=available, **options)
    asked = tag_counts([instance.reference.text for instance in instances], **options)
    scores = structure_integrity(counts, asked, reduction="none")
    columns = (counts.tolist(), asked.tolist(), scores.strict.tolist(), scores.lenient.tolist())
    return [
        Scored(
            instance.key,
            instance.difficulty,
            answer is not None,
            _rate(instance.modalities(), supported),
            tuple(found),
            tuple(wanted),
            strict if answer is not None else math.nan,
            lenient if answer is not None else math.nan,
        )
        for instance, answer, found, wanted, strict, lenient in zip(instances, given, *columns)
    ]


def available_items(answer: Answer, problems: Problems) -> set[str]:
    """Names of an answer's items that are there: files below the outputs, and texts and code in the record itself."""
    found = set()
    for tag in dict.fromkeys(read_tags(answer.text)):
        name = str(tag)
        if answer.inline_content(name) is not None or answer.find(name) is not None:
            found.add(name)
        else:
            where = f"output.modal.{name}"
            problems.error(answer.file, answer.line, where, "expected a file below the outputs; the tag does not count")
    return found


def with_grades(scored: Sequence[Scored], grades: Mapping[Key, Grades]) -> list[Scored]:
    """The instances with the grades of their answers."""
    return [replace(entry, grades=grades.get(entry.key, Grades())) for entry in scored]


def summarize(
    scored: Sequence[Scored], *, missing: str = "skip", scale: Scale = "grade", level: float = 0.95
) -> list[dict[str, Any]]:
    """Scores of all instances, and by field, domain and difficulty.

    Args:
        scored: the instances.
        missing: what an instance without an answer counts as: `"skip"` leaves it out, `"zero"` scores 0. An answer
            that was not graded has no coupled scores in any case.
        scale: how grades become shares, as in
            `semantic_quality`.
        level: of the intervals.

    Returns:
        One dict a group: `by` (of `GROUPS`), `name`, `instances`, `answered`, and the details of the metrics that have
        a value, flat. Intervals are cut at 0 and 1.
    """
    coupled = [combine for combine in COUPLED if any(entry.grades.known(combine[1]) for entry in scored)]
    options: dict[str, Any] = {"detail": True, "missing": missing, "level": level, "max_turns": 1}
    return [
        {"by": by, "name": name, **_summary([scored[row] for row in rows], coupled, scale, options)}
        for by, name, rows in _groups(scored)
    ]


def _groups(scored: Sequence[Scored]) -> Iterator[tuple[str, str, list[int]]]:
    names: dict[str, Callable[[Scored], str]] = {
        "all": lambda entry: "all instances",
        "field": lambda entry: entry.key.field,
        "domain": lambda entry: f"{entry.key.field}/{entry.key.domain}",
        "difficulty": lambda entry: entry.difficulty,
    }
    for by in GROUPS:
        rows: dict[str, list[int]] = {}
        for row, entry in enumerate(scored):
            rows.setdefault(names[by](entry), []).append(row)
        yield from ((by, name, rows[name]) for name in sorted(rows))


def _summary(scored: Sequence[Scored], coupled: Iterable[Any], scale: Scale, options: dict[str, Any]) -> dict[str, Any]:
    valid = torch.tensor([entry.answered for entry in scored])
    place: dict[str, Any] = {"valid": valid}
    if not all(math.isnan(entry.support) for entry in scored):
        place["support"] = [entry.support for entry in scored]
    counts = [torch.tensor([getattr(entry, name) for entry in scored]) for name in ("counts", "asked")]
    fed: list[tuple[InstanceMetric, list[Any]]] = [(StructureIntegrity(**options), counts)]
    fed += [(metric(scale=scale, **options), _graded(scored, names)) for metric, names in coupled]
    found: dict[str, Any] = {"instances": len(scored), "answered": int(valid.sum())}
    for metric, columns in fed:
        metric.update(*columns, **place)
        detail = metric_scores(metric)
        found |= {key: _cut(key, value) for key, value in detail.items() if "_slope" not in key and "_turn_" not in key}
    return found


def _graded(scored: Sequence[Scored], names: tuple[str, str]) -> list[list[float]]:
    """Two columns of grades.

    NaN in the first would say that there is no answer, which may count as 0. An answer that was not graded must stay
    undefined: it has NaN in the second.
    """
    pairs = [
        (1.0, math.nan)
        if entry.answered and not entry.grades.known(names)
        else tuple(getattr(entry.grades, name) for name in names)
        for entry in scored
    ]
    return [list(column) for column in zip(*pairs)]


def _cut(key: str, value: float) -> float:
    """A bound of an interval within the range of all scores here; NaN stays."""
    if not key.endswith(("_lower", "_upper")) or math.isnan(value):
        return value
    return min(max(value, 0.0), 1.0)


def _rate(modalities: set[str], supported: Collection[str] | None) -> float:
    if supported is None:
        return math.nan
    return len(modalities & set(supported)) / len(modalities) if modalities else 1.0
