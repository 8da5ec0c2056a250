# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever shows results shows every metric that was given and every score that records carry, from its description."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchmetrics import Metric

import imug_metrics
from imug_metrics import Record, TurnAlignment, TurnConsistency, TurnDecay, TurnDistributionShift, TurnRetrieval
from imug_metrics.encoders import CallableEncoder
from imug_metrics.evaluation import Evaluation, repeated_runs
from imug_metrics.metrics.description import describe
from imug_metrics.report import find, score_tables, write_report
from imug_metrics.report.marks import marks
from imug_metrics.report.metric_specs import METRICS, comparable_metrics, known_metrics, own_metrics, shown_metrics
from imug_metrics.suite import ModelScores, standard_metrics
from tests.report.page_reader import Page

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def encoder() -> CallableEncoder:
    def see(images):
        return torch.stack([image.float().mean((1, 2)) / 255 for image in images])

    def read(texts):
        return torch.tensor([[1.0, len(text) % 3, 0.5] for text in texts])

    return CallableEncoder(see, read, fingerprint="c", dim=3)


def dialogues(shift: float = 0.0, count: int = 24) -> list[Record]:
    draw = torch.Generator().manual_seed(3)
    records = []
    for d in range(count):
        for turn in range(1, 5):
            noise = 0.2 * torch.rand(1, generator=draw).item()
            more = {"scores": {"helpful": 0.7 - 0.1 * turn + noise + shift}, "costs": {"tokens": (10.0 + d) * turn}}
            if turn % 2:
                image = png(COLOURS[(d + turn) % 4])
                records.append(Record(f"d{d}", turn, "image", f"Draw {turn}.", image=image, **more))
            else:
                records.append(Record(f"d{d}", turn, "text", "Which?", text="AB"[d % 2], target="A", **more))
    return records


@pytest.fixture(scope="module")
def carried() -> Evaluation:
    return imug_metrics.evaluate({"low": dialogues(), "high": dialogues(0.3)}, encoder=encoder())


GIVEN: dict[str, Metric] = {
    "turn_decay": TurnDecay(detail=True),
    "before": TurnConsistency(mode="consecutive", detail=True),
    "cosine": TurnAlignment(variant="cosine", detail=True),
    "shift": TurnDistributionShift(width=3, detail=True),
    "turn_retrieval": TurnRetrieval(),
}


@pytest.fixture(scope="module")
def given() -> Evaluation:
    return imug_metrics.evaluate({"mine": dialogues()}, encoder=encoder(), metrics=GIVEN)


def shown_in(evaluation: Evaluation, folder: Path) -> dict[str, str]:
    evaluation.report(folder)
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    return {**texts, "table": evaluation.table()}


def plain(text: str) -> str:
    """Words of a table, whose headings stand on two lines."""
    return " ".join(text.split())


def test_named_scores_and_costs_are_in_everything(carried: Evaluation, tmp_path: Path) -> None:
    shown = shown_in(carried, tmp_path)
    summary = json.loads(shown["summary.json"])
    assert summary["metrics"]["helpful"]["label"] == "helpful"
    assert summary["metrics"]["cost_tokens"]["higher_is_better"] is False
    assert summary["models"]["low"]["helpful"] == pytest.approx(carried.scores["low"]["helpful"])
    rows = list(csv.DictReader(io.StringIO(shown["per_turn.csv"])))
    assert {row["turn"] for row in rows if row["metric"] == "helpful"} == {"1", "2", "3", "4"}
    assert {row["n"] for row in rows if row["metric"] == "helpful"} == {"24"}
    items = [json.loads(line) for line in shown["items.jsonl"].splitlines()]
    assert all(isinstance(item["helpful"], float) and item["cost_tokens"] >= 10 for item in items)
    for text in (shown["report.html"], shown["table"]):
        assert "helpful" in text
        assert "tokens" in text
    html = shown["report.html"]
    assert '<th scope="col">helpful</th>' in html
    assert "helpful by turn" in html
    assert "A score that the records carry: its mean." in html
    assert "by turn, all turns" in html


