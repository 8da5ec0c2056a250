# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Colours can be read and told apart, in light and in dark, with every kind of colour vision."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest

from imug_metrics.report.svg import PALETTE

GROUNDS = ("paper", "card", "wash", "warn-wash")
TEXTS = ("ink", "soft", "loss", "gain", "warn", "link")
MODELS = tuple(f"c{place}" for place in range(PALETTE))
TOLD_APART = 0.055
"""Least distance of two colours in OKLab: nearly three times what people just see."""

VISIONS = {  # Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB
    "common": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def colours(scheme: str) -> dict[str, np.ndarray]:
    """The style sheets' colours as linear RGB."""
    folder = resources.files("imug_metrics.report.pages")
    sheets = [folder.joinpath(name).read_text(encoding="utf-8") for name in ("figure.css", "style.css")]
    light, dark = "".join(sheets).split("@media (prefers-color-scheme: dark)")
    text = light if scheme == "light" else light + dark
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))
    rgb = {name: np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for name, code in found.items()}
    return {name: np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for name, c in rgb.items()}


def contrast(first: np.ndarray, second: np.ndarray) -> float:
    """As WCAG 2 defines it."""
    low, high = sorted(float(c @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)


def oklab(linear: np.ndarray) -> np.ndarray:
    """Björn Ottosson's OKLab."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    axes = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return axes @ np.cbrt(cones @ linear)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_ground(scheme: str) -> None:
    found = colours(scheme)
    close = {(t, g): contrast(found[t], found[g]) for t in TEXTS for g in GROUNDS}
    assert {pair: value for pair, value in close.items() if value < 7} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_of_models_stand_out(scheme: str) -> None:
    found = colours(scheme)
    assert min(contrast(found[m], found[g]) for m in MODELS for g in ("paper", "card")) >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_models_are_told_apart(scheme: str, vision: str) -> None:
    found = colours(scheme)
    seen = {m: oklab(np.clip(VISIONS[vision] @ found[m], 0, 1)) for m in MODELS}
    close = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(MODELS, 2)}
    assert {pair: value for pair, value in close.items() if value < TOLD_APART} == {}


def test_names_beside_lines_can_be_read() -> None:
    """In light they are the lines' colours, darkened; brightness multiplies the encoded values."""
    found = colours("light")
    [factor] = re.findall(
        r"brightness\(([.\d]+)\)", resources.files("imug_metrics.report.pages").joinpath("figure.css").read_text()
    )
    darker = {m: found[m] * float(factor) ** 2.2 for m in MODELS}  # near enough: the curve's exponent
    assert min(contrast(darker[m], found["card"]) for m in MODELS) >= 4.5
