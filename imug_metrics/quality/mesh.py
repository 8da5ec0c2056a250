# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a three-dimensional model: a surface of triangles that closes, or a cloud of points."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from imug_metrics.quality.crossings import crossing_share
from imug_metrics.quality.model_files import read_model
from imug_metrics.quality.points import points_quality, spread
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, as_quality

Vertices = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int64]


def mesh_quality(source: Any) -> Quality:
    """No-reference quality of a mesh, or of a cloud of points where there are no faces.

    Vertices at the same place are merged first. The value is the product of the sub-scores; faces that are
    degenerate or there twice are left out of all but their own.

    - ``closed``: share of edges that belong to at least two faces: 0.5 scores 0, 1 scores 1.
    - ``manifold``: share of edges that belong to at most two faces: 0.8 scores 0, 1 scores 1.
    - ``winding``: share of edges of two faces that these run through in opposite directions: 0.5 scores 0, 1 scores
      1.
    - ``outward``: 0.5 where a closed mesh of consistent winding has a volume that is not positive, else 1.
    - ``sound``: share of faces whose area is not zero (above 1e-12 of the squared extent): 0.7 scores 0, 1 scores 1.
    - ``distinct``: share of faces that are there once: 0.7 scores 0, 1 scores 1.
    - ``slivers``: share of faces with 4 sqrt(3) area / sum of squared sides below 0.01: 0.8 scores 0, 0 scores 1.
    - ``folds``: share of edges whose two faces fold back on each other (cosine of the normals below -0.8): 0.3 scores
      0, 0 scores 1.
    - ``crossings``: share of the tested faces that cut through another one
      (`crossing_share`): 0.5 scores 0, 0 scores 1.
    - ``used``: share of vertices that some face uses: 0.2 scores 0, 1 scores 1.
    - ``spread``: extent over the extent of the middle 96 % of the vertices, the largest of the axes: 10 scores 0, 2.5
      scores 1.

    Args:
        source: Path or bytes of an OBJ, PLY, STL, OFF, GLB, glTF or XYZ file, or a pair of vertices ``[V, 3]`` and
            faces ``[F, 3]``, or points ``[V, 3]``. Materials, textures and other files are not opened.

    Returns:
        The quality in [0, 1]; 0 for a file that cannot be read, or without a single sound face; NaN for one that is too
        large, needs other files, or is of another format. Points: `points_quality`.

    Raises:
        ModuleNotFoundError: If trimesh is not installed and ``source`` is a file.
        TypeError: If ``source`` is of another kind.
        ValueError: If arrays have other shapes.

    Example:
        >>> corners = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
        >>> solid = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
        >>> mesh_quality((corners, solid)).value
        1.0
        >>> mesh_quality((corners, solid[:3])).value < 0.7
        True
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray)):
        return as_quality(lambda: _measured(*read_model(source)))
    pair = source if isinstance(source, tuple) and len(source) == 2 else (source, np.zeros((0, 3)))
    try:
        vertices, faces = np.asarray(pair[0], dtype=np.float64), np.asarray(pair[1], dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Expected argument `source` to be a path, bytes, points or (vertices, faces), got {type(source).__name__}."
        ) from error
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(
            "Expected argument `source` to hold vertices [V, 3] and faces [F, 3], got"
            f" {list(vertices.shape)} and {list(faces.shape)}."
        )
    return as_quality(lambda: _measured(vertices, faces))


def _measured(vertices: Vertices, faces: Faces) -> Quality:
    if len(vertices) == 0:
        raise BrokenError("The model is empty.")
    if not np.isfinite(vertices).all():
        raise BrokenError("The model has coordinates that are no numbers.")
    extent = float(np.ptp(vertices, axis=0).max())
    if not 0 < extent < 1e100:
        raise BrokenError("The points of the model have no extent, or one that is out of all proportion.")
    if len(faces) == 0:
        return points_quality(vertices)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise BrokenError("A face of the model names a vertex that is not there.")
    vertices = (vertices - vertices.mean(0)) / extent
    used = len(np.unique(faces)) / len(vertices)
    vertices, faces = _merged(vertices, faces)
    normals = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    sound = np.linalg.norm(normals, axis=1) > 2e-12
    if not sound.any():
        raise BrokenError("No face of the model has an area.")
    faces, normals = faces[sound], normals[sound]
    first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)[1]
    measured = {
        "vertices": float(len(vertices)),
        "faces": float(len(sound)),
        "sound": float(sound.mean()),
        "distinct": len(first) / len(faces),
        "used": used,
        "spread": spread(vertices),
    }
    first.sort()
    faces, normals = faces[first], normals[first]
    measured |= _edges(vertices, faces, normals) | {"slivers": _slivers(vertices, faces, normals)}
    measured["crossings"] = crossing_share(vertices, faces)
    return combined(measured, _scores(measured))


def _scores(measured: dict[str, float]) -> dict[str, float]:
    whole = measured["closed"] == 1 and measured["winding"] == 1
    return {
        "closed": ramp(measured["closed"], 0.5, 1.0),
        "manifold": ramp(measured["manifold"], 0.8, 1.0),
        "winding": ramp(measured["winding"], 0.5, 1.0),
        "outward": 0.5 if whole and measured["volume"] <= 1e-12 else 1.0,
        "sound": ramp(measured["sound"], 0.7, 1.0),
        "distinct": ramp(measured["distinct"], 0.7, 1.0),
        "slivers": ramp(measured["slivers"], 0.8, 0.0),
        "folds": ramp(measured["folds"], 0.3, 0.0),
        "crossings": ramp(measured["crossings"], 0.5, 0.0),
        "used": ramp(measured["used"], 0.2, 1.0),
        "spread": ramp(measured["spread"], 10.0, 2.5),
    }


def _merged(vertices: Vertices, faces: Faces) -> tuple[Vertices, Faces]:
    grid = np.round(vertices * 1e8).astype(np.int64)  # the extent is 1
    _, first, inverse = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    return vertices[first], inverse.reshape(-1)[faces]


def _edges(vertices: Vertices, faces: Faces, normals: Vertices) -> dict[str, float]:
    """What the edges say; an edge is one pair of vertices, however many faces it has."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    owner = np.tile(np.arange(len(faces)), 3)
    forward = ends[:, 0] < ends[:, 1]
    keys = ends.min(1) * len(vertices) + ends.max(1)
    order = np.argsort(keys, kind="stable")
    _, start, count = np.unique(keys[order], return_index=True, return_counts=True)
    pair = np.stack([order[start[count == 2]], order[start[count == 2] + 1]])
    unit = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    opposite = forward[pair[0]] != forward[pair[1]]
    # Where the two faces disagree on the direction, one of the normals is turned before the angle is taken.
    cosine = np.where(opposite, 1, -1) * (unit[owner[pair[0]]] * unit[owner[pair[1]]]).sum(1)
    corners = vertices[faces]
    return {
        "closed": float((count >= 2).mean()),
        "manifold": float((count <= 2).mean()),
        "winding": float(opposite.mean()) if opposite.size else 1.0,
        "folds": float((cosine < -0.8).mean()) if opposite.size else 0.0,
        "volume": float((corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() / 6),
    }


def _slivers(vertices: Vertices, faces: Faces, normals: Vertices) -> float:
    corners = vertices[faces]
    sides = (np.roll(corners, 1, axis=1) - corners) ** 2
    shape = 2 * np.sqrt(3) * np.linalg.norm(normals, axis=1) / sides.sum((1, 2))
    return float((shape < 0.01).mean())
