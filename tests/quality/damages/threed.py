# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a mesh, and to a cloud of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.quality.items import cloud, model_file, sphere

Arrays = tuple[np.ndarray, np.ndarray]


def clean_mesh() -> bytes:
    return model_file(*sphere(), "obj")


def clean_cloud() -> np.ndarray:
    return cloud()


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _some(count: int, share: float) -> np.ndarray:
    return _rng().random(count) < share


def _turned(v: np.ndarray, f: np.ndarray) -> Arrays:
    return v, np.where(_some(len(f), 0.1)[:, None], f[:, ::-1], f)


def _fins(v: np.ndarray, f: np.ndarray) -> Arrays:
    more = np.stack([f[:20, 0], f[:20, 1], np.arange(len(v), len(v) + 20)], 1)
    return np.concatenate([v, 1.2 * v[f[:20, 0]]]), np.concatenate([f, more])


def _with(v: np.ndarray, f: np.ndarray, v2: np.ndarray, f2: np.ndarray) -> Arrays:
    return np.concatenate([v, v2]), np.concatenate([f, f2 + len(v)])


def _needles(v: np.ndarray, f: np.ndarray) -> Arrays:
    thin = np.concatenate([v[f[:200, 0]], v[f[:200, 1]], v[f[:200, 0]] * (1 + 1e-3)])
    return _with(v, f, thin, np.arange(600).reshape(3, 200).T)


def _spike(v: np.ndarray, f: np.ndarray) -> Arrays:
    return np.where((np.arange(len(v)) == 7)[:, None], 8 * v, v), f


MESH: dict[str, Callable[[np.ndarray, np.ndarray], Arrays]] = {
    "small-hole": lambda v, f: (v, f[3:]),
    "half-missing": lambda v, f: (v, f[:640]),
    "faces-missing-everywhere": lambda v, f: (v, f[~_some(len(f), 0.2)]),
    "faces-turned": _turned,
    "inside-out": lambda v, f: (v, f[:, ::-1]),
    "faces-doubled": lambda v, f: (v, np.concatenate([f, f[:100]])),
    "all-faces-doubled": lambda v, f: (v, np.concatenate([f, f])),
    "faces-of-one-edge": lambda v, f: (v, np.concatenate([f, f[:80, [0, 0, 1]]])),
    "noise-on-vertices": lambda v, f: (v + _rng().normal(0, 0.1, v.shape), f),
    "shuffled-vertices": lambda v, f: (_rng().permutation(v), f),
    "random-faces": lambda v, f: (v, _rng().integers(0, len(v), f.shape)),
    "loose-triangles": lambda v, f: (v[f].reshape(-1, 3) + _rng().normal(0, 0.02, (3 * len(f), 3)), _rows(len(f))),
    "spike": _spike,
    "flattened": lambda v, f: (v * [1, 1, 0], f),
    "two-that-cut-each-other": lambda v, f: _with(v, f, v + 0.7, f),
    "turned-in-on-itself": lambda v, f: (np.where(v[:, 2:] > 0.3, v * [1, 1, -2], v), f),
    "fins": _fins,
    "needles": _needles,
    "unused-vertices": lambda v, f: (np.concatenate([v, _rng().normal(size=(300, 3))]), f),
    "one-face-left": lambda v, f: (v, f[:1]),
    "no-face-with-an-area": lambda v, f: (v, f[:, [0, 0, 1]]),
    "all-at-one-place": lambda v, f: (0 * v, f),
}

FILES: dict[str, Callable[[], bytes]] = {
    "vertex-that-is-not-there": lambda: clean_mesh() + b"\nf 1 2 99999\n",
    "not-a-number": lambda: clean_mesh().replace(b"v ", b"v nan ", 1),
    **{
        f"truncated-{kind}": (lambda kind=kind: _half(model_file(*sphere(), kind)))
        for kind in ("obj", "ply", "stl", "off", "glb")
    },
    "ply-announces-too-much": lambda: model_file(*sphere(), "ply").replace(b"vertex 642", b"vertex 99999999999"),
    "empty": lambda: b"",
    "random-bytes": lambda: _rng().bytes(2000),
    "text-instead": lambda: b"Here is a model of a chair.",
}


def _half(file: bytes) -> bytes:
    return file[: len(file) // 2]


def _rows(count: int) -> np.ndarray:
    return np.arange(3 * count).reshape(-1, 3)


MESH_DAMAGES: dict[str, Callable[[], Any]] = {name: (lambda make=make: make(*sphere())) for name, make in MESH.items()}
MESH_DAMAGES |= FILES

CLOUD: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "weak-noise": lambda p: p + _rng().normal(0, 0.05, p.shape),
    "noise": lambda p: p + _rng().normal(0, 0.2, p.shape),
    "ball-instead": lambda p: _rng().normal(size=p.shape),
    "cube-of-noise": lambda p: _rng().random(p.shape),
    "stray-points": lambda p: np.concatenate([p, _rng().uniform(-2, 2, (60, 3))]),
    "many-stray-points": lambda p: np.concatenate([p, _rng().uniform(-3, 3, (600, 3))]),
    "one-far-point": lambda p: np.concatenate([p, [[50, 0, 0]]]),
    "few-points": lambda p: p[:200],
    "very-few-points": lambda p: p[:30],
    "too-few-points": lambda p: p[:5],
    "all-doubled": lambda p: np.concatenate([p, p]),
    "some-doubled": lambda p: np.concatenate([p, p[:600]]),
    "uneven": lambda p: np.concatenate([p[:300], p[p[:, 0] > 0.5]]),
    "very-uneven": lambda p: p[p[:, 2] > 0.99].repeat(40, 0) * (1 + _rng().normal(0, 1e-3, (1, 3))),
    "rounded": lambda p: np.round(p * 4) / 4,
    "one-place": lambda p: 0 * p,
    "not-a-number": lambda p: np.where((np.arange(len(p)) == 5)[:, None], np.nan, p),
    "infinite": lambda p: np.where((np.arange(len(p)) == 5)[:, None], np.inf, p),
    "one-axis-random": lambda p: p * [1, 1, 0] + _rng().random(p.shape) * [0, 0, 1],
    "two-shells-of-noise": lambda p: p * (1 + _rng().normal(0, 0.15, (len(p), 1))),
    "holes-and-strays": lambda p: np.concatenate([p[p[:, 2] < 0.5], _rng().uniform(-2, 2, (100, 3))]),
    "empty": lambda p: p[:0],
}
CLOUD_DAMAGES: dict[str, Callable[[], Any]] = {name: (lambda make=make: make(cloud())) for name, make in CLOUD.items()}
