# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SubjectConsistency: the subject beside its surroundings, and how far whole images follow the surroundings."""

from __future__ import annotations

from imug_metrics import SubjectConsistency
from tests.metrics import cases


def _with_references(dialogue: cases.Tensor, turn: cases.Tensor) -> cases.Batch:
    return {**cases.parts_of_images(dialogue, turn), "references": cases.noise(dialogue, turn, 4)}


def _with_links(dialogue: cases.Tensor, turn: cases.Tensor) -> cases.Batch:
    return {**cases.parts_of_images(dialogue, turn), "links": cases.links(dialogue, turn)["links"]}


CASES = {
    "subjects-pairwise": cases.Case(SubjectConsistency, cases.parts_of_images),
    "subjects-references": cases.Case(lambda **k: SubjectConsistency("anchor", **k), _with_references),
    "subjects-consecutive": cases.Case(lambda **k: SubjectConsistency("consecutive", **k), cases.parts_of_images),
    "subjects-graph": cases.Case(lambda **k: SubjectConsistency("graph", **k), _with_links, rows="codes"),
    "subjects-vbench": cases.Case(lambda **k: SubjectConsistency("vbench", **k), cases.images),
}
