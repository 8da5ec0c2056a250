# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of an image from its pixels: noise, sharpness, block edges, contrast, exposure, empty areas.

No trained model is asked. What is measured is damage of the signal; a sharp, clean image of nonsense is a good one.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from einops import reduce
from PIL import Image
from scipy import ndimage

from imug_metrics.media.formats import UnreadFormatError, open_image
from imug_metrics.media.images import MAX_PIXELS, load_image
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality, read_bytes

Pixels = npt.NDArray[np.floating[Any]]

MAX_BYTES = 64 * 1024 * 1024
"""Largest image file that is opened."""

MAX_MEASURED = 2 * 1024 * 1024
"""Pixels that are measured; a larger image is first reduced by averaging."""

_BLOCK = 16
_GRIDS = range(3, 17)
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def image_quality(source: Any) -> Quality:
    """No-reference quality of an image from signal measures.

    The value is the product of eight sub-scores. With grey levels in [0, 1]:

    - ``noise``: Immerkær's standard deviation of white noise (CVIU 64, 1996), the lower quartile over blocks of 16 x 16
      pixels that are not flat, the worst channel: 0.15 scores 0, 0.01 scores 1.
    - ``blur``: share of the differences between neighbours that a nine-tap mean along the same axis leaves (after Crete
      et al., SPIE 6492, 2007), the worse axis: 0.75 scores 0, 0.45 scores 1.
    - ``blocks``: differences of neighbouring rows at the strongest position in a grid over those at the median
      position, each plus 0.001, of all grids of 3 to 16 rows the worst (after Wang, Sheikh and Bovik, ICIP 2002, who
      take the grid of 8). The better axis counts, since lines of text make a grid in one axis only. The logarithm to
      base 2 is scored: 3 scores 0, 0.3 scores 1.
    - ``lines``: mean difference of next neighbours over that of neighbours two apart, the worse axis: 1 in white noise
      and between shuffled rows, above 1 in stripes; 1.05 scores 0, 0.85 scores 1.
    - ``levels``: entropy of the histogram of 256 levels in bits, the mean of the channels: 0 scores 0.5, 5 scores 1.
    - ``contrast``: standard deviation of grey: 0.01 scores 0, 0.1 scores 1.
    - ``clipped``: share of pixels below 1/255 or above 254/255: 1 scores 0.5, 0.15 scores 1.
    - ``empty``: share of 16 x 16 blocks of one single colour: 1 scores 0.5, 0.1 scores 1.

    Args:
        source: Path or bytes of a file (first frame) of `imug_metrics.media.formats.FORMATS`, or an image in memory
            as encoders take it: a PIL image, an array uint8 ``[H, W]`` or ``[H, W, 4]``, an array or tensor
            ``[H, W, 3]`` or ``[3, H, W]``, uint8 or floating point in [0, 1].

    Returns:
        The quality in [0, 1]; 0 for a file that cannot be decoded, NaN for one that is too large or of a format that
        is not read.

    Raises:
        TypeError: If ``source`` is of another kind.
        ValueError: If an array or tensor has another shape or range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scene = np.kron(rng.integers(40, 200, (8, 8)), np.ones((23, 23))).astype(np.uint8)
        >>> noisy = np.clip(scene + rng.normal(0, 20, scene.shape), 0, 255).astype(np.uint8)
        >>> image_quality(scene).value > image_quality(noisy).value
        True
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray)):
        return as_quality(lambda: frame_quality(_decoded(read_bytes(source, MAX_BYTES))))
    return frame_quality(_pixels(source))


def frame_quality(pixels: Pixels) -> Quality:
    """Quality of decoded pixels; `image_quality` describes what is measured.

    Args:
        pixels: ``[H, W, 3]`` in [0, 1].

    Returns:
        The quality in [0, 1]; NaN for images below 16 x 16 pixels.

    Example:
        >>> frame_quality(np.zeros((32, 32, 3), dtype=np.float32)).value
        0.0
    """
    pixels = _reduced(pixels)
    if min(pixels.shape[:2]) < _BLOCK:
        return Quality(math.nan, f"The image has {pixels.shape[1]} x {pixels.shape[0]} pixels, too few to measure.")
    grey = pixels @ _GREY
    measured = {
        "noise": max(_noise(pixels[..., channel]) for channel in range(3)),
        "blur": max(_blur(grey), _blur(grey.T)),
        "blocks": min(_blocks(grey), _blocks(grey.T)),
        "lines": max(_lines(grey), _lines(grey.T)),
        "levels": sum(_entropy(pixels[..., channel]) for channel in range(3)) / 3,
        "contrast": float(grey.std(dtype=np.float64)),
        "clipped": float(np.mean((grey < 1 / 255) | (grey > 254 / 255))),
        "empty": _empty(pixels),
    }
    scores = {
        "noise": ramp(measured["noise"], 0.15, 0.01),
        "blur": ramp(measured["blur"], 0.75, 0.45),
        "blocks": ramp(math.log2(measured["blocks"]), 3.0, 0.3),
        "lines": ramp(measured["lines"], 1.05, 0.85),
        "levels": 0.5 + 0.5 * ramp(measured["levels"], 0.0, 5.0),
        "contrast": ramp(measured["contrast"], 0.01, 0.1),
        "clipped": 0.5 + 0.5 * ramp(measured["clipped"], 1.0, 0.15),
        "empty": 0.5 + 0.5 * ramp(measured["empty"], 1.0, 0.1),
    }
    return combined(measured, scores)


def _decoded(content: bytes) -> Pixels:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size is checked below, and odd metadata is no concern here
        try:
            image = open_image(io.BytesIO(content))
        except UnreadFormatError as error:
            raise UnjudgedError(f"The file is {error}.") from error
        except ValueError as error:
            if isinstance(error.__cause__, Image.DecompressionBombError):
                raise UnjudgedError("The image has too many pixels.") from error
            raise BrokenError("The file is no readable image.") from error
        if image.width * image.height > MAX_PIXELS:
            raise UnjudgedError(f"The image has {image.width} x {image.height} pixels, more than {MAX_PIXELS}.")
        if image.mode == "F":
            raise UnjudgedError("The image holds floating point numbers of unknown range.")
        try:
            return _pixels(image)
        except Exception as error:
            raise BrokenError(f"The image cannot be decoded: {error}") from error


def _pixels(source: Any) -> Pixels:
    try:
        image = load_image(source, row=0).movedim(0, -1)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("`images`", "`source`").replace(" at row 0", "")) from error
    pixels: Pixels = image.detach().cpu().numpy()
    return pixels.astype(np.float32) / 255 if pixels.dtype == np.uint8 else pixels


def _reduced(pixels: Pixels) -> Pixels:
    step = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / MAX_MEASURED))
    if step <= 1:
        return pixels
    means: Pixels = reduce(_whole_blocks(pixels, step), "(h a) (w b) c -> h w c", "mean", a=step, b=step)
    return means


def _block_means(values: Pixels) -> Pixels:
    means: Pixels = reduce(_whole_blocks(values, _BLOCK), "(h a) (w b) -> h w", "mean", a=_BLOCK, b=_BLOCK)
    return means


def _whole_blocks(values: Pixels, block: int) -> Pixels:
    height, width = (size // block * block for size in values.shape[:2])
    return values[:height, :width]


def _noise(channel: Pixels) -> float:
    second = np.array([1.0, -2.0, 1.0], dtype=np.float32)
    response = ndimage.convolve1d(ndimage.convolve1d(channel, second, axis=0), second, axis=1)
    sigma = math.sqrt(math.pi / 2) / 6 * _block_means(np.abs(response))
    textured = sigma[sigma > 1e-4]
    return float(np.percentile(textured, 25)) if textured.size else 0.0


def _blur(grey: Pixels) -> float:
    differences = np.abs(np.diff(grey, axis=0))
    left = np.abs(np.diff(ndimage.uniform_filter1d(grey, 9, axis=0), axis=0))
    total = float(differences.sum(dtype=np.float64))
    if total < 1e-5 * differences.size:
        return 1.0
    return 1 - float(np.maximum(differences - left, 0).sum(dtype=np.float64)) / total


def _blocks(grey: Pixels) -> float:
    rows = np.abs(np.diff(grey, axis=0)).mean(1, dtype=np.float64)
    strongest = 1.0
    for grid in _GRIDS:
        if len(rows) < 6 * grid:
            break
        phases = np.array([np.median(rows[phase::grid]) for phase in range(grid)])
        strongest = max(strongest, float((phases.max() + 1e-3) / (np.median(phases) + 1e-3)))
    return strongest


def _lines(grey: Pixels) -> float:
    near = float(np.abs(grey[1:] - grey[:-1]).mean(dtype=np.float64))
    far = float(np.abs(grey[2:] - grey[:-2]).mean(dtype=np.float64))
    return (near + 1e-6) / (far + 1e-6)


def _entropy(channel: Pixels) -> float:
    counts = np.bincount(np.rint(channel * 255).astype(np.int64).ravel(), minlength=256)
    shares = counts[counts > 0] / channel.size
    return float(-(shares * np.log2(shares)).sum())


def _empty(pixels: Pixels) -> float:
    blocks = _whole_blocks(pixels, _BLOCK)
    highest, lowest = (reduce(blocks, "(h a) (w b) c -> h w c", by, a=_BLOCK, b=_BLOCK) for by in ("max", "min"))
    return float(((highest - lowest).max(-1) < 1 / 512).mean())
