# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The six tracks of SpecV: their dimensions, what a model leaves for a task, and how a task's score is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from imug_metrics.errors import ArgumentError

Form = Literal["image", "interleaved", "text"]
GroupField = Literal["category", "subcategory"]


class TaskKey(NamedTuple):
    """What names a task: ids are counted anew in every track, and may be in every dimension."""

    track: str
    dimension: str
    id: str

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True)
class Track:
    """One track of the benchmark.

    Attributes:
        name: of its folders.
        dimensions: in the order of the released script, which is that of the columns.
        form: what a model leaves for a task: one image, texts and images that follow each other, or text.
        grouped_by: the field of an item that its group is read from; None: all items of a task count alike.
        weights: of the groups; an item is of the first group whose name its field begins with.
        divides_by_all: whether a task's sum is divided by the weights of all groups, or of those that it has.
    """

    name: str
    dimensions: tuple[str, ...]
    form: Form = "image"
    grouped_by: GroupField | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    divides_by_all: bool = False

    def group(self, given: str) -> str | None:
        """The group of an item, by the text of its field, or None where it is of none.

        Example:
            >>> TRACKS["think_with_img"].group("Image Quality - Visual Fidelity")
            'Image Quality'
        """
        return next((name for name in self.weights if given.startswith(name)), None)


_TRACKS = (
    Track("t2i", ("composition", "structure", "style", "text_rendering", "world_knowledge_and_reasoning")),
    Track(
        "edit",
        (
            "attribute",
            "background_and_scene",
            "local_obj",
            "reasoning_driven",
            "spatial_and_layout",
            "text_centric",
        ),
    ),
    Track(
        "many2one",
        ("cross_domain", "element_replacement", "three_elements_integration", "multi_subject_composition"),
    ),
    Track(
        "interleave",
        ("interleaved_completion", "structured_tutorial", "real_world_assistant", "reasoning_interleaved"),
        "interleaved",
    ),
    Track(
        "think_with_img",
        ("math", "physics", "maze", "jigsaw"),
        "interleaved",
        "subcategory",
        {"Final Answer": 0.7, "Reasoning Quality": 0.1, "Image Quality": 0.1, "Image-Text Alignment": 0.1},
        divides_by_all=True,
    ),
    Track(
        "understanding",
        ("charxiv", "countbench", "hallusionbench", "mmbench", "mmmu"),
        "text",
        "category",
        {"Final Answer Correctness": 1.0, "Process-Level Evaluation": 0.0},
    ),
)
TRACKS: dict[str, Track] = {track.name: track for track in _TRACKS}
"""The tracks by name."""


def find_track(name: str) -> Track:
    """The track of a name.

    Raises:
        ArgumentError: if there is none; it lists the names.
    """
    if name not in TRACKS:
        raise ArgumentError("track", f"expected one of {', '.join(TRACKS)}, got {str(name)[:80]!r}")
    return TRACKS[name]
