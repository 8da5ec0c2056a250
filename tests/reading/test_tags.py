# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Placeholders are read in every form that UniM's data and tools write, and in no other."""

from __future__ import annotations

import pytest

from imug_metrics.reading.tags import read_name, read_tags


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("<image1><image2>", ["image1", "image2"]),
        ("< Image 1 > and <IMAGE02>", ["image1", "image2"]),
        ("<image2:The image shows a door.>", ["image2"]),
        ("<audio2: [ERROR_CAPTION:Error code: 500 - {'error': None}]>", ["audio2"]),
        ("<threeD1> <threed2> <3D3> <3d4: a chair>", ["threeD1", "threeD2", "threeD3", "threeD4"]),
        ("<text1> <video1> <document1> <code1>", ["text1", "video1", "document1", "code1"]),
        ("image1, <image>, <image>1, <image-1>, <images1>, <picture1>, <image1 />, <image1", []),
        ("<code>print(1 < 2)</code> and <video src='a'>", []),
        ("<ımage1> <İmage1> <image１>", []),
        ("<image1234567890>", []),
    ],
)
def test_forms(text: str, names: list[str]) -> None:
    assert [str(tag) for tag in read_tags(text)] == names


def test_a_name_is_read_as_in_a_tag() -> None:
    assert str(read_name(" threed3 ")) == "threeD3"
    assert read_name("image") is None
    assert read_name("image1.png") is None
