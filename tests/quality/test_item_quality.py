# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One function for all items: what it accepts, which scorers may take the place of ours, and what it needs."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.quality import MODALITIES, Quality, item_quality
from tests.quality.items import (
    PROGRAM,
    RATE,
    TEXT,
    audio_file,
    clip,
    cloud,
    docx_file,
    image_file,
    model_file,
    pdf_file,
    photograph,
    sphere,
    video_file,
    voice,
)

FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "text.md": ("text", TEXT.encode),
    "code.py": ("code", PROGRAM.encode),
    "image.png": ("image", lambda: image_file(photograph())),
    "image.webp": ("image", lambda: image_file(photograph(), "WEBP", quality=95)),
    "audio.wav": ("audio", lambda: audio_file(voice())),
    "audio.flac": ("audio", lambda: audio_file(voice(), "FLAC")),
    "audio.mp3": ("audio", lambda: audio_file(voice(), "MP3")),
    "audio.ogg": ("audio", lambda: audio_file(voice(), "OGG")),
    "video.mp4": ("video", lambda: video_file(clip())),
    "video.webm": ("video", lambda: video_file(clip(), "libvpx", "webm")),
    "video.avi": ("video", lambda: video_file(clip(), "mpeg4", "avi")),
    "video.ts": ("video", lambda: video_file(clip(), "mpeg4", "mpegts")),
    "document.pdf": ("document", pdf_file),
    "document.docx": ("document", docx_file),
    **{
        f"model.{kind}": ("threeD", lambda kind=kind: model_file(*sphere(), kind))
        for kind in ("obj", "ply", "stl", "off", "glb")
    },
    "model.xyz": ("threeD", lambda: b"\n".join(b"%f %f %f" % tuple(point) for point in cloud())),
}


@pytest.mark.parametrize("name", FILES)
def test_file_and_its_bytes_have_the_same_quality(name: str, tmp_path: Path) -> None:
    modality, make = FILES[name]
    path = tmp_path / name
    path.write_bytes(make())
    quality = item_quality(path, modality)  # type: ignore[arg-type]
    assert quality.value > 0.8
    assert quality.reason is None
    assert item_quality(make(), modality) == quality  # type: ignore[arg-type]


IN_MEMORY: dict[str, tuple[str, Callable[[], Any], Callable[[], Any]]] = {
    # the same item twice, in two forms
    "text": ("text", lambda: TEXT, TEXT.encode),
    "image-array": ("image", photograph, lambda: image_file(photograph())),
    "image-tensor": ("image", lambda: torch.from_numpy(photograph()).movedim(-1, 0), photograph),
    "image-float": ("image", lambda: torch.from_numpy(photograph()).movedim(-1, 0) / 255, photograph),
    "image-pil": ("image", lambda: Image.fromarray(photograph()), photograph),
    "audio": ("audio", lambda: (voice(), RATE), lambda: (np.stack([voice()] * 2, 1), RATE)),
    "mesh": ("threeD", sphere, lambda: tuple(part.tolist() for part in sphere())),
    "cloud": ("threeD", cloud, lambda: torch.from_numpy(cloud())),
}


@pytest.mark.parametrize("pair", IN_MEMORY)
def test_one_item_in_two_forms_has_one_quality(pair: str) -> None:
    modality, one, other = IN_MEMORY[pair]
    first, second = (item_quality(make(), modality) for make in (one, other))  # type: ignore[arg-type]
    assert first.value == pytest.approx(second.value)
    assert first.value > 0.9


@pytest.mark.parametrize("modality", MODALITIES)
def test_scorer_takes_the_place_of_ours(modality: str) -> None:
    got: list[Any] = []
    source = object()
    quality = item_quality(source, modality, scorers={modality: lambda item: got.append(item) or 0.25})  # type: ignore
    assert (quality.value, quality.reason, got) == (0.25, None, [source])


def test_scorer_may_say_why_and_leave_others_alone() -> None:
    said = Quality(0.5, "dull", {"dullness": 2.0})
    scorers = {"text": lambda _: said, "code": lambda _: math.nan}
    assert item_quality("a", "text", scorers=scorers) is said
    unknown = item_quality("a", "code", scorers=scorers)
    assert math.isnan(unknown.value)
    assert unknown.reason
    assert item_quality((voice(), RATE), "audio", scorers=scorers).value > 0.9


@pytest.mark.parametrize("value", [-0.1, 1.1, math.inf])
def test_scorer_outside_of_the_range_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match=r"results in \[0, 1\]"):
        item_quality("a", "text", scorers={"text": lambda _: value})


def test_error_of_a_scorer_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        item_quality("a", "text", scorers={"text": lambda _: 1 / 0})


def test_unknown_modalities_are_errors() -> None:
    with pytest.raises(ValueError, match="`modality` to be one of text, image"):
        item_quality("a", "smell")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`scorers` to have modalities as keys, got 'smell'"):
        item_quality("a", "text", scorers={"smell": lambda _: 1.0})


@pytest.mark.parametrize("modality", MODALITIES)
def test_other_kinds_of_objects_are_errors(modality: str) -> None:
    with pytest.raises((TypeError, ValueError), match="Expected argument"):
        item_quality({"a": 1}, modality)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("modality", "source"),
    [
        ("audio", (np.zeros((2, 2, 2)), RATE)),
        ("audio", (np.zeros(5000), 0)),
        ("video", np.zeros((5, 32, 32), np.uint8)),
        ("video", np.zeros((5, 32, 32, 3), np.float32)),
        ("image", np.full((20, 20, 3), 7.0)),
        ("threeD", np.zeros((5, 2))),
    ],
)
def test_arrays_of_other_shapes_or_ranges_are_errors(modality: str, source: Any) -> None:
    with pytest.raises(ValueError, match="Expected argument"):
        item_quality(source, modality)  # type: ignore[arg-type]


NEEDED = {
    "audio": ("soundfile", lambda: audio_file(voice())),
    "video": ("av", lambda: video_file(clip())),
    "document": ("pypdfium2", pdf_file),
    "code": ("pyflakes.checker", lambda: PROGRAM),
    "threeD": ("trimesh", lambda: model_file(*sphere(), "obj")),
}


@pytest.mark.parametrize("modality", NEEDED)
def test_missing_library_names_the_extra(modality: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library, make = NEEDED[modality]
    content = make()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imug_metrics\[quality\]'"):
        item_quality(content, modality)  # type: ignore[arg-type]
