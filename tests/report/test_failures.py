# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which model stands out in which failure."""

from __future__ import annotations

import math
from typing import Any

import pytest

from imug_metrics.report import Report, Table, find
from imug_metrics.report.failures import FAILURES, failure_figures, failures_of, figure_coverage
from imug_metrics.report.sections.failures import failures, marked_failures
from imug_metrics.suite import ModelScores

KEYS = {failure.key: failure for failure in FAILURES}


def scored(model: str, value: float, key: str = "object_hallucination", *, error: float = 0.01) -> ModelScores:
    scores = {key: value, f"{key}_lower": value - 2 * error, f"{key}_upper": value + 2 * error}
    return ModelScores(model, {**scores, f"{key}_dialogues": 50}, [])


def with_rows(model: str, gain: float) -> ModelScores:
    """A model whose forgetting in each dialogue is that of all others, but for a gain that grows with them.

    Dialogues lie far further apart than models.
    """
    rows: list[dict[str, Any]] = [
        {"dialogue": str(d), "turn": turn, "modality": "image", "context_forgetting": (d * 7 % 11 + gain * d) / 11}
        for d in range(30)
        for turn in (1, 2)
    ]
    return ModelScores(model, scored(model, 0.5 + gain, "context_forgetting", error=0.1).scores, rows)


def test_the_model_that_is_worse_than_every_other_one_stands_out() -> None:
    [figure] = failure_figures([scored("a", 0.1), scored("b", 0.3), scored("c", 0.11)])
    assert figure.failure is KEYS["object_hallucination"]
    assert figure.worst == 1
    assert not figure.paired
    assert len(figure.p) == 3


@pytest.mark.parametrize("values", [(0.3, 0.3, 0.1), (0.1, 0.12, 0.11)])
def test_none_stands_out_that_is_not_worse_than_every_other_one(values: tuple[float, ...]) -> None:
    [figure] = failure_figures([scored(name, value) for name, value in zip("abc", values)])
    assert figure.worst is None


def test_where_lower_is_worse_the_lowest_stands_out() -> None:
    found = [scored(name, value, "modality_compliance") for name, value in (("a", 0.9), ("b", 0.6), ("c", 0.92))]
    [figure] = failure_figures(found)
    assert figure.worst == 1


def test_figures_with_rows_are_compared_by_dialogue_where_their_intervals_overlap() -> None:
    models = [with_rows("steady", 0.0), with_rows("forgetful", 0.05)]
    [figure] = failure_figures(models)
    assert figure.paired
    assert figure.worst == 1
    alone = [ModelScores(model.model, model.scores, []) for model in models]
    [figure] = failure_figures(alone)
    assert not figure.paired
    assert figure.worst is None, "by their own errors alone they cannot be told apart"


def test_a_model_that_always_fails_beside_others_that_never_do_stands_out() -> None:
    def always(name: str, value: float) -> ModelScores:
        rows: list[dict[str, Any]] = [{"dialogue": str(d), "turn": 2, "copy": value} for d in range(50)]
        ends = {"": value, "_lower": max(value - 0.06, 0.0), "_upper": min(value + 0.06, 1.0)}
        return ModelScores(name, {f"copy_guard{end}": found for end, found in ends.items()}, rows)

    [figure] = failure_figures([always("a", 0.0), always("b", 1.0), always("c", 0.0)])
    assert figure.paired
    assert figure.worst == 1
    assert math.isnan(figure.p[1]), "two models that never fail do not differ"


@pytest.mark.parametrize("order", [(0.3, 0.9), (0.9, 0.3)])
def test_models_of_other_dialogues_are_not_compared(order: tuple[float, float]) -> None:
    models = []
    for place, value in enumerate(order):
        rows = [
            {"dialogue": f"{place} {d}", "turn": 1, "modality_compliance": float(d / 50 < value)} for d in range(50)
        ]
        scores = scored("", value, "modality_compliance").scores
        models.append(ModelScores(f"model {value}", scores, rows))
    [figure] = failure_figures(models)
    assert figure.worst is None
    assert math.isnan(figure.p[0])


def test_models_that_share_hardly_a_dialogue_are_not_compared() -> None:
    def on(first: int, value: float, spread: float) -> ModelScores:
        rows = [
            {"dialogue": str(d), "turn": 1, "context_forgetting": value + spread * (d % 3)}
            for d in range(first, first + 40)
        ]
        scores = scored("", value, "context_forgetting").scores | scored("", value).scores
        return ModelScores(f"from {first}", scores, rows)

    for figure in failure_figures([on(0, 0.2, 0.01), on(39, 0.6, 0.01)]):
        assert figure.worst is None
        assert math.isnan(figure.p[0])


