# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What stands for an image in files that nobody vouches for."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.formats.common import image_sources
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.reading.files import Problems
from tests.formats.dialogues import source_records

PNG = next(record.image for record in source_records() if isinstance(record.image, bytes))
TEXT = base64.b64encode(PNG).decode()
URL = f"data:image/png;base64,{TEXT}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of images, with one outside it, and links that lead out and around."""
    inner = tmp_path / "inner"
    (inner / "bilder").mkdir(parents=True)
    for path in (tmp_path / "outside.png", inner / "a.png", inner / "bilder" / "größe 1.png", inner / "a b.png"):
        path.write_bytes(PNG)
    (inner / "link.png").symlink_to(tmp_path / "outside.png")
    (inner / "within.png").symlink_to(inner / "a.png")
    (inner / "up").symlink_to(tmp_path)
    (inner / "loop.png").symlink_to(inner / "loop.png")
    return inner


def find(value: Any, root: Path | None, **members: bytes) -> tuple[Any, str]:
    problems = Problems()
    found = ImageSources(root, members).find(value, Place(Path("f.jsonl"), 1, problems), "image")
    return found, problems[0].message if problems else ""


@pytest.mark.parametrize(
    "value",
    [
        *("a.png", "./a.png", "bilder/größe 1.png", "a b.png", "within.png", "bilder/../a.png"),
        *({"url": "a.png"}, {"image_url": {"url": "a.png"}}, {"path": "a.png", "bytes": None}, {"image": "a.png"}),
        *({"type": "image", "image": {"path": "a.png"}}, {"file": "a.png"}, " a.png "),
    ],
    ids=str,
)
def test_paths_inside_the_folder_are_found(folder: Path, value: Any) -> None:
    found, problem = find(value, folder)
    assert isinstance(found, Path)
    assert (found.read_bytes(), problem) == (PNG, "")


def test_absolute_paths_and_file_urls_inside_are_found(folder: Path) -> None:
    path = folder.resolve() / "bilder" / "größe 1.png"
    for value in (str(path), path.as_uri(), f"file://localhost{path.as_uri().removeprefix('file://')}"):
        found, problem = find(value, folder)
        assert (found, problem) == (path, "")


@pytest.mark.parametrize(
    "value",
    [
        *("../outside.png", "link.png", "up/outside.png", "loop.png", "/etc/passwd", "file:///etc/passwd", "bilder"),
        *("none.png", "", "  ", "a.png\0", "x" * 5000, "~/a.png", "file://[", "file://", ".", "..", "a.png/b.png"),
        *(None, 3, True, [], {}, {"url": None}, {"url": {"url": {"url": {"url": {"url": "a.png"}}}}}, ["a.png"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_leads_out_or_nowhere_is_told(folder: Path, value: Any) -> None:
    found, problem = find(value, folder)
    assert found is None
    assert problem.startswith("expected ")


@pytest.mark.parametrize(
    "url", ["http://example.org/a.png", "https://example.org/a", "s3://b/a.png", "gs://b/a", "HTTP://x"]
)
def test_nothing_is_fetched(folder: Path, url: str) -> None:
    found, problem = find({"url": url}, folder)
    assert found is None
    assert "not fetched" in problem


@pytest.mark.parametrize(
    "value",
    [
        *(URL, {"url": URL}, {"bytes": PNG, "path": "x"}, {"b64_json": TEXT}, PNG, URL.replace("image/png", "image")),
        *({"source": {"type": "base64", "media_type": "image/png", "data": TEXT}}, {"result": TEXT}, TEXT, f" {URL}\n"),
        *(URL.replace("data:", "DATA:"), URL.replace(";base64", ";charset=utf-8;base64")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_contents_are_decoded(value: Any) -> None:
    assert find(value, None) == (PNG, "")


@pytest.mark.parametrize(
    "value",
    [
        *(
            "data:image/png;base64,",
            "data:image/png;base64,***",
            "data:image/png;base64,iVBO\nRw0K",
            "data:,x",
            "data:",
        ),
        *(
            "data:image/png;base64,iVBORw0",
            "data:image/svg+xml;utf8,<svg/>",
            "data:image/png;base64",
            b"",
            {"bytes": b""},
        ),
        *({"b64_json": "%%"}, {"data": "a.png"}, URL.replace("/", "-", 9), f"data:image/png;{'x' * 500},a"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_base64_is_strict(value: Any) -> None:
    found, problem = find(value, None)
    assert found is None
    assert problem.startswith("expected ")


def test_size_is_limited_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_sources, "MAX_IMAGE_BYTES", 300)
    assert find(URL, None) == (None, "expected an image of at most 300 bytes")


def test_members_of_an_archive_come_first(folder: Path) -> None:
    assert find("a.png", folder, **{"a.png": b"member"}) == (b"member", "")
    assert find("b.png", None, **{"a.png": b"member"})[0] is None
