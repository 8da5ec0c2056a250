# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report import figures as module
from imug_metrics.report.breakdown import breakdown
from imug_metrics.report.comparison import compare_models
from imug_metrics.report.estimates import curve, estimate
from imug_metrics.report.figures import figures, write_figures
from imug_metrics.report.metric_specs import EXPOSURE, METRICS
from imug_metrics.suite import ModelScores

Make = Callable[..., ModelScores]


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield
    pyplot.close("all")


def test_one_model_has_curves_slopes_and_heat_maps(make_scores: Make) -> None:
    names = set(figures([make_scores("my/model")]))
    assert {"curve_answer_accuracy", "curve_turn_alignment", "slopes", "heat_map_turn_alignment_my_model"} <= names
    assert not [name for name in names if name.startswith(("differences_", "gap_", "by_"))]


def test_two_models_have_differences_as_well(make_scores: Make) -> None:
    names = set(figures([make_scores("a"), make_scores("b", slope=-0.05)]))
    assert {"differences_answer_accuracy", "differences_turn_alignment"} <= names
    assert {"heat_map_turn_alignment_a", "heat_map_turn_alignment_b"} <= names


def test_kinds_of_groups_whose_names_of_files_are_alike_keep_their_figures(make_scores: Make) -> None:
    scores = make_scores("a")
    rows = [row | {"my kind": f"x{n % 2}", "My_kind": f"y{n % 4}"} for n, row in enumerate(scores.items)]
    drawn = figures([replace(scores, items=rows)])
    labels = [drawn[f"by_my_kind{end}_turn_alignment"]().axes[0].get_yticklabels() for end in ("", "_2")]
    assert {label.get_text()[0] for label in labels[0]} != {label.get_text()[0] for label in labels[1]}


def test_curves_go_through_the_numbers_of_the_scores(make_scores: Make) -> None:
    models = [make_scores("a"), make_scores("b", slope=-0.05)]
    [axis] = figures(models)["curve_turn_alignment"]().axes
    for model, line, band in zip(models, axis.lines, axis.collections):
        points = curve(model.scores, "turn_alignment")
        assert line.get_label() == model.model
        assert dict(zip(line.get_xdata(), line.get_ydata())) == {turn: point.value for turn, point in points.items()}
        corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
        assert {(turn, bound) for turn, point in points.items() for bound in (point.lower, point.upper)} <= corners
    assert axis.get_ylabel() == "alignment"
    assert "95 % interval by dialogue" in axis.get_title(loc="left")
    assert "n = 75 records, 30 dialogues" in axis.get_title(loc="left")


def test_points_on_few_records_are_hollow(make_scores: Make) -> None:
    [axis] = figures([make_scores("a", dialogues=12)])["curve_turn_alignment"]().axes
    assert "hollow: fewer than 20" in axis.get_title(loc="left")


def test_the_level_of_chance_is_marked_where_it_is_known(make_scores: Make) -> None:
    drawn = figures([make_scores("a")])
    [axis] = drawn["curve_turn_retrieval"]().axes
    assert [line.get_ydata() for line in axis.lines if line.get_label() == "_level"] == [[0.4, 0.4]]
    [axis] = drawn["curve_turn_alignment"]().axes
    assert not [line for line in axis.lines if line.get_label() == "_level"]


def bars(axis: Any) -> list[tuple[float, float]]:
    """The ends of all error bars, by series."""
    return [tuple(bar[:, 0]) for drawn in axis.containers for part in drawn.lines[2] for bar in part.get_segments()]


def test_slopes_and_differences_have_the_bounds_of_the_tables(make_scores: Make) -> None:
    models = [make_scores("a"), make_scores("b", slope=-0.05)]
    [axis] = figures(models)["slopes"]().axes
    slope = estimate(models[1].scores, "answer_accuracy_slope")
    assert pytest.approx((slope.lower, slope.upper)) in bars(axis)
    compared = compare_models(models)
    [metric] = [metric for metric in compared if metric.key == "turn_alignment"]
    [axis] = figures(models, compared)["differences_turn_alignment"]().axes
    [pair] = metric.differences
    assert bars(axis) == [pytest.approx((pair.joint_lower, pair.joint_upper))]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a − b"]
    assert "hold for all pairs" in axis.get_title(loc="left")


def in_classes(model: ModelScores, count: int = 3) -> ModelScores:
    for row in model.items:
        row["class"] = f"class {int(row['dialogue'].rpartition('/')[2]) % count}"
    return model


def test_groups_have_the_bounds_of_the_breakdown(make_scores: Make) -> None:
    models = [in_classes(make_scores("a")), in_classes(make_scores("b", slope=-0.05))]
    [axis] = figures(models)["by_class_turn_alignment"]().axes
    [view] = [view for view in METRICS if view.key == "turn_alignment"]
    found = [breakdown(model, view, "class") for model in models]
    assert bars(axis) == [pytest.approx((mean.lower, mean.upper)) for of in found for mean in of.values()]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["class 0", "class 1", "class 2"]


def test_many_groups_have_a_figure_for_each_model(make_scores: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 5)
    drawn = figures([in_classes(make_scores("a")), in_classes(make_scores("b"))])
    assert {"by_class_turn_alignment_a", "by_class_turn_alignment_b"} <= set(drawn)
    assert drawn["by_class_turn_alignment_b"]().axes[0].get_title(loc="left").startswith("b\n")