def test_given_metrics_are_in_everything(given: Evaluation, tmp_path: Path) -> None:
    shown = shown_in(given, tmp_path)
    html, summary = shown["report.html"], json.loads(shown["summary.json"])
    assert set(summary["metrics"]) == {*GIVEN, "helpful", "cost_tokens"}
    for name, metric in GIVEN.items():
        found = describe(metric)
        label = found.label if name == found.name else name
        assert f'<th scope="col">{label}</th>' in html
        assert found.meaning in Page(html).words
        assert label in plain(shown["table"])
    rows = {row["metric"] for row in csv.DictReader(io.StringIO(shown["per_turn.csv"]))}
    assert rows >= {"turn_decay", "before", "cosine", "helpful", "cost_tokens"}
    items = [json.loads(line) for line in shown["items.jsonl"].splitlines()]
    assert sum(item["before"] is not None for item in items) == 24
    assert all(-1 <= item["cosine"] <= 1 for item in items if item["modality"] == "image")


def test_every_metric_that_a_model_has_a_value_of_is_a_column_and_costs_have_a_table(
    given: Evaluation, carried: Evaluation
) -> None:
    assert not {"Answers", "Copies"} & set(given.tables()[0].columns)
    assert carried.tables()[0].columns == (
        *("Model", "Answers", "Answers, official rule", "Alignment", "Retrieval", "Consistency"),
        *("Copies", "helpful", "Coverage"),
    )
    (costs,) = [table for table in carried.tables() if table.title == "Costs by model"]
    assert [row["Model"] for row in costs.records()] == ["low", "high"]


def test_a_slope_of_a_cost_that_rises_is_bad_and_of_a_score_that_falls_as_well(carried: Evaluation) -> None:
    rows = {row[0].content: row for row in carried.tables()[1].rows}
    for name, sign, tone in (("helpful", "▼", "bad"), ("Cost, tokens", "▲", "bad")):
        cell = rows[name][2]
        assert cell.text.startswith(sign)
        assert cell.tone == tone


def test_a_score_without_description_is_shown_as_ever() -> None:
    model = ModelScores("old", {"turn_alignment": 0.5}, [])
    assert [view.key for view in shown_metrics([model])] == ["turn_alignment"]
    assert own_metrics([model]) == []


def test_words_of_the_standard_metrics_are_those_of_their_descriptions() -> None:
    metrics = standard_metrics()
    for view in METRICS:
        metric = metrics.get(view.key)
        if metric is None:
            assert view.key.startswith("point_score")
            continue
        found = describe(metric)
        assert (view.label, view.noun, view.meaning, view.misleads) == (
            found.label, found.noun, found.meaning, found.misleads
        )  # fmt: skip


def test_a_given_metric_under_a_standard_name_is_read_by_its_own_words(given: Evaluation) -> None:
    scores = imug_metrics.evaluate(dialogues(), encoder=encoder(), metrics=[TurnAlignment(variant="cosine")])
    [view] = [view for view in shown_metrics([scores.results[0].scores]) if view.key == "turn_alignment"]
    assert "their cosine" in view.meaning
    assert "CLIPScore" not in view.meaning
    assert view.item == "alignment"


def test_models_are_compared_by_scores_and_not_by_costs_slopes_or_shifts(
    carried: Evaluation, given: Evaluation
) -> None:
    keys = [view.key for view in comparable_metrics([result.scores for result in carried.results])]
    assert "helpful" in keys
    assert "cost_tokens" not in keys
    mine = [view.key for view in comparable_metrics([given.results[0].scores])]
    assert {"before", "cosine", "helpful"} <= set(mine)
    assert not {"turn_decay", "shift", "cost_tokens"} & set(mine)
    rows = imug_metrics.compare(carried, metrics=["helpful"]).rows()
    assert rows[0]["value"] == pytest.approx(-0.3)
    assert rows[0]["dialogues"] == 24
    assert imug_metrics.compare(carried, metrics=["cost_tokens"]).rows()[0]["value"] == pytest.approx(0)


def test_what_is_no_mean_is_not_filled_with_zeros() -> None:
    found = replace(TurnDecay().describe(), name="slope")
    scores = {"slope": -0.1, "slope_coverage": 0.5, "slope_lower": -0.2, "slope_upper": 0.0}
    model = ModelScores("mine", scores, [], descriptions={"slope": found})
    view = known_metrics([model])[-1]
    [mark] = marks(model, view)
    assert mark.text == "50 % of the outputs were scored"
    cost = replace(found, name="slope", higher_is_better=False, is_mean=True)
    [mark] = marks(model, known_metrics([replace(model, descriptions={"slope": cost})])[-1])
    assert "with the others as 0" not in mark.text


