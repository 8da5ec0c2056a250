# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come in, a record comes out: files of every format are cut and changed at random places."""

from __future__ import annotations

import math
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imug_metrics.quality import MODALITIES, Quality, item_quality
from tests.quality.items import (
    PROGRAM,
    SCRIPT,
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
        return image_file(photograph()[:40, :40], kind.upper())
    if modality == "audio":
        return audio_file(voice()[:6000], kind)
    if modality == "video":
        return video_file(clip()[:5, :32, :48], CODECS[kind], kind)
    if modality == "document":
        return pdf_file(picture=bytes(1024)) if kind == "pdf" else docx_file()
    if modality == "code":
        code = {"python": PROGRAM, "javascript": SCRIPT, "json": '{"a": [1, 2]}', "xml": "<a><b c='1'/></a>"}[kind]
        return f"```{kind}\n{code}\n```".encode()
    if kind == "xyz":
        return b"\n".join(b"%f %f %f" % tuple(point) for point in cloud()[:60])
    return model_file(sphere()[0], sphere()[1][:120], kind) if modality == "threeD" else TEXT.encode()


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