def test_of_many_pairs_those_of_possible_winners_are_shown(make_scores: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 2)
    models = [make_scores("best", start=0.9), make_scores("middle", start=0.5), make_scores("last", start=0.1)]
    [axis] = figures(models)["differences_turn_alignment"]().axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["best − middle", "best − last"]
    assert "can be the first" in " ".join(axis.get_title(loc="left").split())


def test_the_worst_dialogue_is_on_top_and_absent_images_are_hatched(make_scores: Make) -> None:
    model = make_scores("a", dialogues=8, slope=-0.1)
    absent, worst = model.items[0], "Physics/rendered_positions/5"
    absent.update(image=None, alignment=None)
    for row in model.items:
        if row["dialogue"] == worst and row["alignment"] is not None:
            row["alignment"] = 0.0
    axis = figures([model])["heat_map_turn_alignment_a"]().axes[0]
    assert axis.get_yticklabels()[0].get_text().endswith("/5")
    assert len(axis.patches) == 1
    cells = axis.images[0].get_array()
    assert cells[0].compressed().tolist() == [0.0, 0.0, 0.0], "turns of the other modality are blank"


def test_an_image_without_a_score_is_not_called_missing(make_scores: Make) -> None:
    model = make_scores("a", dialogues=8)
    for row in model.items:
        if row["turn"] == 1:
            row["consistency"] = None  # as of every first image, which has no partner
    assert not figures([model])["heat_map_turn_consistency_a"]().axes[0].patches


def test_histories_are_compared_where_both_were_scored(make_scores: Make) -> None:
    model = make_scores("a")
    for turn in (1, 2, 3):
        stem = f"{EXPOSURE}_turn_{turn}"
        model.scores.update({stem: 0.1 * turn, f"{stem}_lower": 0.0, f"{stem}_upper": 0.2 * turn})
    model.scores[f"{EXPOSURE}_mean"] = 0.2
    drawn = figures([model, make_scores("b")])
    assert [name for name in drawn if name.startswith("gap_")] == ["gap_answers"]
    [axis] = drawn["gap_answers"]().axes
    assert axis.containers[0].lines[0].get_ydata().tolist() == pytest.approx([0.1, 0.2, 0.3])


def aligned(model: ModelScores) -> ModelScores:
    """A model that was scored by its alignment alone."""
    return replace(
        model, scores={key: value for key, value in model.scores.items() if key.startswith("turn_alignment")}
    )


def test_files_are_written_whole_and_alike_in_every_format(make_scores: Make, tmp_path: Path) -> None:
    models = [aligned(make_scores("a", dialogues=6))]
    drawn = figures(models)
    paths = write_figures(models, tmp_path / "out")
    assert {path.name for path in paths} == {f"{name}.{kind}" for name in drawn for kind in ("svg", "pdf")}
    assert {path.parent for path in paths} == {tmp_path / "out" / "figures"}
    before = {path: path.read_bytes() for path in paths}
    assert write_figures(models, tmp_path / "out") == paths
    assert {path: path.read_bytes() for path in paths} == before


def test_no_figure_stays_open(make_scores: Make, tmp_path: Path) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    write_figures([aligned(make_scores("a", dialogues=4))], tmp_path, ["svg"])
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("formats", [["jpg"], "svg"])
def test_an_unknown_format_is_refused_and_nothing_written(make_scores: Make, tmp_path: Path, formats: Any) -> None:
    with pytest.raises(ValueError, match="`formats`: expected a list of svg, pdf, png"):
        write_figures([make_scores("a")], tmp_path, formats)
    assert not (tmp_path / "figures").exists()


def test_hostile_names_stay_words_and_inside_the_folder(make_scores: Make, tmp_path: Path) -> None:
    names = ("../../x", r"<b>$\frac$", "x" * 300, "x" * 300 + "y", "\x00\n")
    models = [aligned(make_scores(name, dialogues=4)) for name in names]
    paths = write_figures(models, tmp_path, ["svg"])
    assert len(set(paths)) == len(paths)
    assert all(re.fullmatch(r"\w+\.svg", path.name) for path in paths)
    text = (tmp_path / "figures" / "curve_turn_alignment.svg").read_text(encoding="utf-8")
    assert r"&lt;b&gt;$\frac$" in text
    assert "<b>" not in text
    assert "\x00" not in text
    assert "(4)" in text, "names that are alike when cut are numbered"


def test_no_models_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        figures([])


def test_figures_of_an_earlier_evaluation_go_away_and_files_of_others_stay(make_scores: Make, tmp_path: Path) -> None:
    old, new = (aligned(make_scores(name, dialogues=6)) for name in ("old", "new"))
    write_figures([old, new], tmp_path, ["svg"])
    assert [*(tmp_path / "figures").glob("differences_*")], "there is something to go away"
    (tmp_path / "figures" / "mine_old.svg").write_text("kept")
    written = write_figures([new], tmp_path, ["png"])
    there = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {path.name for path in written} | {"index.json", "mine_old.svg", "heat_map_turn_alignment_new.svg"} <= there
    assert not [name for name in there if name.startswith("differences_") or name.endswith("alignment_old.svg")]