def test_a_score_that_records_carry_lends_no_coverage_and_no_dialogues_to_a_metric() -> None:
    model = scored("a", 0.2, "style_drift")
    model.scores.update({"style": 0.5, "style_coverage": 0.5, "style_dialogues": 3})
    assert math.isnan(figure_coverage(model, "style_drift"))
    assert failures_of([model]) == [*FAILURES]


def test_a_cost_whose_name_ends_as_a_sum_does_is_one_failure() -> None:
    model = scored("a", 0.2, "cost_row_sum_growth")
    model.scores.update({"cost_row_sum": 1.0, "cost_row_sum_sum": 9.0})
    assert [each.symptom for each in failures_of([model])][len(FAILURES) :] == ["costs ever more row_sum"]


def test_the_decay_of_answers_is_compared_by_dialogue() -> None:
    def fading(name: str, loss: float) -> ModelScores:
        rows: list[dict[str, Any]] = [
            {"dialogue": str(d), "turn": turn, "answer_strict": 0.9 - (d % 3) / 5 * turn - loss * turn * (1 + d % 2)}
            for d in range(30)
            for turn in (1, 2, 3)
        ]
        return ModelScores(name, scored(name, -0.2 - loss, "turn_decay", error=0.2).scores, rows)

    [figure] = failure_figures([fading("a", 0.0), fading("b", 0.05)])
    assert (figure.paired, figure.worst) == (True, 1)


def test_a_cost_that_is_called_growth_is_no_growth() -> None:
    model = scored("a", 5.3, "cost_a_growth")
    assert failure_figures([model]) == []


@pytest.mark.parametrize("copies", [0.0, 0.8])
@pytest.mark.parametrize("key", [failure.key for failure in FAILURES if failure.hidden_by_copies])
def test_a_model_that_repeats_its_images_is_no_measure_of_what_copies_hide(key: str, copies: float) -> None:
    models = [scored(name, KEYS[key].worse * value, key) for name, value in (("honest", 0.2), ("repeating", 0.02))]
    models[1].scores["copy_guard"] = copies
    found = {figure.failure.key: figure.worst for figure in failure_figures(models)}
    assert found[key] == (None if copies else 0)


def test_failures_that_copies_hide_are_compared_without_the_images_that_are_copies() -> None:
    def drawn(model: str, copies: int) -> ModelScores:
        """A copy, the last image of every `copies`-th dialogue, has forgotten nothing."""
        found = with_rows(model, 0)
        for row in found.items:
            row["context_forgetting"] += 0.01 * (-1) ** int(row["dialogue"]) * (model == "honest")
            row["copy"] = float(row["turn"] == 2 and copies > 0 and int(row["dialogue"]) % copies == 0)
            row["context_forgetting"] = -1.0 if row["copy"] else row["context_forgetting"]
        return found

    [figure] = failure_figures([drawn("honest", 0), drawn("copies", 6)])
    assert figure.paired
    assert figure.worst is None
    without_rows = ModelScores("third", scored("", 0.2, "context_forgetting").scores, [])
    found = [drawn("honest", 0), drawn("copies", 6), without_rows]
    found[1].scores.update({"copy_guard": 0.1, "context_forgetting": 0.1, "context_forgetting_upper": 0.12})
    assert math.isnan(failure_figures(found)[0].p[0]), "of all images, copies among them"
    for row in (model := drawn("copies", 6)).items:
        row.pop("copy")
    assert failure_figures([drawn("honest", 0), model])[0].worst == 0


def test_merged_states_have_the_dialogues_of_their_other_metrics() -> None:
    models = [scored(name, value, "switch_cost") for name, value in (("a", 0.0), ("b", -0.3))]
    for model in models:
        model.scores["answer_accuracy_dialogues"] = model.scores.pop("switch_cost_dialogues")
    [figure] = failure_figures(models)
    assert figure.worst == 1


def test_many_failures_are_judged_more_strictly_than_one() -> None:
    def models(keys: list[str]) -> list[ModelScores]:
        found = []
        for name, value in (("a", 0.1), ("b", 0.1345)):
            scores = {
                k: v for key in keys for k, v in scored(name, value if key == keys[0] else 0.1, key).scores.items()
            }
            found.append(ModelScores(name, scores, []))
        return found

    keys = ["object_hallucination", "recency_reliance", "style_drift", "exposure_bias"]
    [alone] = failure_figures(models(keys[:1]))
    together = {figure.failure.key: figure for figure in failure_figures(models(keys))}
    assert alone.worst == 1
    assert together[keys[0]].worst is None
    assert together[keys[0]].p[0] == pytest.approx(4 * alone.p[0])


def test_a_failure_that_one_model_cannot_be_judged_by_has_no_one_who_stands_out() -> None:
    figures = failure_figures([scored("a", 0.9), ModelScores("b", {}, [])])
    [figure] = figures
    assert figure.worst is None
    assert math.isnan(figure.p[0])
    section = failures(Report([scored("a", 0.9), ModelScores("b", {}, [])]))
    assert section is not None
    [table] = section.parts
    assert isinstance(table, Table)
    [row] = table.records()
    assert (row["a"], row["b"]) == (0.9, None)
    needs = KEYS["object_hallucination"].needs
    assert f"–  not judged: invents objects, which needs {needs}" in table.caption


