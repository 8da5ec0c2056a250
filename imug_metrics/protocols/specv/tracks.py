# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The six tracks of SpecV, their dimensions in the released order, and how each makes a task's score of its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Form = Literal["image", "interleaved", "text"]


@dataclass(frozen=True)
class Track:
    """One track.

    Attributes:
        name: of its folders.
        dimensions: its sub-tracks, in the order in which the released script adds them up.
        form: what a model leaves for a task: one image, texts and images in turn, or a text.
        groups: weights of the groups of items by the beginning of their names; empty: all items are one group.
        field: of an item, which names its group.
        whole: whether a score is divided by the weights of all groups, or by those of the groups that are there.
    """

    name: str
    dimensions: tuple[str, ...]
    form: Form
    groups: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    field: Literal["category", "subcategory"] = "subcategory"
    whole: bool = False

    def group(self, name: str) -> str | None:
        """The group that an item's name begins with; None: it belongs to none, and does not count.

        Example:
            >>> TRACKS["think_with_img"].group("Final Answer Correctness"), TRACKS["think_with_img"].group("Style")
            ('Final Answer', None)
        """
        return next((prefix for prefix in self.groups if name.startswith(prefix)), None)


_TRACKS = (
    Track("t2i", ("composition", "structure", "style", "text_rendering", "world_knowledge_and_reasoning"), "image"),
    Track(
        "edit",
        ("attribute", "background_and_scene", "local_obj", "reasoning_driven", "spatial_and_layout", "text_centric"),
        "image",
    ),
    Track(
        "many2one",
        ("cross_domain", "element_replacement", "three_elements_integration", "multi_subject_composition"),
        "image",
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
        {"Final Answer": 0.7, "Reasoning Quality": 0.1, "Image Quality": 0.1, "Image-Text Alignment": 0.1},
        whole=True,
    ),
    Track(
        "understanding",
        ("charxiv", "countbench", "hallusionbench", "mmbench", "mmmu"),
        "text",
        {"Final Answer Correctness": 1.0, "Process-Level Evaluation": 0.0},
        field="category",
    ),
)
TRACKS: Mapping[str, Track] = {track.name: track for track in _TRACKS}
"""The tracks by name."""
