# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One function for items of every modality."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

from imug_metrics.quality.result import Quality

Modality: TypeAlias = Literal["text", "image", "audio", "video", "document", "code", "threeD"]
Scorer: TypeAlias = Callable[[Any], "Quality | float"]

MODALITIES: tuple[str, ...] = get_args(Modality)
"""The seven modalities, by the names that UniM's tags give them."""

_MODULES = {"threeD": "mesh"}


def item_quality(source: Any, modality: Modality, *, scorers: Mapping[str, Scorer] | None = None) -> Quality:
    """No-reference quality of one item.

    Args:
        source: Path of a file or its content as ``bytes``. A ``str`` is the content itself for text and code, and a
            path for the other modalities. Images, samples and meshes in memory are accepted as the function of the
            modality says, such as `image_quality`.
        modality: What kind of item it is.
        scorers: Functions by modality that take the place of ours. Each gets ``source`` as it came and returns a
            number in [0, 1], NaN where it cannot judge, or a `Quality`. What they raise is not caught.

    Returns:
        The quality in [0, 1], higher is better. A broken file has quality 0, one that could not be judged NaN (it is
        missing, too large, or of a format that is not read); both say why.

    Raises:
        ValueError: If ``modality`` is unknown, or a scorer returns a number outside of [0, 1].
        TypeError: If ``source`` is of a kind that the modality does not have.
        ModuleNotFoundError: If the library that reads this kind of file is not installed.

    Example:
        >>> item_quality("The lighthouse stands on a rock. Waves break at its foot.", "text").value > 0.8
        True
        >>> item_quality("The lighthouse", "text", scorers={"text": lambda text: len(text) / 100}).value
        0.14
        >>> item_quality(b"no image", "image").reason
        'The file is no readable image.'
    """
    if modality not in MODALITIES:
        raise ValueError(f"Expected argument `modality` to be one of {', '.join(MODALITIES)}, got {modality!r}.")
    for name in scorers or ():
        if name not in MODALITIES:
            raise ValueError(f"Expected argument `scorers` to have modalities as keys, got {name!r}.")
    if scorers and modality in scorers:
        return _checked(scorers[modality](source), modality)
    module = _MODULES.get(modality, modality)
    quality: Quality = getattr(import_module(f"imug_metrics.quality.{module}"), f"{module}_quality")(source)
    return quality


def _checked(result: Quality | float, modality: str) -> Quality:
    quality = result if isinstance(result, Quality) else Quality(float(result))
    if not (math.isnan(quality.value) or 0 <= quality.value <= 1):
        raise ValueError(
            f"Expected argument `scorers` to hold functions with results in [0, 1], got {quality.value:.4g} for"
            f" {modality}."
        )
    if math.isnan(quality.value) and quality.reason is None:
        return Quality(math.nan, "The scorer gave no number.", quality.parts)
    return quality
