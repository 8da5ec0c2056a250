# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs of a model compared turn by turn: answers, alignment of images, points of images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_gain
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.judged import JudgedImage, write_points
from imug_metrics.suite import Record, score_records


def colours() -> CallableEncoder:
    return CallableEncoder(
        lambda images: torch.stack([image.float().mean((1, 2)) / 255 for image in images]),
        lambda texts: torch.tensor([[float(text.count(letter) + 1) for letter in "aeo"] for text in texts]),
        name="colours",
        fingerprint="colours",
        dim=3,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark with outputs A of the steady model and outputs B of the fading one under the same name."""
    root = tmp_path_factory.mktemp("gain")
    write_demo_benchmark(root, dialogues=4, seed=3)
    shutil.copytree(root / "outputs" / "steady", root / "a" / "mine")
    shutil.copytree(root / "outputs" / "fading", root / "b" / "mine")
    return root


def images_of(runs: Path, arm: str) -> tuple[imug.Benchmark, list[Record]]:
    problems = imug.Problems()
    samples = imug.read_benchmark(runs / "benchmark", problems)
    records = imug.read_records(samples, runs / arm / "mine", problems)
    return samples, [record for record in records if record.modality == "image"]


def judge(runs: Path, arm: str, folder: Path, points: dict[int, int]) -> Path:
    """Points of all of an arm's images by turn."""
    samples, records = images_of(runs, arm)
    counts = {(sample.dialogue, task.turn): len(task.points) for sample in samples for task in sample.tasks}
    keys = {sample.dialogue: sample.key for sample in samples}
    judged = [
        JudgedImage(keys[r.dialogue], r.turn, (float(points.get(r.turn, 3)),) * counts[r.dialogue, r.turn])
        for r in records
        if counts[r.dialogue, r.turn]
    ]
    write_points(folder, "mine", judged)
    return folder


def test_without_an_encoder_only_answers_are_compared(runs: Path) -> None:
    found = evaluate_gain(runs / "benchmark", runs / "a", runs / "b")
    assert found.images == {}
    assert len(found.tables()) == 1
    assert found.gains["mine"]["overall"]["all turns"]["paired_gain_n"] > 0


def test_alignment_is_compared_image_by_image(runs: Path, tmp_path: Path) -> None:
    found = evaluate_gain(runs / "benchmark", runs / "a", runs / "b", encoder=colours())
    without = evaluate_gain(runs / "benchmark", runs / "a", runs / "b")
    assert json.dumps(found.gains) == json.dumps(without.gains), "text turns are as they are without images"
    arms = []
    for arm in "ab":
        records = images_of(runs, arm)[1]
        rows = score_records(records, model="mine", encoder=colours()).items
        arms.append({(row["dialogue"], row["turn"]): row["alignment"] for row in rows if row["alignment"] is not None})
    both = sorted(arms[0].keys() & arms[1].keys())
    gain = torch.tensor([arms[0][place] - arms[1][place] for place in both], dtype=torch.float64)
    overall = found.images["alignment"]["mine"]["overall"]["all turns"]
    assert overall["paired_gain_n"] == len(both) > 4
    assert overall["paired_gain_unpaired"] == len(arms[0].keys() ^ arms[1].keys())
    assert overall["paired_gain"] == pytest.approx(gain.mean().item(), abs=1e-6)
    assert overall["paired_gain"] != 0
    assert "mine: alignment of images" in found.table()
    written = json.loads(found.report(tmp_path).read_text("utf-8"))
    assert written["images"]["alignment"]["mine"]["overall"]["all turns"]["paired_gain_n"] == len(both)
    assert written["encoder"]["fingerprint"] == found.manifest["encoder"]["fingerprint"]


@pytest.mark.parametrize("protocol", ["strict", "imug"])
def test_points_are_compared_where_both_runs_were_judged(runs: Path, tmp_path: Path, protocol: str) -> None:
    judged = [judge(runs, "a", tmp_path / "a", {}), judge(runs, "b", tmp_path / "b", {1: 3, 2: 2, 3: 1})]
    found = evaluate_gain(
        runs / "benchmark",
        runs / "a",
        runs / "b",
        protocol=protocol,  # type: ignore[arg-type]
        judged_a=judged[0],
        judged_b=judged[1],
    )
    assert list(found.images) == ["points"]
    by_turn = found.images["points"]["mine"]["by_turn"]
    expected = {"1": 0.0, "2": 0.2, "3": 0.4}
    seen = {turn: expected[turn] for turn in expected if turn in by_turn and by_turn[turn]["paired_gain_n"]}
    assert len(seen) > 1
    for turn, gain in seen.items():
        assert by_turn[turn]["paired_gain"] == pytest.approx(gain)
    assert "mine: points of images" in found.table()


def test_judgements_are_of_both_runs_or_of_neither(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="of both outputs or of neither"):
        evaluate_gain(runs / "benchmark", runs / "a", runs / "b", judged_a=tmp_path)
    with pytest.raises(ArgumentError, match="existing folder"):
        evaluate_gain(runs / "benchmark", runs / "a", runs / "b", judged_a=tmp_path, judged_b=tmp_path / "none")


def test_an_encoder_of_images_alone_is_refused(runs: Path) -> None:
    encoder = CallableEncoder(lambda images: torch.ones(len(images), 2), name="eyes", fingerprint="eyes", dim=2)
    with pytest.raises(ArgumentError, match="embeds prompts as well, got eyes"):
        evaluate_gain(runs / "benchmark", runs / "a", runs / "b", encoder=encoder)


def test_an_image_that_cannot_be_read_is_a_problem_and_no_pair(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "b", tmp_path / "b")
    broken = sorted((tmp_path / "b").rglob("turn_*_output.png"))[0]
    broken.write_bytes(b"no image")
    whole, part = (
        evaluate_gain(runs / "benchmark", runs / "a", folder, encoder=colours())
        for folder in (runs / "b", tmp_path / "b")
    )
    counts = [one.images["alignment"]["mine"]["overall"]["all turns"]["paired_gain_n"] for one in (whole, part)]
    assert counts[1] == counts[0] - 1
    assert any(broken.name in str(problem) for problem in part.problems)
