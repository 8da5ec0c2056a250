# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded encoder of rendered scenes, and the scenes themselves."""

from imug_metrics.encoders.scene.captions import caption, phrase
from imug_metrics.encoders.scene.encoder import SceneEncoder
from imug_metrics.encoders.scene.render import draw_object, render
from imug_metrics.encoders.scene.scenes import Scene, Thing, contradictions, sample_scene

__all__ = [
    "Scene",
    "SceneEncoder",
    "Thing",
    "caption",
    "contradictions",
    "draw_object",
    "phrase",
    "render",
    "sample_scene",
]
