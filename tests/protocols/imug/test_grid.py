# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Boards: read and scored as the released tool recorded it, and the corrected reading of what it gets wrong."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.functional.answers.grid_accuracy import grid_points
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug import board
from imug_metrics.protocols.imug.grid import read_boards

pytest.importorskip("cv2", reason="opencv is not installed")
DATA = Path(__file__).parent / "data"
STATUS = {"OK": "found", "Grid not found": "no board", "Image read failed": "unreadable"}
COLOURS = {"1": (90, 90, 90), "r": (220, 30, 30), "g": (20, 160, 40)}
PAPER = (255, 255, 255)


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def flat(grid):
    return None if grid is None else tuple(str(cell) for row in grid for cell in row)


def assert_read_as_recorded(folder: Path, row: dict) -> None:
    read = imug.read_board(folder / row["image"])
    assert (read.status, read.cells) == (STATUS[row["status"]], flat(row["detected"])), row["image"]
    if row.get("box") is not None:
        assert list(read.box) == row["box"], row["image"]
        assert [round(mean, 3) for mean in read.fill] == row["fill_mean"], row["image"]
        for ours, recorded in ((read.red, row["red_mean"]), (read.green, row["green_mean"])):
            for mean, expected in zip(ours, recorded, strict=True):
                assert expected is None or round(mean, 3) == expected, row["image"]


def test_images_at_hand_are_read_as_recorded():
    rows = rows_of(DATA / "boards.jsonl")
    assert {row["status"] for row in rows} == {"OK", "Image read failed"}
    for row in rows:
        assert_read_as_recorded(DATA / "boards", row)


def test_all_recorded_images_are_read_as_recorded(golden):
    rows = rows_of(golden / "grid_images.jsonl")
    assert len(rows) == 168
    for row in rows:
        assert_read_as_recorded(golden / "grid", row)


def assert_points_as_recorded(row: dict) -> None:
    points = imug.board_points(flat(row["detected"]), flat(row["ground_truth"]), row["point_count"])
    assert [[place, score] for place, score in enumerate(points, 1)] == row["scores"], row


def test_points_at_hand_are_scored_as_recorded():
    for row in rows_of(DATA / "board_points.jsonl"):
        assert_points_as_recorded(row)


@pytest.mark.parametrize(("name", "count"), [("grid.jsonl", 3797), ("grid_logic.jsonl", 434)])
def test_all_recorded_points_are_scored_as_recorded(golden, name, count):
    rows = rows_of(golden / name)
    assert len(rows) == count
    detected = torch.stack([imug.board_codes(flat(row["detected"])) for row in rows])
    truth = torch.stack([imug.board_codes(flat(row["ground_truth"])) for row in rows])
    points = grid_points(detected, truth, torch.tensor([row["point_count"] for row in rows]), protocol="imug")
    for row, scores in zip(rows, points.tolist(), strict=True):
        assert [[place, score] for place, score in enumerate(scores, 1) if score == score] == row["scores"], row


def test_strict_points_are_those_of_the_task():
    assert imug.board_points(("1",) * 9, ("1",) * 9, 1, "strict") == (5,)
    assert imug.board_points(("1",) * 9, ("1",) * 9, 1, "imug") == (5, 5)
    assert imug.board_points(None, ("1",) * 9, 3, "strict") == (0, 0, 0)


def drawn(cells: str, *, side: int = 40, line: int = 1, gap: int = 5, margin: int = 12) -> np.ndarray:
    """A board with black lines on white."""
    size = 3 * side + 4 * line
    image = np.full((size + 2 * margin, size + 2 * margin, 3), 255, np.uint8)
    image[margin : margin + size, margin : margin + size] = 0
    for place, cell in enumerate(cells):
        top, left = (margin + line + step * (side + line) for step in divmod(place, 3))
        image[top : top + side, left : left + side] = PAPER
        if cell != "0":
            image[top + gap : top + side - gap, left + gap : left + side - gap] = COLOURS[cell]
    return image


