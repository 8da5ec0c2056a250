# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two real processes over gloo, one of them without data, score what one process scores."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay
from imug_metrics.encoders import CallableEncoder
from imug_metrics.suite import ImugSuite, Record, standard_metrics
from tests.processes import run_processes


def colours(images):
    return torch.stack([image.float().mean((1, 2)) for image in images])


def letters(texts):
    return torch.tensor([[1.0 + text.count(letter) for letter in "abc"] for text in texts])


def suites():
    """One of records and one of columns, of which some metrics are given nothing."""
    encoder = CallableEncoder(colours, letters, fingerprint="plain")
    metrics = [TurnAlignment(detail=True), TurnConsistency(detail=True), TurnDecay()]
    return ImugSuite(standard_metrics(), encoder=encoder, keep_rows=True), ImugSuite(metrics, encoder=encoder)


def feed(of_records, of_columns, dialogues, folder):
    records, shown, prompts = [], [], []
    for number in dialogues:
        paths = [folder / f"{number}-{turn}.pt" for turn in range(2 + number % 2)]
        images = [None if (number, turn) == (1, 1) else torch.load(path) for turn, path in enumerate(paths)]
        shown.append(images)
        prompts.append(["abcab"[turn : turn + 1 + number] for turn in range(len(paths))])
        records.append(Record(f"d{number}", 1, "text", "Which?", text="AB"[number % 2], target="A"))
    if dialogues:
        of_records.update(records)
        of_columns.update(images=shown, texts=prompts, dialogue=list(dialogues))


def scores(folder, rank):
    found = {}
    for split, shares in SPLITS.items():
        pair = suites()
        feed(*pair, shares[rank], folder)
        found[split] = [suite.compute() for suite in pair], len(pair[0].rows())
    return found


SPLITS = {"one without data": ([0, 1, 2, 3, 4], []), "the other": ([], [0, 1, 2, 3, 4]), "both": ([1, 3], [0, 2, 4])}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    generator = torch.Generator().manual_seed(0)
    for number in range(5):
        for turn in range(3):
            image = torch.randint(0, 256, (3, 4, 4), dtype=torch.uint8, generator=generator)
            torch.save(image, folder / f"{number}-{turn}.pt")
    return folder, run_processes(partial(scores, folder), folder)


@pytest.mark.parametrize("split", SPLITS)
def test_a_suite_on_two_processes_scores_what_one_does(results, split):
    folder, found = results
    pair = suites()
    feed(*pair, range(5), folder)
    expected = [suite.compute() for suite in pair]
    assert expected[0]["answer_accuracy"] == pytest.approx(0.6)
    assert expected[1]["turn_alignment_coverage"] == pytest.approx(11 / 12)
    for process in found:
        for scores, whole in zip(process[split][0], expected):
            assert scores == pytest.approx(whole, nan_ok=True)
    assert sum(process[split][1] for process in found) == 5, "rows are those of a process"
