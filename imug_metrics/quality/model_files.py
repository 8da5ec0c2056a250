# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of three-dimensional models to vertices and faces; what they announce is checked before it is believed."""

from __future__ import annotations

import io
import json
import logging
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from imug_metrics._optional import require
from imug_metrics.quality.source import BrokenError, File, UnjudgedError, read_bytes, suffix_of
from imug_metrics.reading.text_files import decode

MAX_BYTES = 64 * 1024 * 1024
"""Largest model file that is opened."""

MAX_FACES = 2_000_000
"""Largest number of faces, or of points, that is measured."""

_NUMBERS = re.compile(rb"\s*[-+0-9.eE]+[\s,;]+[-+0-9.eE]+[\s,;]+[-+0-9.eE]+")

Model = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


def read_model(source: File) -> Model:
    r"""Vertices and faces of a file; nothing that it refers to is opened.

    Args:
        source: Path or bytes of an OBJ, PLY, STL, OFF, GLB, glTF or XYZ file.

    Returns:
        Vertices ``[V, 3]`` and triangles ``[F, 3]``, which are empty for a cloud of points.

    Raises:
        BrokenError: If it cannot be read.
        UnjudgedError: If it is too large, refers to other files for its geometry, or is of another format.
        ModuleNotFoundError: If trimesh is not installed.

    Example:
        >>> vertices, faces = read_model(b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        >>> vertices.shape, faces.tolist()
        ((3, 3), [[0, 1, 2]])
    """
    content = read_bytes(source, MAX_BYTES)
    kind = _kind(content, suffix_of(source))
    _check(content, kind)
    trimesh = require("trimesh", extra="quality", purpose="Judging a 3D model")
    try:
        with _quiet():
            scene = trimesh.load_scene(
                io.BytesIO(content), file_type=kind, process=False, skip_materials=True, maintain_order=True
            )
            return _collected(trimesh, scene)
    except (BrokenError, UnjudgedError):
        raise
    except Exception as error:  # readers of hostile files raise nearly anything
        raise BrokenError(f"The model cannot be read: {type(error).__name__}.") from error


def _kind(content: bytes, suffix: str) -> str:
    head = content[:1024].lstrip()
    if content[:4] == b"glTF":
        return "glb"
    if head[:3] == b"ply":
        return "ply"
    if re.match(rb"(ST)?C?N?4?n?OFF\s", head):
        return "off"
    if len(content) >= 84 and len(content) == 84 + 50 * int.from_bytes(content[80:84], "little"):
        return "stl"
    if head[:5] == b"solid":
        return "stl_ascii"
    if head[:1] == b"{" and b'"asset"' in content:
        return "gltf"
    if suffix == ".obj" or re.search(rb"(^|\n)\s*v\s+[-+0-9.]", content[:65_536]):
        return "obj"
    if suffix == ".xyz" or _NUMBERS.match(content[:256]):
        return "xyz"
    if suffix in ("", ".ply", ".off", ".stl", ".glb", ".gltf"):
        raise BrokenError("The file is no readable model.")
    raise UnjudgedError(f"Models with the ending {suffix} are not read.")


def _check(content: bytes, kind: str) -> None:
    if kind == "ply":
        header = content[: content.find(b"end_header") + 1]
        counts = [int(n) for n in re.findall(rb"element\s+\S+\s+(\d{1,18})", header)]
    elif kind == "off":
        counts = [int(n) for n in re.findall(rb"\d{1,18}", content[3:256])[:3]]
    elif kind in ("glb", "gltf"):
        return _check_gltf(_gltf_header(content, kind))
    else:
        return None
    if not counts or max(counts) > len(content):  # each takes at least one byte
        raise BrokenError("The file announces more than it holds.")
    return None


def _gltf_header(content: bytes, kind: str) -> dict[str, Any]:
    try:
        if kind == "glb":
            length = struct.unpack_from("<I", content, 12)[0]
            content = content[20 : 20 + length]
        header = json.loads(decode(content))
    except (struct.error, ValueError, RecursionError) as error:
        raise BrokenError("The header of the glTF file is no JSON.") from error
    if not isinstance(header, dict):
        raise BrokenError("The header of the glTF file is no object.")
    return header


def _check_gltf(header: dict[str, Any]) -> None:
    try:
        uris = [str(buffer["uri"]) for buffer in header.get("buffers", []) if "uri" in buffer]
        counts = sum(abs(int(accessor["count"])) for accessor in header.get("accessors", []))
        children = [child for node in header.get("nodes", []) for child in node.get("children", [])]
        roots = [root for scene in header.get("scenes", []) for root in scene.get("nodes", [])]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise BrokenError("The header of the glTF file is not as it should be.") from error
    if any(not uri.startswith("data:") for uri in uris):
        raise UnjudgedError("The model lies in other files, which are not opened.")
    if counts > 20 * MAX_FACES:
        raise UnjudgedError(f"The model announces {counts} numbers, too many to be measured.")
    # Nodes that are reached twice would multiply, and circles would never end.
    if len(children) != len({str(child) for child in children}) or {str(r) for r in roots} & {str(c) for c in children}:
        raise BrokenError("The nodes of the glTF file form no tree.")


def _collected(trimesh: Any, scene: Any) -> Model:
    """All meshes of a scene in their places; points only where there are none."""
    vertices: list[npt.NDArray[np.float64]] = []
    faces: list[npt.NDArray[np.int64]] = []
    points: list[npt.NDArray[np.float64]] = []
    offset = size = 0
    for name in scene.graph.nodes_geometry:
        transform, key = scene.graph[name]
        geometry = scene.geometry[key]
        size += len(geometry.vertices) + len(getattr(geometry, "faces", ()))
        if size > 2 * MAX_FACES:
            raise UnjudgedError(f"The model has more than {MAX_FACES} faces or points.")
        placed = trimesh.transform_points(geometry.vertices, transform)
        if isinstance(geometry, trimesh.Trimesh):
            vertices.append(placed)
            faces.append(np.asarray(geometry.faces, dtype=np.int64) + offset)
            offset += len(placed)
        elif isinstance(geometry, trimesh.PointCloud):
            points.append(placed)
    if any(len(part) for part in faces):
        return np.concatenate(vertices), np.concatenate(faces)
    everything = [part for part in vertices + points if len(part)]
    return (np.concatenate(everything) if everything else np.zeros((0, 3))), np.zeros((0, 3), dtype=np.int64)


@contextmanager
def _quiet() -> Iterator[None]:
    """Readers report what they find odd to a log; the caller gets it as a record."""
    log = logging.getLogger("trimesh")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
