# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""MLflow: what a client reads from the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imug_metrics import Evaluation
from imug_metrics.report.trackers.scores import tracked_scores

SCRIPT = """
import mlflow

evaluation.report("report")
client = mlflow.MlflowClient()
refused = []
def log(scores={"refused": 0.5}, **arguments):
    try:
        trackers.log_mlflow(scores, **arguments)
    except ValueError as error:
        refused.append(str(error))
log()
with mlflow.start_run() as active:
    log(artifacts="nowhere")
    returned = evaluation.to_mlflow(artifacts="report", step=3)  # in the run that is active
other = client.create_run(client.create_experiment("other"))
trackers.log_mlflow(metric.compute(), other.info.run_id, client=client, prefix="val/")
compare(evaluation).to_mlflow(other.info.run_id)
log({"refused": 0.5, "x" * 251: 0.5}, run_id=other.info.run_id)
many = client.create_run(other.info.experiment_id)
trackers.log_mlflow({f"score[{place}]": place for place in range(2345)}, many.info.run_id)
def points(run):
    found = {}
    for key in client.get_run(run.info.run_id).data.metrics:
        [point] = client.get_metric_history(run.info.run_id, key)
        found[key] = [point.step, point.value]
    return found
def files(run):
    folder = Path(client.download_artifacts(run.info.run_id, ""))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
read_back({"returned": returned, "active": points(active), "files": files(active), "other": points(other),
           "tables": [*files(other)], "report": Path("report/summary.json").read_text(), "refused": refused,
           "many": client.get_run(many.info.run_id).data.metrics})
"""


def test_a_run_holds_the_scores_tables_and_report(
    run_script: Callable[[str, str], Any], evaluation: Evaluation, expected: dict[str, float]
) -> None:
    found = run_script("mlflow", SCRIPT)
    assert found["returned"] == expected
    assert found["active"] == {key: [3, value] for key, value in expected.items()}
    files = found["files"]
    assert {"leaderboard.csv", "per_turn.csv", "summary.json", "report.html"} <= files.keys()
    assert files["summary.json"] == found["report"]
    header, *rows = files["leaderboard.csv"].splitlines()
    assert header.startswith("model,answer_accuracy,answer_accuracy_lower,")
    assert [row.split(",")[:2] for row in rows] == [
        [model, repr(scores["answer_accuracy"])] for model, scores in evaluation.scores.items()
    ]
    assert found["other"]["val/answer_accuracy"] == [0, 0.5]
    assert "steady 2.5/minus/fading/answer_accuracy" in found["other"]
    assert found["tables"] == ["differences.csv"]
    assert found["many"] == tracked_scores({f"score[{place}]": place for place in range(2345)}), "more than at once"
    no_run, no_folder, too_long = found["refused"]
    assert "`run_id`" in no_run
    assert "`artifacts`: expected a folder, got nowhere" in no_folder
    assert "expected keys of up to 250 characters for MLflow" in too_long
    assert "refused" not in found["other"], "nothing is logged then"
