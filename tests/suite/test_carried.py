# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What records carry is scored: named scores, costs, references, masks, subjects, images without a file."""

from __future__ import annotations

import io
import math
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay, TurnDistributionShift
from imug_metrics import functional as F
from imug_metrics.encoders import CallableEncoder, RegionEncoder
from imug_metrics.errors import InputError
from imug_metrics.suite import ImugSuite, Record, score_records, standard_metrics
from imug_metrics.suite.reference_consistency import ReferenceConsistency
from tests.processes import run_processes

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def png(colour: str, size=(6, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def colours(images):
    return torch.stack([image.float().mean((1, 2)) / 255 for image in images])


def named(texts):
    return torch.tensor([next((c for name, c in COLOURS.items() if name in t), (0, 0, 0)) for t in texts]) / 255


@pytest.fixture
def encoder():
    return CallableEncoder(colours, named, fingerprint="colours", dim=3)


def said(dialogue, turn, **more) -> Record:
    return Record(dialogue, turn, "text", "Which?", text="A", target="A", **more)


def drawn(dialogue, turn, colour, wanted="red", **more) -> Record:
    return Record(dialogue, turn, "image", f"Draw it {wanted}.", image=None if colour is None else png(colour), **more)


SCORES = torch.tensor([[0.9, 0.7, 0.6], [0.8, 0.8, 0.5], [0.4, 0.5, math.nan]], dtype=torch.float64)


def judged(name="judge") -> list[Record]:
    return [
        said(f"d{d}", t + 1, scores={name: value.item()}, costs={"tokens": 10.0 * (t + 1)})
        for d, row in enumerate(SCORES)
        for t, value in enumerate(row)
    ]


@pytest.mark.parametrize("name", ["judge", "GPT-4.1/strict", "оценка", "评分", "a.b", "50%", "forward", "keys", "é"])
def test_a_named_score_has_mean_slope_and_curve_of_its_own(name):
    found = score_records(judged(name), model="mine", encoder=None)
    decay = TurnDecay(detail=True)
    decay.update(SCORES, lengths=torch.tensor([3, 3, 3]))
    expected = {key: float(value) for key, value in decay.compute().items()}
    assert found.scores[name] == pytest.approx(expected["turn_decay_mean"])
    assert found.scores[f"{name}_slope"] == pytest.approx(expected["turn_decay"])
    for key in ("lower", "upper"):
        assert found.scores[f"{name}_{key}"] == pytest.approx(expected[f"turn_decay_mean_{key}"])
        assert found.scores[f"{name}_slope_{key}"] == pytest.approx(expected[f"turn_decay_{key}"])
    for key in ("turn_1", "turn_3", "coverage", "n", "retention", "half_life", "pooled"):
        assert found.scores[f"{name}_{key}"] == pytest.approx(expected[f"turn_decay_{key}"])
    assert [item[name] for item in found.items] == [None if v.isnan() else v.item() for v in SCORES.flatten()]
    assert found.descriptions[name].label == name
    assert found.scores["answer_accuracy"] == 1.0


def test_costs_have_a_sum_and_a_mean_and_cost_less_where_lower():
    found = score_records(judged(), model="mine", encoder=None)
    assert found.scores["cost_tokens_sum"] == pytest.approx(180)
    assert found.scores["cost_tokens"] == pytest.approx(20)
    assert found.scores["cost_tokens_slope"] == pytest.approx(10)
    assert found.descriptions["cost_tokens"].higher_is_better is False
    assert found.descriptions["cost_tokens"].unit == "tokens"
    assert [item["cost_tokens"] for item in found.items[:3]] == [10, 20, 30]


def test_a_cost_that_is_not_known_is_no_cost_of_0():
    records = [said("a", 1, costs={"seconds": 2.0}), said("a", 2, costs={"seconds": math.nan})]
    found = score_records(records, model="mine", encoder=None, missing="zero").scores
    assert found["cost_seconds"] == found["cost_seconds_sum"] == 2.0
    assert found["cost_seconds_coverage"] == 0.5


def test_only_records_that_have_the_score_are_expected_to_have_it():
    records = [said("a", 1, scores={"judge": 1.0}), said("a", 2), said("a", 3, scores={"judge": math.nan})]
    found = score_records(records, model="mine", encoder=None)
    assert (found.scores["judge"], found.scores["judge_coverage"]) == (1.0, 0.5)
    assert [item["judge"] for item in found.items] == [1.0, None, None]
    assert score_records(records, model="mine", encoder=None, missing="zero").scores["judge"] == 0.5


def test_scores_are_scored_whatever_the_metrics_and_a_metric_of_their_name_is_fed_with_them(encoder):
    found = score_records(judged(), model="mine", encoder=None, metrics=[TurnDecay(detail=True)])
    assert found.scores["judge"] == pytest.approx(SCORES.nanmean().item())
    assert found.scores["turn_decay_mean"] == 1.0
    own = score_records(judged(), model="mine", encoder=None, metrics={"judge": TurnDecay(detail=True)})
    assert own.scores["judge"] == pytest.approx(found.scores["judge_slope"])
    assert own.scores["judge_slope"] == own.scores["judge"]
    assert [item["judge"] for item in own.items] == [item["judge"] for item in found.items]


REFUSED = [
    "dialogue", "turn", "text", "image", "model", "class", "reading", "alignment", "copy", "answer_strict",
    "turn_alignment", "answer_accuracy", "cost_tokens", "judge_mean", "judge_slope", "judge_turn_3", "judge_coverage",
    "judge_lower", "judge_n", "judge_half_life",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_score_that_would_pass_for_something_else_is_refused_by_name(name):
    with pytest.raises(InputError, match=rf"`scores` to have.*got '{name}'"):
        score_records([said("a", 1, scores={name: 1.0})], model="mine", encoder=None)


@pytest.mark.parametrize("name", ["judge_strict", "Turn", "mean", "x_means", "answer", "turn_2nd", "n"])
def test_other_names_are_free(name):
    found = score_records([said("a", 1, scores={name: 0.5})], model="mine", encoder=None)
    assert found.scores[name] == 0.5


def test_steps_streams_and_order_do_not_change_what_is_scored():
    records = judged()
    whole = score_records(records, model="mine", encoder=None)
    for steps in (1, 2):
        for given in (records, records[::-1], iter(records)):
            suite = ImugSuite(standard_metrics(), keep_rows=True)
            suite.update(given, dialogues_per_step=steps)
            assert suite.compute() == pytest.approx(whole.scores, nan_ok=True)
    rows = list(ImugSuite().stream(iter(records), dialogues_per_step=1))
    assert rows == whole.items


def test_rows_have_equal_columns_although_a_score_comes_late():
    records = [said("a", 1), said("b", 1, scores={"judge": 0.5})]
    suite = ImugSuite(keep_rows=True)
    suite.update(iter(records), dialogues_per_step=1)
    first, second = suite.rows()
    assert first.keys() == second.keys()
    assert (first["judge"], second["judge"]) == (None, 0.5)
    assert suite.rows("arrow").column("judge").to_pylist() == [None, 0.5]


def test_a_suite_is_cloned_pickled_and_reset_with_its_scores():
    suite = ImugSuite(prefix="val/")
    suite.update(judged())
    expected = suite.compute()
    assert "val/judge" in expected
    for other in (suite.clone(), pickle.loads(pickle.dumps(suite))):
        assert other.compute() == pytest.approx(expected, nan_ok=True)
        assert other["judge"] is not suite["judge"]
    suite.reset()
    suite.update([said("a", 1)])
    assert "val/judge" not in suite.compute()


def test_forward_gives_the_scores_of_the_batch_and_keeps_its_rows():
    suite = ImugSuite(keep_rows=True)
    found = suite(judged()[:3])
    assert float(found["judge"]) == pytest.approx(SCORES[0].mean().item())
    assert len(suite.rows()) == 3


def test_options_are_those_of_the_suite():
    metrics = standard_metrics(missing="zero", max_turns=2)
    suite = ImugSuite(metrics)
    suite.update(judged())
    found = suite.compute()
    assert found["judge"] == pytest.approx(SCORES.nan_to_num(0).mean().item())
    assert "judge_turn_3" not in found


def seen_by(rank):
    suite = ImugSuite()
    given = judged()
    given = [given[:3], [replace(record, scores={"other": 1.0}) for record in given[3:]], []][rank]
    if given:
        suite.update(given)
    return suite.compute()


def test_processes_that_have_seen_other_scores_agree(tmp_path):
    found = run_processes(seen_by, tmp_path, count=3)
    assert found[0]["judge"] == pytest.approx(SCORES[0].mean().item())
    assert found[0]["other_n"] == 6
    for other in found[1:]:
        assert other == pytest.approx(found[0], nan_ok=True)


# References


def test_images_are_compared_with_their_references(encoder):
    records = [
        drawn("a", 1, "red", reference=png("red")),
        drawn("a", 2, "lime", reference=png("white")),
        drawn("a", 3, "blue"),
        drawn("b", 1, None, reference=png("red")),
    ]
    found = score_records(records, model="mine", encoder=encoder)
    third = 1 / math.sqrt(3)
    assert found.scores["turn_consistency_reference"] == pytest.approx((1 + third) / 2)
    assert found.scores["turn_consistency_reference_n"] == 2
    assert found.scores["turn_consistency_reference_coverage"] == pytest.approx(2 / 3)
    embedded = colours([torch.from_numpy(np.array(Image.open(io.BytesIO(r.image)))).movedim(2, 0) for r in records[:2]])
    references = torch.tensor([[1.0, 0, 0], [1.0, 1, 1]])
    expected = F.turn_alignment(embedded, named(["red", "red"]), references=references, variant="refclipscore")
    assert found.scores["turn_alignment_reference"] == pytest.approx(float(expected))
    assert {"turn_alignment_reference", "turn_consistency_reference"} <= found.descriptions.keys()


def test_without_references_nothing_is_said_of_them(encoder):
    found = score_records([drawn("a", 1, "red")], model="mine", encoder=encoder)
    assert not any(key.startswith("turn_consistency_reference") for key in found.scores)


def test_references_neither_move_the_anchor_nor_stand_in_for_linked_images(encoder):
    records = [drawn("a", 1, "red"), drawn("a", 2, "red", links=(1,), reference=png("lime"))]
    metrics = [TurnConsistency(mode="graph"), ReferenceConsistency()]
    found = score_records(records, model="mine", encoder=encoder, metrics=metrics).scores
    assert found == {"turn_consistency": 1.0, "turn_consistency_reference": 0.0}
    anchored = score_records(records, model="mine", encoder=encoder, metrics=[TurnConsistency(mode="anchor")]).scores
    assert anchored["turn_consistency"] == pytest.approx(1.0)


def test_a_reference_that_cannot_be_read_is_told_by_name(encoder, tmp_path):
    told = []
    records = [drawn("a", 1, "red", reference=tmp_path / "gone.png"), drawn("a", 2, "red", reference=png("red"))]
    found = score_records(
        records, model="mine", encoder=encoder, unreadable=lambda record, why: told.append((record.turn, why))
    ).scores
    [(turn, why)] = told
    assert turn == 1
    assert "reference" in why
    assert "gone.png" in why
    assert found["turn_consistency_reference"] == pytest.approx(1.0)
    assert found["turn_consistency_reference_coverage"] == 0.5
    assert found["turn_alignment_coverage"] == 1.0


# Subjects and masks


def test_subjects_are_kept_apart_by_consistency(encoder):
    records = [drawn("a", turn, "red" if turn % 2 else "lime", subject="ox" if turn % 2 else 7) for turn in range(1, 5)]
    apart = score_records(records, model="mine", encoder=encoder)
    together = score_records([replace(r, subject=None) for r in records], model="mine", encoder=encoder)
    assert apart.scores["turn_consistency"] == pytest.approx(1.0)
    assert together.scores["turn_consistency"] == pytest.approx(1 / 3)
    assert [item["consistency"] for item in apart.items] == pytest.approx([1.0] * 4)
    assert [item["copy"] for item in apart.items] == [None, None, 1.0, 1.0]


def test_records_without_a_subject_have_one_together(encoder):
    records = [drawn("a", 1, "red"), drawn("a", 2, "red"), drawn("a", 3, "lime", subject="cat")]
    found = score_records(records, model="mine", encoder=encoder)
    assert [item["consistency"] for item in found.items] == [pytest.approx(1.0), pytest.approx(1.0), None]


def halves(left: str, right: str) -> bytes:
    image = Image.new("RGB", (8, 6), left)
    image.paste(COLOURS[right], (4, 0, 8, 6))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


LEFT = np.repeat(np.arange(8)[None] < 4, 6, 0)


def test_a_mask_reaches_the_encoder_of_regions_and_no_other(encoder):
    records = [
        Record("a", turn, "image", "Draw it red.", image=halves("red", right), mask=LEFT)
        for turn, right in enumerate(("lime", "blue"), 1)
    ]
    regions = RegionEncoder(CallableEncoder(colours, named, fingerprint="c", dim=3), "given", masking="paint")
    subject = score_records(records, model="mine", encoder=regions)
    whole = score_records(records, model="mine", encoder=encoder)
    assert subject.scores["turn_consistency"] == pytest.approx(1.0)
    assert whole.scores["turn_consistency"] == pytest.approx(0.5)


def test_what_an_encoder_of_regions_cannot_find_is_told(tmp_path):
    records = [
        Record("a", 1, "image", "Draw it red.", image=halves("red", "lime"), mask=LEFT),
        Record("a", 2, "image", "Draw it red.", image=halves("red", "lime")),
        Record("a", 3, "image", "Draw it red.", image=halves("red", "lime"), mask=tmp_path / "gone.png"),
        Record("a", 4, "image", "Draw it red.", image=halves("red", "lime"), mask=LEFT[:, :4]),
        Record("a", 5, "image", "Draw it red.", image=halves("red", "lime"), mask=LEFT, reference=png("red")),
    ]
    regions = RegionEncoder(CallableEncoder(colours, named, fingerprint="c", dim=3), "given", masking="paint")
    told: dict[int, str] = {}
    found = score_records(
        records, model="mine", encoder=regions, unreadable=lambda record, why: told.update({record.turn: why})
    ).scores
    assert sorted(told) == [2, 3, 4, 5]
    for turn, part in ((2, "no mask"), (3, "its mask"), (4, "4 x 6 pixels"), (5, "reference")):
        assert part in told[turn]
    assert found["turn_alignment_coverage"] == pytest.approx(2 / 5)


# Images without a file, and files that are not there


def test_content_and_file_of_an_image_score_alike_and_have_names(encoder, tmp_path):
    by_content = [drawn("a", 1, "red"), drawn("a", 2, "lime")]
    paths = []
    for record in by_content:
        paths.append(tmp_path / f"{record.turn}.png")
        paths[-1].write_bytes(record.image)
    by_path = [replace(record, image=path) for record, path in zip(by_content, paths)]
    first, second = (score_records(records, model="mine", encoder=encoder) for records in (by_content, by_path))
    assert first.scores == pytest.approx(second.scores, nan_ok=True)
    names = [item["image"] for item in first.items]
    assert all(name.startswith("embedded:") for name in names)
    assert {name: first.embedded[name] for name in names} == dict(zip(names, (r.image for r in by_content)))
    assert second.embedded == {}


def test_an_image_that_is_not_there_is_told_by_name_where_nobody_listens(encoder, tmp_path):
    records = [Record("a", t, "image", "Draw it red.", image=tmp_path / f"{t}.png") for t in range(1, 6)]
    records.append(Record("a", 6, "image", "Draw it red.", image=b"no image"))
    with pytest.warns(
        UserWarning, match=r"6 images could not be read.*1\.png \(dialogue a, turn 1\).*; \.\.\."
    ) as caught:
        score_records(records, model="mine", encoder=encoder)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_records(records, model="mine", encoder=encoder, unreadable=lambda record, why: None)


# Any metric


def test_rows_have_what_any_given_metric_makes_of_each_record(encoder):
    records = [drawn("a", 1, "red"), drawn("a", 2, "lime"), drawn("a", 3, None), drawn("b", 1, "white")]
    metrics = {
        "before": TurnConsistency(mode="consecutive"),
        "turn_alignment": TurnAlignment(variant="cosine"),
        "shift": TurnDistributionShift(width=3),
    }
    found = score_records(records, model="mine", encoder=encoder, metrics=metrics)
    assert [item["before"] for item in found.items] == [None, pytest.approx(0.0), None, None]
    aligned = [item["alignment"] for item in found.items]
    assert aligned == [pytest.approx(1.0), pytest.approx(0.0), None, pytest.approx(1 / math.sqrt(3))]
    assert "shift" not in found.items[0]
    assert list(found.descriptions) == list(metrics)
    assert found.descriptions["before"].label == "before"
    assert found.descriptions["turn_alignment"].range == "-1 to 1"


def test_rows_have_a_column_of_each_standard_metric_of_single_records(encoder):
    found = score_records([drawn("a", 1, "red"), said("a", 2)], model="mine", encoder=encoder)
    assert list(found.items[0])[-10:] == [
        "answer_strict",
        "answer_imug",
        "alignment",
        "retrieval",
        "consistency",
        "copy",
        "modality_compliance",
        "context_forgetting",
        "recency_reliance",
        "style_drift",
    ]


CALLS = {
    "score_records": lambda records: score_records(records, model="mine", encoder=None),
    "update": lambda records: ImugSuite().update(records),
    "update, step by step": lambda records: ImugSuite().update(iter(records), dialogues_per_step=1),
    "stream": lambda records: list(ImugSuite().stream(records)),
    "forward": lambda records: ImugSuite()(records),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "wrong", [{"dialogue": "a", "turn": 2}, "a", None, 7, ("a", 2)], ids=lambda w: type(w).__name__
)
def test_what_is_no_record_is_named_with_row_and_type_wherever_records_go(call, wrong):
    with pytest.raises(InputError, match=rf"`records` to hold.* got {type(wrong).__name__} at row 1") as caught:
        call([said("a", 1), wrong])
    assert ("Record(**row)" in str(caught.value)) == isinstance(wrong, dict)
