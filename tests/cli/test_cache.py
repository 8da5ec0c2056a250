# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `cache`."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.cli import main
from imug_metrics.encoders.cache import DiskCache, Key


@pytest.fixture
def folder(tmp_path):
    cache = DiskCache(tmp_path / "cache")
    for model, count in (("steady", 3), ("copying", 2)):
        cache.put({Key(model, "image", bytes([n])): torch.ones(250) for n in range(count)})
    return cache.folder


def rows(folder):
    return {part.fingerprint: part.rows for part in DiskCache(folder).usage()}


def test_info_lists_encoders(folder, capsys):
    assert main(["cache", "info", str(folder)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "image" in line]
    assert lines == [["copying", "image", "2", "0.0"], ["steady", "image", "3", "0.0"]]


def test_clear_forgets_one_encoder_or_all(folder, capsys):
    assert main(["cache", "clear", str(folder), "--encoder", "steady"]) == 0
    assert rows(folder) == {"copying": 2}
    assert main(["cache", "clear", str(folder)]) == 0
    assert rows(folder) == {}
    assert capsys.readouterr().out == "3 rows forgotten\n2 rows forgotten\n"


def test_export_writes_a_file(folder, tmp_path, capsys):
    assert main(["cache", "export", str(folder), "--out", str(tmp_path / "rows.safetensors")]) == 0
    assert capsys.readouterr().out.startswith("5 rows written")
    assert (tmp_path / "rows.safetensors").stat().st_size > 5 * 1000


@pytest.mark.parametrize("arguments", [["info", "."], ["clear", "nowhere"], ["clear", "{}", "--encoder", "unknown"]])
def test_a_folder_or_encoder_that_is_not_there_ends_with_2(folder, arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["cache", *(argument.format(folder) for argument in arguments)]) == 2
    assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
    assert rows(folder) == {"steady": 3, "copying": 2}


def test_score_leaves_its_embeddings_to_the_next_run(command, tmp_path):
    kept = tmp_path / "kept"
    assert command.score("--cache", kept) in (0, 1)
    seen, summary = command.encoder.seen, command.json("summary.json")
    counts = {part.kind: part.rows for part in DiskCache(kept).usage()}
    assert counts["image"] == counts["pixels"] == seen
    assert counts["text"] > 0
    command.out = tmp_path / "anew"
    command.score("--cache", kept)
    assert command.encoder.seen == seen
    assert command.json("summary.json")["models"] == summary["models"]


def test_score_says_which_folder_cannot_be_a_cache(command, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert command.score("--cache", tmp_path / "file") == 2
    assert "--cache: expected a folder, " in command.warned
