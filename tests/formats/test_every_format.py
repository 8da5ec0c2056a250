# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every format: its file is recognised by its own reader, and scores as every other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics import Record, read_records
from imug_metrics.encoders.scene.encoder import SceneEncoder
from imug_metrics.formats import READERS
from imug_metrics.formats.common.head import read_head
from tests.formats.chat_files import CHAT_FILES
from tests.formats.dialogues import source_records
from tests.formats.table_files import TABLE_FILES

FILES = {**CHAT_FILES, **TABLE_FILES}


def content(record: Record) -> Record:
    """The record with the content of its image in place of a path."""
    return replace(record, image=record.image.read_bytes()) if isinstance(record.image, Path) else record


@pytest.fixture(scope="module")
def encoder() -> SceneEncoder:
    return SceneEncoder()


@pytest.fixture(scope="module")
def expected(encoder: SceneEncoder) -> dict[str, float]:
    """Scores of the records that no file has held."""
    return imug_metrics.evaluate({"model": source_records()}, encoder=encoder).scores["model"]


@pytest.fixture(scope="module", params=FILES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Name and file of each form of each format."""
    return request.param, FILES[request.param](tmp_path_factory.mktemp(request.param))


def test_a_file_is_recognised_by_its_own_reader_and_no_other(made: tuple[str, Path]) -> None:
    name, path = made
    head = read_head(path)
    assert [reader.name for reader in READERS if reader.recognises(head)] == [name.partition(".")[0]]


def test_records_are_those_that_the_file_was_made_of(made: tuple[str, Path]) -> None:
    _, path = made
    found = read_records(path)
    assert list(found.problems) == []
    [records] = found.values()
    assert sorted(map(content, records), key=lambda record: (record.dialogue, record.turn)) == sorted(
        source_records(), key=lambda record: (record.dialogue, record.turn)
    )


def test_scores_are_equal_over_formats(
    made: tuple[str, Path], expected: dict[str, float], encoder: SceneEncoder
) -> None:
    _, path = made
    [scores] = imug_metrics.evaluate(read_records(path), encoder=encoder).scores.values()
    assert scores == pytest.approx(expected, abs=1e-12, nan_ok=True)
