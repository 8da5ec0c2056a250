# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a surface cut through itself? At bounded cost: of a large mesh only some faces are tested against all others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vertices = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int64]

MAX_BOXES = 100_000_000
"""Pairs of bounding boxes that are compared."""

MAX_PAIRS = 300_000
"""Pairs of triangles that are tested."""


def crossing_share(vertices: Vertices, faces: Faces) -> float:
    """Share of faces through which an edge of another face goes, or whose edge goes through another face.

    Faces whose bounding boxes meet are tested edge against triangle (Möller and Trumbore, J. Graphics Tools 2, 1997)
    with strict inequalities: faces that touch, share an edge or lie in one plane do not count, and of faces that share
    one vertex only the edges opposite to it are tested.

    Args:
        vertices: ``[V, 3]`` with an extent of about 1, merged where they lie at one place.
        faces: ``[F, 3]`` without degenerate ones.

    Returns:
        In [0, 1], among all faces, or among those spread evenly that the budget allows.

    Example:
        >>> import numpy as np
        >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, -1], [0.2, 0.2, 1], [1, 1, 0.5]])
        >>> crossing_share(corners, np.array([[0, 1, 2], [3, 4, 5]]))
        1.0
    """
    count = max(1, min(len(faces), MAX_BOXES // len(faces)))
    chosen = np.unique(np.linspace(0, len(faces) - 1, count).astype(np.int64))
    crossing = np.zeros(len(faces), dtype=bool)
    tested = budget = 0
    corners = vertices[faces]
    low, high = corners.min(1), corners.max(1)
    rows = max(1, MAX_PAIRS // len(faces))
    for begin in range(0, len(chosen), rows):
        part = chosen[begin : begin + rows]
        overlap = np.ones((len(part), len(faces)), dtype=bool)
        for axis in range(3):
            overlap &= low[part, None, axis] <= high[None, :, axis]
            overlap &= high[part, None, axis] >= low[None, :, axis]
        row, other = np.nonzero(overlap)
        one = part[row]
        distinct = one != other
        one, other = one[distinct], other[distinct]
        for piece in np.array_split(np.arange(len(one)), len(one) // 100_000 + 1):
            found = _cross(vertices, faces, one[piece], other[piece])
            crossing[one[piece][found]] = True
        tested += len(part)
        budget += len(one)
        if budget > MAX_PAIRS:
            break
    return float(crossing[chosen[:tested]].mean())


def _cross(vertices: Vertices, faces: Faces, one: Faces, other: Faces) -> npt.NDArray[np.bool_]:
    """Which pairs of faces cross, for pairs ``one`` and ``other`` of face numbers ``[P]``."""
    shared = (faces[one][:, :, None] == faces[other][:, None, :]).any(2)
    near = shared.sum(1) < 2
    found = np.zeros(len(one), dtype=bool)
    found[near] = _pierces(vertices, faces[one[near]], faces[other[near]])
    rest = near & ~found
    found[rest] = _pierces(vertices, faces[other[rest]], faces[one[rest]])
    return found


def _pierces(vertices: Vertices, edged: Faces, target: Faces) -> npt.NDArray[np.bool_]:
    """Whether an edge of ``edged`` goes through the inside of ``target``, both ``[P, 3]``."""
    found = np.zeros(len(edged), dtype=bool)
    origin = vertices[target[:, 0]]
    first, second = vertices[target[:, 1]] - origin, vertices[target[:, 2]] - origin
    for k in range(3):
        ends = edged[:, [k, (k + 1) % 3]]
        apart = ~(ends[:, :, None] == target[:, None, :]).any((1, 2))
        start, direction = vertices[ends[:, 0]], vertices[ends[:, 1]] - vertices[ends[:, 0]]
        across = np.cross(direction, second)
        det = (first * across).sum(1)
        scale = np.linalg.norm(direction, axis=1) * np.linalg.norm(np.cross(first, second), axis=1)
        usable = np.abs(det) > 1e-9 * scale  # not parallel
        inverse = 1 / np.where(usable, det, 1)
        from_origin = start - origin
        u = (from_origin * across).sum(1) * inverse
        turned = np.cross(from_origin, first)
        v = (direction * turned).sum(1) * inverse
        t = (second * turned).sum(1) * inverse
        small = 1e-6
        inside = (u > small) & (v > small) & (u + v < 1 - small) & (t > small) & (t < 1 - small)
        found |= apart & usable & inside
    return found