def test_descriptions_are_kept_with_an_evaluation(carried: Evaluation, given: Evaluation, tmp_path: Path) -> None:
    for evaluation in (carried, given):
        evaluation.save(tmp_path / "kept")
        loaded = Evaluation.load(tmp_path / "kept")
        assert [r.scores.descriptions for r in loaded.results] == [r.scores.descriptions for r in evaluation.results]
        assert loaded.table() == evaluation.table()
        assert 'embedded":' not in (tmp_path / "kept" / "models").glob("*.json").__next__().read_text("utf-8")


def test_repeats_average_named_scores(tmp_path: Path) -> None:
    folders = []
    for place, shift in enumerate((0.0, 0.2)):
        folder = tmp_path / f"run{place}"
        imug_metrics.evaluate({"mine": dialogues(shift)}, encoder=encoder(), metrics=[TurnDecay()]).save(folder)
        folders.append(folder)
    found = {score.metric: score for score in repeated_runs(*folders).scores}
    each = [Evaluation.load(folder).scores["mine"]["helpful"] for folder in folders]
    assert found["helpful"].value == pytest.approx(sum(each) / 2)
    assert "turn_decay" not in found


def test_a_named_score_alone_makes_a_page_with_its_name_as_text(tmp_path: Path) -> None:
    records = [
        Record(f"d{d}", t, "text", "Say it.", text="yes", scores={"<b>kind": d / 10}) for d in range(9) for t in (1, 2)
    ]
    evaluation = imug_metrics.evaluate({"mine": records})
    html = evaluation.report(tmp_path).read_text(encoding="utf-8")
    assert "<b>kind" not in html
    assert "&lt;b&gt;kind" in html


def test_thumbnails_of_images_without_a_file_are_shown(carried: Evaluation, tmp_path: Path) -> None:
    html = carried.report(tmp_path / "new").read_text(encoding="utf-8")
    assert html.count('src="data:image/jpeg;base64,') >= 6
    carried.save(tmp_path / "kept")
    again = Evaluation.load(tmp_path / "kept").report(tmp_path / "again").read_text(encoding="utf-8")
    assert "an image whose content was not kept" in again


def test_content_that_is_no_image_leaves_the_report_whole(tmp_path: Path) -> None:
    broken = [b"<script>alert(1)</script>", b"no image", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
    records = [Record("a", t, "image", "Draw it.", image=image) for t, image in enumerate(broken, 1)]
    records.append(Record("a", 5, "image", "Draw it.", image=png(COLOURS[0])))
    evaluation = imug_metrics.evaluate({"mine": records}, encoder=encoder())
    assert len(evaluation.problems) == 4
    assert all("embedded:" in str(problem) for problem in evaluation.problems)
    html = evaluation.report(tmp_path).read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert html.count('src="data:image/jpeg;base64,') == 1


def test_a_plain_metric_of_torchmetrics_is_shown_by_its_name() -> None:
    class Loudness(Metric):
        """How loud the answers are."""

        higher_is_better = False
        full_state_update = False

        def __init__(self) -> None:
            super().__init__()
            self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")

        def update(self, scores: torch.Tensor) -> None:
            self.total = self.total + scores.sum()

        def compute(self) -> torch.Tensor:
            return self.total

    found = imug_metrics.evaluate({"mine": dialogues()}, encoder=encoder(), metrics={"loud": Loudness()})
    assert math.isfinite(found.scores["mine"]["loud"])
    assert "loud" in found.table()
    assert find([found.results[0].scores]) is not None
    assert any("loud" in plain(str(table)) for table in score_tables([found.results[0].scores]))


def test_two_models_that_were_scored_with_different_metrics_are_shown_together(
    carried: Evaluation, given: Evaluation, tmp_path: Path
) -> None:
    models = [carried.results[0].scores, given.results[0].scores]
    html = write_report(models, tmp_path, manifest={}).read_text(encoding="utf-8")
    for label in ("helpful", "before", "Decay", "Answers"):
        assert f'<th scope="col">{label}</th>' in html


def test_what_has_no_better_end_is_ranked_only_by_name() -> None:
    def words(record: Record) -> float | None:
        """How many words an answer has."""
        return None if record.text is None else float(len(record.text.split()))

    runs = {name: [Record(f"d{d}", 1, "text", "Which?", text=text, target="A") for d in range(4)] for name, text in
            (("short", "A"), ("long", "It is A"))}  # fmt: skip
    found = imug_metrics.evaluate(runs, metrics={"words": words})
    assert comparable_metrics([result.scores for result in found.results]) == []
    assert imug_metrics.compare(found).rows() == []
    [named] = imug_metrics.compare(found, metrics=["words"]).rows()
    assert abs(named["value"]) == 2
