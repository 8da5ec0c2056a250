# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of Inspect as the scorers read them, and what goes into a score's metadata and comes out of it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch

from imug_metrics import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.inspect_outputs import Measure, outputs_of, packed, read_sample, score_metadata, unpacked

MEASURE = Measure("answer_accuracy", (0.0, 1.0))


def sample(metadata: dict[str, Any], *said: str, **more: Any) -> dict[str, Any]:
    """A sample whose messages are of the user and of the model in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": text} for number, text in enumerate(said)]
    return {"id": 7, "messages": messages, "target": ["B"], "metadata": metadata, **more}


def test_a_sample_is_the_turn_that_its_metadata_name() -> None:
    history = ("Which? A. red B. blue", "A", "And now? A. one B. two", "B")
    [record], problems = read_sample(sample({"dialogue": "a", "turn": 2, "domain": "cups"}, *history))
    assert (record.dialogue, record.turn, record.text, record.target) == ("a", 2, "B", "B")
    assert (record.options, record.groups, problems) == ({"A": "one", "B": "two"}, {"domain": "cups"}, [])


def test_a_sample_that_names_no_turn_is_a_whole_dialogue() -> None:
    said = ("Which?", "A", "And now?", "B")
    records, _ = read_sample(sample({}, *said, target=["A", "C"]))
    assert [(record.dialogue, record.turn, record.target) for record in records] == [("7", 1, "A"), ("7", 2, "C")]
    [record], _ = read_sample(sample({"dialogue": "a"}, "Which?", "B"))
    assert (record.dialogue, record.turn) == ("a", 1)


@pytest.mark.parametrize(("metadata", "missing"), [({}, "dialogue"), ({"turn": 2}, "dialogue")])
def test_a_sample_without_its_place_says_what_to_set(metadata, missing) -> None:
    with pytest.raises(ArgumentError, match=f"`{missing}`: expected in the metadata of sample 7: let the task write"):
        read_sample(sample(metadata, "Which?", "B"))


def test_a_sample_that_is_no_dialogue_says_why() -> None:
    with pytest.raises(ArgumentError, match=r"sample 7: metadata\.turn: expected a turn from 1 to 1024, got 'x'"):
        read_sample(sample({"dialogue": "a", "turn": "x"}, "Which?", "B"))
    with pytest.raises(ArgumentError, match="add 1 to every turn"):
        read_sample(sample({"dialogue": "a", "turn": 0}, "Which?", "B"))
    with pytest.raises(ArgumentError, match="expected a message of the user, found none"):
        read_sample(sample({"dialogue": "a"}, messages=[{"role": "system", "content": "Hi"}]))


@pytest.mark.parametrize("image", ["https://example.org/cat.png", "/etc/passwd", "cat.png", "../cat.png"])
def test_no_image_is_fetched_and_no_path_is_followed(image) -> None:
    shown = [{"type": "image", "image": image}]
    messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": shown}]
    [record], [problem] = read_sample({"id": 7, "messages": messages, "metadata": {"dialogue": "a", "turn": 1}})
    assert (record.modality, record.image) == ("image", None)
    assert problem.startswith("sample 7: messages[1].content[0]")


def test_images_of_a_named_folder_are_found_and_none_beside_it(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for path in (tmp_path / "in" / "cat.png", tmp_path / "dog.png"):
        path.write_bytes(b"image")
    for name, found in {"cat.png": tmp_path / "in" / "cat.png", "../dog.png": None}.items():
        shown = [{"type": "image", "image": name}]
        messages = [{"role": "user", "content": "Draw."}, {"role": "assistant", "content": shown}]
        read = {"id": 7, "messages": messages, "metadata": {"dialogue": "a", "turn": 1}}
        [record], _ = read_sample(read, tmp_path / "in")
        assert record.image == found


def test_outputs_come_back_from_plain_json() -> None:
    records = [
        Record("a", 1, "text", "Which?", text="B", target="B", subject="cat", groups={"domain": "x"}),
        Record("a", 2, "text", "Which?", target="B"),
    ]
    metadata = json.loads(json.dumps(score_metadata(MEASURE, records, [1.0, math.nan], 3), allow_nan=False))
    measure, (first, second) = outputs_of(metadata, "7")
    assert measure == MEASURE
    assert first == ("a", 1, "7", 1.0, 3, "cat", None)
    assert (second.turn, math.isnan(second.value), second.epoch) == (2, True, 3)
    assert metadata["imug_metrics"]["records"][0]["groups"] == {"domain": "x"}


@pytest.mark.parametrize("metadata", [None, {}, {"grade": "C"}])
def test_scores_of_others_carry_no_outputs(metadata) -> None:
    assert outputs_of(metadata, "7") is None


def test_embeddings_come_back_to_the_last_bit() -> None:
    embeddings = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    texts = packed(embeddings)
    assert torch.equal(unpacked(texts), embeddings)
    assert torch.equal(unpacked([None, texts[1]]), torch.stack([torch.zeros(5), embeddings[1]]))
    assert unpacked([None]).shape == (1, 1)
