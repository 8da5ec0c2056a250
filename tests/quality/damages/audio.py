# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a sound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import signal

from tests.quality.items import RATE, audio_file, voice


def clean() -> bytes:
    return audio_file(voice())


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _noise(strength: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x + _rng().normal(0, strength, len(x))


def _levels(bits: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.round(x * 2 ** (bits - 1)) / 2 ** (bits - 1)


def _below(frequency: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: signal.sosfilt(signal.butter(6, frequency, fs=RATE, output="sos"), x)


def _dropouts(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x)) % 4000 < 700, 0, x)


def _clicks(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[_rng().integers(0, len(x), 30)] = 0.9
    return x


def _stuck(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x)) % 5000 < 900, x[np.arange(len(x)) // 5000 * 5000], x)


def _parts(x: np.ndarray) -> np.ndarray:
    return _rng().permutation(x[: len(x) // 441 * 441].reshape(-1, 441)).ravel()


WAVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "weak-noise": _noise(0.004),
    "noise": _noise(0.02),
    "strong-noise": _noise(0.1),
    "only-noise": lambda x: _rng().normal(0, 0.1, len(x)),
    "clipped": lambda x: np.clip(x, -0.15, 0.15),
    "slightly-clipped": lambda x: np.clip(x, -0.3, 0.3),
    "amplified-until-clipped": lambda x: np.clip(6 * x, -1, 1),
    "square-wave": lambda x: np.sign(x) / 2,
    "far-too-quiet": lambda x: 0.003 * x,
    "far-too-loud": lambda x: np.clip(np.tanh(40 * x) * 0.999, -1, 1),
    "offset": lambda x: x + 0.05,
    "large-offset": lambda x: x + 0.4,
    "dropouts": _dropouts,
    "stuck": _stuck,
    "clicks": _clicks,
    "8-bits": _levels(8),
    "6-bits": _levels(6),
    "4-bits": _levels(4),
    "nothing-above-1-kHz": _below(1000),
    "nothing-above-3-kHz": _below(3000),
    "low-rate": lambda x: signal.resample_poly(signal.resample_poly(x, 1, 6), 6, 1)[: len(x)],
    "shuffled-parts": _parts,
    "nearly-all-silent": lambda x: np.where(np.arange(len(x)) < 2500, x, 0),
    "half-silent": lambda x: np.where(np.arange(len(x)) < len(x) // 2, x, 0),
    "chopped": lambda x: x * (np.arange(len(x)) % 300 < 150),
    "silence": lambda x: 0 * x,
}

FILES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda file: file[: len(file) // 2],
    "truncated-in-header": lambda file: file[:30],
    "no-signature": lambda file: bytes(4) + file[4:],
    "no-channels": lambda file: file[:22] + bytes(2) + file[24:],
    "empty": lambda file: b"",
    "random-bytes": lambda file: _rng().bytes(2000),
    "text-instead": lambda file: b"[sound of rain]",
}

DAMAGES = {name: (lambda make=make: audio_file(make(voice()))) for name, make in WAVES.items()}
DAMAGES |= {name: (lambda make=make: make(clean())) for name, make in FILES.items()}
