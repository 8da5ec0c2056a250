# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come in, a record comes out: files of every format are cut and changed at random places."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imug_metrics.quality import MODALITIES, Quality, item_quality
from tests.quality import items

FORMATS = {
    "text": "txt",
    "image": "PNG JPEG GIF WEBP TIFF BMP PPM",
    "audio": "WAV FLAC OGG MP3 AIFF",
    "video": "mp4 webm avi gif mpegts",
    "document": "pdf docx",
    "code": "python javascript json xml",
    "threeD": "obj ply stl off glb xyz",
}
CASES = [(modality, kind) for modality, kinds in FORMATS.items() for kind in kinds.split()]
CODECS = {"mp4": "libx264", "webm": "libvpx", "avi": "mpeg4", "mpegts": "mpeg4"}


@cache
def _valid(modality: str, kind: str) -> bytes:
    """A small file of a format."""
    if modality == "image" or kind == "gif":
        return items.image_file(items.photograph()[:40, :40], kind.upper())
    if modality == "audio":
        return items.audio_file(items.voice()[:6000], kind)
    if modality == "video":
        return items.video_file(items.clip()[:5, :32, :48], CODECS[kind], kind)
    if modality == "document":
        return items.pdf_file(image=bytes(1024)) if kind == "pdf" else items.docx_file()
    if modality == "code":
        texts = {"json": '{"a": [1, 2]}', "xml": "<a><b c='1'/></a>"}
        code = {"python": items.PROGRAM, "javascript": items.SCRIPT, **texts}[kind]
        return f"```{kind}\n{code}\n```".encode()
    if kind == "xyz":
        return b"\n".join(b"%f %f %f" % tuple(point) for point in items.cloud()[:60])
    if modality == "threeD":
        return items.model_file(items.sphere()[0], items.sphere()[1][:120], kind)
    return items.TEXT.encode()


def _is_record(quality: Quality) -> bool:
    if math.isnan(quality.value):
        return bool(quality.reason)
    return 0 <= quality.value <= 1 and not any(math.isnan(part) for part in quality.parts.values())


FUZZ = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("modality", "kind"), CASES)
@FUZZ
@given(st.data())
def test_cut_or_changed_files_leave_a_record(modality: str, kind: str, data: st.DataObject) -> None:
    content = bytearray(_valid(modality, kind))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)), label="end")
    content = content[:end]
    places = st.integers(0, max(0, min(end, 200) - 1)) | st.integers(0, max(0, end - 1))
    for place in data.draw(st.lists(places, max_size=8), label="places") if content else ():
        patch = data.draw(st.binary(min_size=1, max_size=4) | st.sampled_from([b"\xff" * 4, bytes(4), b"9" * 4]))
        content[place : place + len(patch)] = patch
    assert _is_record(item_quality(bytes(content), modality))  # type: ignore[arg-type]


@pytest.mark.parametrize("modality", MODALITIES)
@FUZZ
@given(content=st.binary(max_size=400))
def test_random_bytes_leave_a_record(modality: str, content: bytes) -> None:
    assert _is_record(item_quality(content, modality))  # type: ignore[arg-type]


@pytest.mark.parametrize("modality", ["text", "code"])
@FUZZ
@given(content=st.text(max_size=400))
def test_random_strings_leave_a_record(modality: str, content: str) -> None:
    assert _is_record(item_quality(content, modality))  # type: ignore[arg-type]


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e30, math.inf, math.nan])


@FUZZ
@given(values=st.lists(NUMBERS, min_size=1, max_size=8), scale=st.sampled_from([1.0, 0.3, 1e-4]))
def test_sounds_of_any_numbers_leave_a_record(values: list[float], scale: float) -> None:
    wave = np.resize(np.array(values, dtype=np.float32) * np.float32(scale), 3000)
    assert _is_record(item_quality((wave, 8000), "audio"))


@FUZZ
@given(values=st.lists(NUMBERS, min_size=3, max_size=90), faces=st.lists(st.integers(0, 3), max_size=30))
def test_models_of_any_numbers_leave_a_record(values: list[float], faces: list[int]) -> None:
    vertices = np.resize(np.array(values), (max(4, len(values) // 3), 3))
    triangles = np.array(faces[: len(faces) // 3 * 3], dtype=np.int64).reshape(-1, 3)
    assert _is_record(item_quality((vertices, triangles), "threeD"))


@FUZZ
@given(
    pixels=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    frames=st.integers(1, 5),
)
def test_images_and_videos_of_any_pixels_leave_a_record(pixels: np.ndarray, frames: int) -> None:
    assert _is_record(item_quality(pixels, "image"))
    assert _is_record(item_quality(np.stack([pixels] * frames), "video"))