def saved(folder: Path, image: np.ndarray) -> Path:
    Image.fromarray(image).save(folder / "image.png")
    return folder / "image.png"


CELLS = ["000000000", "r00g01000", "rrrrrrrrr", "11111g1r1", "0g0101r0r"]


@pytest.mark.parametrize("protocol", ["imug", "strict"])
@pytest.mark.parametrize("cells", CELLS)
def test_a_board_with_thin_lines_is_read_as_it_was_drawn(tmp_path, cells, protocol):
    assert "".join(imug.read_board(saved(tmp_path, drawn(cells)), protocol).cells) == cells


@pytest.mark.parametrize("line", [3, 5, 8])
@pytest.mark.parametrize("gap", [2, 4, 8])
@pytest.mark.parametrize("cells", CELLS)
def test_thick_lines_are_no_cells_under_strict(tmp_path, cells, line, gap):
    path = saved(tmp_path, drawn(cells, line=line, gap=gap))
    assert "".join(imug.read_board(path, "strict").cells) == cells
    if line == 5:
        assert imug.read_board(path, "imug").cells.count("0") == 0  # the official reading fills the whole frame


@pytest.mark.parametrize("line", [4, 8])
def test_cells_that_touch_thick_lines_are_told_from_paper(tmp_path, line):
    path = saved(tmp_path, drawn("rr0g10001", line=line, gap=0))
    assert "".join(imug.read_board(path, "strict").cells) == "rr0g10001"


def test_a_block_without_lines_stays_filled(tmp_path):
    image = np.full((160, 160, 3), 255, np.uint8)
    image[20:140, 20:140] = COLOURS["r"]
    assert imug.read_board(saved(tmp_path, image), "strict").cells == ("r",) * 9


@pytest.mark.parametrize("size", [32, 64, 128, 300])
@pytest.mark.parametrize("kind", ["dense", "sparse", "faint", "grey"])
def test_noise_is_a_board_for_the_official_tool_alone(tmp_path, size, kind):
    draw = np.random.default_rng(size)
    image = {
        "dense": draw.integers(0, 256, (size, size, 3)),
        "sparse": np.where(draw.random((size, size, 1)) < 0.05, 0, 255).repeat(3, 2),
        "faint": 255 - np.abs(draw.normal(0, 20, (size, size, 3))),
        "grey": draw.normal(128, 40, (size, size, 1)).repeat(3, 2),
    }[kind]
    path = saved(tmp_path, image.clip(0, 255).astype(np.uint8))
    assert imug.read_board(path, "imug").status == "found"
    assert imug.read_board(path, "strict").status == "no board"


@pytest.mark.parametrize("angle", [0, 1, 2, 4])
def test_an_empty_board_that_is_a_little_tilted_is_no_noise(tmp_path, angle):
    upright = Image.fromarray(drawn("000000000", line=2, margin=24))
    upright.rotate(angle, fillcolor=PAPER, resample=Image.Resampling.BICUBIC).save(tmp_path / "tilted.png")
    assert imug.read_board(tmp_path / "tilted.png", "strict").cells == ("0",) * 9


