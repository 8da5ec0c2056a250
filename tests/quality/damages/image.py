# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to an image."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from tests.quality.items import image_file, photograph


def clean() -> bytes:
    return image_file(photograph())


def _u8(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _noise(strength: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: _u8(x + _rng().normal(0, strength, x.shape))


def _blur(width: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: _u8(ndimage.gaussian_filter(x.astype(float), (width, width, 0)))


def _jpeg(quality: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.asarray(Image.open(io.BytesIO(image_file(x, "JPEG", quality=quality))))


def _small(factor: int, way: Image.Resampling) -> Callable[[np.ndarray], np.ndarray]:
    def shrink(x: np.ndarray) -> np.ndarray:
        image = Image.fromarray(x)
        size = (image.width // factor, image.height // factor)
        return np.asarray(image.resize(size, Image.Resampling.BOX).resize(image.size, way))

    return shrink


def _salt_and_pepper(x: np.ndarray) -> np.ndarray:
    place = _rng().random(x.shape[:2])[..., None]
    return np.where(place < 0.03, 0, np.where(place > 0.97, 255, x)).astype(np.uint8)


def _grey_below(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x))[:, None, None] > len(x) // 2, 128, x).astype(np.uint8)


def _hole(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[60:240, 90:360] = 0
    return x


def _tiles(x: np.ndarray) -> np.ndarray:
    x = x[:288, :448].reshape(18, 16, 28, 16, 3).swapaxes(1, 2).reshape(-1, 16, 16, 3)
    return _rng().permutation(x).reshape(18, 28, 16, 16, 3).swapaxes(1, 2).reshape(288, 448, 3)


PIXELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "weak-noise": _noise(8),
    "noise": _noise(25),
    "strong-noise": _noise(60),
    "salt-and-pepper": _salt_and_pepper,
    "speckle": lambda x: _u8(x * (1 + _rng().normal(0, 0.25, x.shape))),
    "few-photons": lambda x: _u8(_rng().poisson(x / 8) * 8.0),
    "blur": _blur(2),
    "strong-blur": _blur(6),
    "moved-camera": lambda x: ndimage.uniform_filter1d(x, 15, axis=1),
    "median-filter": lambda x: ndimage.median_filter(x, (7, 7, 1)),
    "jpeg-30": _jpeg(30),
    "jpeg-15": _jpeg(15),
    "jpeg-5": _jpeg(5),
    "large-pixels": lambda x: x[::4, ::4].repeat(4, 0).repeat(4, 1),
    "enlarged": _small(4, Image.Resampling.BICUBIC),
    "overexposed": lambda x: _u8(x * 2.5 + 40),
    "underexposed": lambda x: _u8(x * 0.1),
    "fog": lambda x: _u8(118 + x * 0.08),
    "few-levels": lambda x: x // 64 * 64,
    "black-and-white": lambda x: _u8((x > 128) * 255),
    "grey-lower-half": _grey_below,
    "black-rectangle": _hole,
    "striped": lambda x: np.where((np.arange(len(x)) % 2)[:, None, None], x, x // 3).astype(np.uint8),
    "shuffled-rows": lambda x: _rng().permutation(x),
    "shuffled-tiles": _tiles,
    "one-colour": lambda x: np.full_like(x, 77),
    "random-pixels": lambda x: _rng().integers(0, 256, x.shape, dtype=np.uint8),
}

FILES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda file: file[: len(file) // 2],
    "no-signature": lambda file: bytes(8) + file[8:],
    "only-signature": lambda file: file[:8],
    "broken-size": lambda file: file[:16] + b"\xff\xff\xff" + file[19:],
    "broken-checksum": lambda file: file[:300] + bytes([file[300] ^ 255]) + file[301:],
    "empty": lambda file: b"",
    "random-bytes": lambda file: _rng().bytes(2000),
    "text-instead": lambda file: b"Sorry, I cannot draw that.",
}

DAMAGES = {name: (lambda make=make: image_file(make(photograph()))) for name, make in PIXELS.items()}
DAMAGES |= {name: (lambda make=make: make(clean())) for name, make in FILES.items()}