@pytest.mark.parametrize("value", [math.nan, 0.5])
def test_an_estimate_without_an_interval_is_not_compared(value: float) -> None:
    bare = ModelScores("b", {"object_hallucination": value, "object_hallucination_dialogues": 50}, [])
    [figure] = failure_figures([scored("a", 0.1), bare])
    assert figure.worst is None


def test_a_metric_that_does_not_count_dialogues_is_compared_by_those_of_the_rows() -> None:
    rows: list[dict[str, Any]] = [{"dialogue": str(d), "turn": 1} for d in range(50)]
    found = [scored(name, value, "switch_cost") for name, value in (("a", 0.0), ("b", -0.2))]
    kept = [
        ModelScores(model.model, {k: v for k, v in model.scores.items() if "dialogues" not in k}, rows)
        for model in found
    ]
    assert [figure.worst for figure in failure_figures(kept)] == [1]
    assert [figure.p for figure in failure_figures(kept)] == [figure.p for figure in failure_figures(found)]


def test_costs_that_records_carry_are_failures_of_their_own() -> None:
    models = [scored(name, value, "cost_tokens_growth") for name, value in (("a", 0.0), ("b", 0.3))]
    for model in models:
        model.scores["cost_tokens_sum"] = 90.0
    [figure] = failure_figures(models)
    assert figure.failure.symptom == "costs ever more tokens"
    assert figure.worst == 1
    assert figure.fails(1)
    assert not figure.fails(0)


def test_a_cost_whose_growth_nobody_can_tell_is_named_as_not_judged() -> None:
    models = [scored(name, value) for name, value in (("a", 0.0), ("b", 0.3))]
    for model in models:
        model.scores.update({"cost_images_sum": 90.0, "cost_images_growth": math.nan})
    section = failures(Report(models))
    assert section is not None
    [table] = section.parts
    assert isinstance(table, Table)
    told = "not judged: costs ever more images, which needs the cost images, above 0 at first turns"
    assert [line for line in table.caption if told in line]


def test_a_model_that_is_judged_by_part_of_its_outputs_is_named() -> None:
    models = [scored(name, 0.2, "cost_tokens_growth") for name in ("a", "b")]
    for model, share in zip(models, (1.0, 0.62)):
        model.scores.update({"cost_tokens_sum": 90.0, "cost_tokens_coverage": share})
    section = failures(Report(models))
    assert section is not None
    [table] = section.parts
    assert isinstance(table, Table)
    told = [line for line in table.caption if "judged by part" in line]
    assert told == ["·  b is judged by part of its outputs alone: costs ever more tokens (62 %)"]


def test_a_model_that_could_not_be_judged_is_not_said_to_be_judged_by_a_part() -> None:
    models = [scored("a", 0.2, "context_forgetting"), scored("b", math.nan, "context_forgetting")]
    models[1].scores["context_forgetting_coverage"] = 0.0
    section = failures(Report(models))
    assert section is not None
    [table] = section.parts
    assert isinstance(table, Table)
    assert not [line for line in table.caption if "judged by part" in line]


def test_of_one_model_it_is_said_what_excludes_a_healthy_value() -> None:
    table = marked_failures(Report([scored("a", -0.2, "switch_cost")]))
    assert table is not None
    [row] = table.rows
    assert (row[1].tone, [mark.sign for mark in row[1].marks]) == ("bad", ["!"])
    assert row[2].content == 0.0
    assert row[0].below == "switch_cost, lower is worse"


def test_the_terminal_shows_failures_that_are_there_for_certain() -> None:
    assert marked_failures(Report([scored("a", 0.1), scored("b", 0.11)])) is None
    table = marked_failures(Report([scored("a", 0.1), scored("b", 0.3)]))
    assert table is not None
    [row] = table.rows
    assert [[mark.sign for mark in cell.marks] for cell in row[1:3]] == [[], ["▲"]]


def test_the_page_and_the_sentences_name_who_stands_out() -> None:
    models = [scored("a", 0.1), scored("b", 0.3), scored("c", 0.12)]
    [finding] = [found for found in find(models) if "invents" in found.text]
    assert (finding.tone, finding.model) == ("loss", "b")
    assert (
        finding.text
        == "invents objects, more than every other model (object_hallucination 0.300 against 0.100 to 0.120)."
    )
    section = failures(Report(models))
    assert section is not None
    assert section.name == "failures"


def test_without_a_figure_there_is_no_section() -> None:
    assert failures(Report([ModelScores("a", {"turn_alignment": 0.5}, [])])) is None