def test_transparent_paper_is_white_under_strict(tmp_path):
    image = drawn("r0g010001")
    alpha = np.where((image == 255).all(2), 0, 255).astype(np.uint8)
    image[alpha == 0] = 0
    path = saved(tmp_path, np.dstack([image, alpha]))
    assert "".join(imug.read_board(path, "strict").cells) == "r0g010001"
    assert imug.read_board(path, "imug").cells != imug.read_board(path, "strict").cells


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says so and whose content is one empty chunk."""
    chunks = b""
    for name, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", b""),
        (b"IEND", b""),
    ):
        chunks += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("protocol", ["imug", "strict"])
@pytest.mark.parametrize("content", [b"", b"no image", png_of_size(50_000, 50_000), png_of_size(4097, 4096)])
def test_what_cannot_or_must_not_be_decoded_is_unreadable(tmp_path, content, protocol, monkeypatch):
    if len(content) > 20:
        monkeypatch.setattr(board._opencv(), "imdecode", None)  # calling it would fail
    (tmp_path / "image.png").write_bytes(content)
    assert imug.read_board(tmp_path / "image.png", protocol) == imug.Board("unreadable")


@pytest.mark.parametrize("protocol", ["imug", "strict"])
def test_a_image_of_4096_by_4096_is_read(tmp_path, protocol):
    pixels = np.full((4096, 4096, 3), 255, np.uint8)
    for edge in (96, 1396, 2696, 3994):
        pixels[edge : edge + 2, 96:3996] = pixels[96:3996, edge : edge + 2] = 0
    pixels[1410:2680, 2710:3980] = (200, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "image.png", compress_level=1)
    assert imug.read_board(tmp_path / "image.png", protocol).cells == tuple("00000r000")


def test_without_opencv_the_error_names_the_extra(tmp_path, monkeypatch):
    board._opencv.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ModuleNotFoundError, match=r"imug_metrics\[grid\]"):
        imug.read_board(saved(tmp_path, drawn("000000000")))


def grid_sample(folder, *tasks):
    folder.samples(folder.sample(*tasks, domain="Geometric_Coloring", subdomain="cubes_coloring"))
    return folder.read_samples()[0]


def truth_lines(folder, *rows):
    folder.lines("data/grid_gt/Geometric_Coloring__cubes_coloring__1.jsonl", *rows)


def test_the_truth_is_read_by_turn_and_odd_symbols_by_the_protocol(folder):
    sample = grid_sample(folder, folder.image(1))
    grid = [["0", "r", "g"], [0, 1, "x"], ["1", "1", "0"]]
    truth_lines(folder, {"turn": "1", "grid": grid}, {"turn": 1, "grid": grid}, {"turn": 2, "grid": [["0"]]})
    boards = read_boards(folder.benchmark, sample, folder.problems)
    assert boards.read("imug") == {1: ("0", "r", "g", "1", "1", "1", "1", "1", "0")}
    assert boards.read("strict") == {}
    assert [problem.line for problem in folder.problems if problem.level == "error"] == [1, 2, 3]
    grid[1][2] = "1"
    truth_lines(folder, {"turn": 1, "grid": grid})
    assert read_boards(folder.benchmark, sample, imug.Problems()).read("strict")[1][3:6] == ("0", "1", "1")


def test_only_three_sub_domains_are_scored_by_rule(folder):
    assert imug.is_grid(grid_sample(folder, folder.image(1)))
    folder.samples(folder.sample(folder.image(1), domain="Geometric_Coloring", subdomain="shape_painting"))
    assert not imug.is_grid(folder.read_samples()[0])


def test_boards_of_a_model_are_scored_and_missing_ones_listed(folder):
    turns = [folder.image(turn, points=4) for turn in (1, 2, 3)] + [folder.text(4)]
    sample = grid_sample(folder, *turns)
    question = folder.model / "Geometric_Coloring" / "cubes_coloring" / "question_1"
    question.mkdir(parents=True)
    truth_lines(folder, *({"turn": turn, "grid": [list("r0g"), list("010"), list("001")]} for turn in (1, 2, 3, 4)))
    Image.fromarray(drawn("r0g010001")).save(question / "turn_1_output.png")
    Image.fromarray(drawn("r0g010001")).save(question / "other.png")
    (question / "turn_3_output.png").write_bytes(b"broken")
    tasks = [{"turn": 2, "model_response": "other.png"}]
    (question / "result.json").write_text(json.dumps({"tasks": tasks}))
    official = imug.grid_scores(folder.read_samples(), folder.model, "imug", folder.problems)
    assert official == {(sample.key, 1): (5.0,) * 4, (sample.key, 3): (0.0,) * 4}
    failures: list[imug.Failure] = []
    strict = imug.grid_scores(folder.read_samples(), folder.model, "strict", folder.problems, failures)
    assert strict == {(sample.key, 1): (5.0,) * 4, (sample.key, 2): (5.0,) * 4}
    assert [(failure.turn, failure.kind) for failure in failures] == [(3, "missing_image")]
