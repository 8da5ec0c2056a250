# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics gain`: text turns by default, image turns with an encoder."""

from __future__ import annotations

import json


def test_images_are_compared_with_an_encoder_alone(command) -> None:
    folders = ("--benchmark", command.benchmark, "--a", command.outputs, "--b", command.outputs, "--model", "steady")
    assert command.run("gain", *folders) in (0, 1)
    assert "alignment" not in command.said
    assert command.encoder.seen == 0
    command.run("gain", *folders, "--encoder", "tiny", "--out", command.out)
    assert "steady: alignment of images" in command.said
    assert command.encoder.seen > 0
    overall = json.loads((command.out / "gain.json").read_text())["images"]["alignment"]["steady"]["overall"]
    assert overall["all turns"]["paired_gain"] == 0


def test_judgements_of_one_run_alone_are_refused(command) -> None:
    folders = ("--benchmark", command.benchmark, "--a", command.outputs, "--b", command.outputs)
    assert command.run("gain", *folders, "--judged-a", command.benchmark) == 2
    assert "--judged-b" in command.warned
