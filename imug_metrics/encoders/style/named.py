# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Encoders of style by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from imug_metrics.encoders.sources import check_timm, check_weights
from imug_metrics.encoders.style.filters import FilterBank
from imug_metrics.encoders.style.gram import GramEncoder
from imug_metrics.encoders.style.networks import timm_maps, vgg19_maps
from imug_metrics.errors import ArgumentError
from imug_metrics.reading.fields import nearest

MAPS = ("filters", "vgg19", "timm")
_FORMS = "gram:filters, gram:vgg19[:FILE] or gram:timm:MODEL[:FILE]"


def check_gram(maps: str) -> Callable[..., GramEncoder]:
    """What makes the encoder of Gram matrices with these feature maps, its names and files checked.

    Args:
        maps: ``filters``, ``vgg19``, ``vgg19:FILE``, ``timm:MODEL`` or ``timm:MODEL:FILE``.

    Raises:
        ArgumentError: if there are no maps of this name, or no such model or file.
    """
    kind, _, rest = maps.partition(":")
    if maps == "filters":
        return partial(GramEncoder, FilterBank(), scaling="root", name="gram:filters")
    if kind == "vgg19":
        return partial(_of_vgg19, check_weights(rest) if rest else "")
    if kind == "timm" and rest:
        model, _, weights = rest.partition(":")
        return partial(_of_timm, *check_timm(model, weights))
    near = nearest(kind, MAPS)
    hint = "" if near is None or near == kind else f"; did you mean gram:{near}?"
    raise ArgumentError("spec", f"expected {_FORMS}, got 'gram:{maps}'{hint}")


def _of_vgg19(weights: str, **options: Any) -> GramEncoder:
    return GramEncoder(vgg19_maps(weights), name="gram:vgg19", **options)


def _of_timm(model: str, weights: str, **options: Any) -> GramEncoder:
    maps, size = timm_maps(model, weights)
    return GramEncoder(maps, size=size, name=f"gram:timm:{model}", **options)
