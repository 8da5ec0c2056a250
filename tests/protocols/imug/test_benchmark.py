# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The questions of the official layout: what is read, and what is said about what cannot be."""

from __future__ import annotations

import json

import pytest

from imug_metrics.protocols import imug
from imug_metrics.reading.files import MAX_JSON_BYTES


def test_a_sample_becomes_turns_with_prompt_key_and_points(folder):
    task = folder.text("2", "A,C")
    task["input"] = [{"text": "First."}, {"image": "x.png"}, {"text": "Second.", "image": "y.png"}]
    folder.samples(folder.sample(folder.image(1), task, sample_id=7))
    (read,) = folder.read_samples()
    assert (read.dialogue, read.category) == ("Cooking/pan/7", "Hybrid")
    assert [t.turn for t in read.tasks] == [1, 2]
    assert (read.tasks[1].prompt, read.tasks[1].answer) == ("First.\nSecond.", "A,C")
    assert read.tasks[0].points == ("point 0", "point 1")
    assert not folder.problems


def test_blank_lines_and_line_breaks_inside_texts_do_not_split_samples(folder):
    first = folder.sample(folder.text(1, prompt="红色\u2028还是\u0085蓝色?"))
    folder.samples("", first, "  ", folder.sample(folder.text(1), sample_id="2"))
    assert next(s.tasks[0].prompt for s in folder.read_samples()) == "红色\u2028还是\u0085蓝色?"
    assert len(folder.read_samples()) == 2
    assert not folder.problems


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("{broken", ""),
        (b"\xff\xfe{}", ""),
        ("[1]", ""),
        ("[" * 100_000, ""),
        ('{"domain": ' + "1" * 5000 + "}", ""),
        (lambda f: f.sample(f.text(1), domain="../up"), "domain"),
        (lambda f: f.sample(f.text(1), subdomain=None), "subdomain"),
        (lambda f: f.sample(f.text(1), sample_id=".."), "sample_id"),
        (lambda f: f.sample(f.text(1), sample_id=True), "sample_id"),
        (lambda f: {**f.sample(), "tasks": "none"}, "tasks"),
        (lambda f: f.sample("task"), "tasks[0]"),
        (lambda f: f.sample(f.text(0)), "tasks[0].turn"),
        (lambda f: f.sample(f.text(1), f.text("two")), "tasks[1].turn"),
        (lambda f: f.sample(f.text(10**9)), "tasks[0].turn"),
        (lambda f: f.sample({**f.text(1), "modality": "Text"}), "tasks[0].modality"),
        (lambda f: f.sample(f.text(1, ["A"])), "tasks[0].output.answer"),
    ],
)
def test_a_malformed_line_is_reported_where_it_is_and_the_rest_is_read(folder, row, field):
    folder.samples(row(folder) if callable(row) else row, folder.sample(folder.text(1), sample_id="good"))
    samples = folder.read_samples()
    assert samples[-1].sample_id == "good"
    assert folder.said() == [("benchmark.jsonl", 1, field)]


def test_a_key_without_an_option_is_a_warning(folder):
    folder.samples(folder.sample(folder.text(1, "none"), folder.text(2, "<DYNAMIC>"), folder.text(3, "")))
    assert [task.answer for task in folder.read_samples()[0].tasks] == ["none", "<DYNAMIC>", None]
    assert folder.said("warning") == [("benchmark.jsonl", 1, "tasks[0].output.answer")]


def test_a_line_beyond_the_size_limit_is_skipped_without_being_held(folder):
    folder.samples('{"domain": "' + "x" * (2 * MAX_JSON_BYTES) + '"}', folder.sample(folder.text(1)))
    assert len(folder.read_samples()) == 1
    assert folder.said() == [("benchmark.jsonl", 1, "")]


def test_of_repeated_samples_and_turns_the_first_is_kept(folder):
    first = folder.sample(folder.text(1, "A"), folder.text(1, "B"))
    folder.samples(first, folder.sample(folder.text(1, "C"), sample_id=1))
    (read,) = folder.read_samples()
    assert [task.answer for task in read.tasks] == ["A"]
    assert folder.said("warning") == [("benchmark.jsonl", 1, "tasks[1].turn"), ("benchmark.jsonl", 2, "sample_id")]


def test_limit_takes_the_first_samples(folder):
    folder.samples(*(folder.sample(folder.text(1), sample_id=n) for n in range(5)))
    assert [s.sample_id for s in imug.read_benchmark(folder.benchmark, folder.problems, limit=2)] == ["0", "1"]


def test_an_absent_benchmark_file_is_an_error_of_the_caller(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"benchmark\.jsonl"):
        imug.read_benchmark(tmp_path, imug.Problems())


def test_a_domain_without_a_class_is_unassigned(folder):
    folder.samples(folder.sample(folder.text(1), domain="Dancing"))
    assert folder.read_samples()[0].category == "Unassigned"
    (folder.benchmark / "config/domain_classes.json").write_text(json.dumps(["Cooking"]))
    assert folder.read_samples()[0].category == "Unassigned"
    assert folder.said() == [("domain_classes.json", None, "")]


def links(*references, turn=3, sample_id="1"):
    refs = [{"ref_turn": ref_turn, "ref_type": kind} for ref_turn, kind in references]
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": sample_id}
    return {**head, "reference_links": [{"turn_idx": turn, "refs": refs}]}


def test_links_lead_to_images_of_earlier_turns_alone(folder):
    folder.samples(folder.sample(folder.image(1), folder.text(2), folder.image(3), folder.image(4)))
    turns = (1, "1", 2, 3, 4, 9)
    folder.lines("data/image_references.jsonl", links(*((turn, "output") for turn in turns), (3, "input")))
    assert [record.links for record in folder.read()] == [(), (), (1,), ()]
    assert [ref.kind for ref in folder.read_samples()[0].tasks[2].references].count("input") == 1


def test_of_repeated_links_of_a_sample_the_later_win(folder):
    folder.samples(folder.sample(folder.image(1), folder.image(2), folder.image(3)))
    folder.lines("data/image_references.jsonl", links((1, "output")), links((2, "output"), sample_id=1))
    assert [record.links for record in folder.read()] == [(), (), (2,)]
    assert ("image_references.jsonl", 2, "sample_id") in folder.said("warning")


def test_malformed_links_are_reported(folder):
    folder.samples(folder.sample(folder.image(1), folder.image(2)))
    folder.lines("data/image_references.jsonl", links(("x", "output")), {**links(sample_id="2"), "reference_links": 7})
    folder.read_samples()
    assert folder.said() == [
        ("image_references.jsonl", 1, "reference_links[0].refs[0]"),
        ("image_references.jsonl", 2, "reference_links"),
    ]
