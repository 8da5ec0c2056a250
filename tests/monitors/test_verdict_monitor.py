# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The monitor of verdicts: rates, alarms, dialogues that end, states, parts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

import imug_metrics
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.monitors import VerdictMonitor, pooled_status
from imug_metrics.stats.confidence_sequences import confidence_sequence

Verdict = tuple[str, float | None, float | None]


def stream(dialogues: int, seed: int = 0, false_accepts: float = 0.2, name: str = "d") -> list[Verdict]:
    """Verdicts of dialogues of 1 to 5 turns, some without truth, some absent."""
    draw = np.random.default_rng(seed)
    found: list[Verdict] = []
    for dialogue in range(dialogues):
        for _ in range(int(draw.integers(1, 6))):
            right = float(draw.random() < 0.7)
            accepts = float(draw.random() < (0.9 if right else false_accepts))
            truth = None if draw.random() < 0.3 else right
            found.append((f"{name}{dialogue}", None if draw.random() < 0.1 else accepts, truth))
    return found


def watched(rows: Sequence[Verdict], **options: Any) -> VerdictMonitor:
    """A monitor that saw the rows one by one, each dialogue closed at its end."""
    monitor = VerdictMonitor(**options)
    for row, (dialogue, verdict, truth) in enumerate(rows):
        monitor.update(verdict, truth, dialogue=dialogue)
        if row + 1 == len(rows) or rows[row + 1][0] != dialogue:
            monitor.close(dialogue)
    return monitor


def test_rates_are_means_over_dialogues() -> None:
    rows = stream(80)
    status = watched(rows).status()
    by_rate: dict[str, dict[str, list[float]]] = {name: {} for name in status.rates}
    for dialogue, verdict, truth in rows:
        if verdict is None:
            continue
        said = {"pass_rate": verdict}
        if truth is not None:
            said["agreement"] = float(verdict == truth)
            said["sensitivity" if truth else "specificity"] = verdict if truth else 1 - verdict
        for name, value in said.items():
            by_rate[name].setdefault(dialogue, []).append(value)
    for name, rate in status.rates.items():
        means = [math.fsum(values) / len(values) for values in by_rate[name].values()]
        assert rate.units == len(means)
        assert rate.value == pytest.approx(math.fsum(means) / len(means), abs=1e-12)
        bounds = confidence_sequence(len(means), math.fsum(means), 1 - 0.05 / 4)
        assert [rate.lower, rate.upper] == pytest.approx([float(bound) for bound in bounds], abs=1e-9)
    assert status.missing == sum(verdict is None for _, verdict, _ in rows)


def test_single_verdicts_are_units_where_that_is_said() -> None:
    monitor = VerdictMonitor(unit="verdict")
    monitor.update([True, False, 1, 0.5], [1, 0, None, 0])
    rates = monitor.status().rates
    assert [rates[name].units for name in rates] == [4, 3, 2, 1]
    assert [rates[name].value for name in rates] == pytest.approx([2.5 / 4, 2.5 / 3, 1.5 / 2, 1.0])


def test_several_at_once_are_as_one_by_one() -> None:
    rows = stream(60, seed=1)
    at_once = VerdictMonitor()
    at_once.update([r[1] for r in rows], [r[2] for r in rows], dialogue=[r[0] for r in rows])
    at_once.close()
    assert json.loads(at_once.to_bytes()) == json.loads(watched(rows).to_bytes())


@pytest.mark.parametrize("form", [list, np.array, torch.tensor, tuple], ids=["list", "array", "tensor", "tuple"])
def test_forms_of_verdicts(form: Any) -> None:
    monitor = VerdictMonitor(unit="verdict")
    monitor.update(form([1.0, 0.0, math.nan]), form([1.0, 1.0, 0.0]))
    assert monitor.status().rates["agreement"].value == 0.5
    assert monitor.missing == 1


def test_ids_of_arrays_are_those_of_numbers() -> None:
    monitor = VerdictMonitor()
    for dialogue in np.arange(2):
        monitor.update(np.float32(1), torch.tensor(True), dialogue=dialogue)
        monitor.update(0, dialogue=[np.int64(dialogue)])
    assert [*monitor.open] == [0, 1]
    monitor.close(np.int64(1))  # type: ignore[arg-type]
    assert monitor.status().rates["pass_rate"].value == 0.5
    assert VerdictMonitor.from_bytes(monitor.to_bytes()).to_bytes() == monitor.to_bytes()


def test_open_dialogues_do_not_count_until_they_end() -> None:
    monitor = VerdictMonitor(max_open=2)
    for dialogue in "abc":
        monitor.update(dialogue == "a", dialogue=dialogue)
    status = monitor.status()
    assert (status.open, status.rates["pass_rate"].units, status.rates["pass_rate"].value) == (2, 1, 1.0)
    monitor.close("b")
    monitor.close("b")
    monitor.close("never seen")
    assert monitor.status().rates["pass_rate"].units == 2
    monitor.close()
    assert monitor.status().open == 0


def test_permissiveness_that_creeps_in_is_found_and_told() -> None:
    monitor = VerdictMonitor(reference=100)
    for part, false_accepts in enumerate((0.1, 0.1, 0.7)):
        for dialogue, verdict, truth in stream(300, part, false_accepts, name=f"{part}-"):
            monitor.update(verdict, truth, dialogue=dialogue)
        monitor.close()
    status = monitor.status()
    assert "specificity_falls" in status.found
    alarm = status.changes["specificity_falls"].alarm
    assert alarm is not None
    assert alarm.rate < alarm.baseline < 0.9
    said = status.sentences()
    assert any(line.startswith("grows permissive: rejects less of what is wrong: 0.") for line in said)
    assert said[-1].startswith("accepts of right work 0.")


def test_nothing_is_told_where_nothing_changes() -> None:
    status = watched(stream(400, seed=2), reference=100).status()
    assert status.found == ()
    assert len(status.sentences()) == 4


def test_an_empty_monitor_knows_nothing() -> None:
    status = VerdictMonitor().status()
    assert all(math.isnan(rate.value) and (rate.lower, rate.upper) == (0, 1) for rate in status.rates.values())
    assert all(change.evidence == 1 and change.baseline is None for change in status.changes.values())
    assert status.sentences()[0] == "passes: nothing yet"


@pytest.mark.parametrize("cut", [0, 1, 57, 200])
def test_bytes_go_on_where_they_ended(cut: int) -> None:
    rows = stream(100, seed=3)
    cut = min(cut, len(rows))
    first = VerdictMonitor(reference=20, baseline={"agreement_falls": 0.7})
    whole = VerdictMonitor(reference=20, baseline={"agreement_falls": 0.7})
    for dialogue, verdict, truth in rows[:cut]:
        first.update(verdict, truth, dialogue=dialogue)
    again = VerdictMonitor.from_bytes(first.to_bytes())
    for dialogue, verdict, truth in rows[cut:]:
        again.update(verdict, truth, dialogue=dialogue)
    for dialogue, verdict, truth in rows:
        whole.update(verdict, truth, dialogue=dialogue)
    again.close()
    whole.close()
    assert again.to_bytes() == whole.to_bytes()


def test_ids_keep_their_kind() -> None:
    monitor = VerdictMonitor()
    monitor.update([1, 0], dialogue=[1, "1"])
    assert [*VerdictMonitor.from_bytes(monitor.to_bytes()).open] == [1, "1"]


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(watched(stream(30)).to_bytes()), **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        changed(form="another"),
        changed(count=[1, 2]),
        changed(count=[1, 1, 1, 1], sum=[2**60, 0, 0, 0]),
        changed(missing=-1),
        changed(settings={"level": 2}),
        changed(settings={"unknown": 2}),
        changed(open=[[["x"], []]]),
        changed(open=[["x", [[1, 2.0]] * 4]]),
        changed(detectors={}),
    ],
    ids=range(13),
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ArgumentError, match="`data`"):
        VerdictMonitor.from_bytes(data)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_rates_of_parts_are_those_of_the_whole_in_any_order(order: tuple[int, ...]) -> None:
    parts = [stream(40, seed, name=f"{seed}-") for seed in range(3)]
    whole = watched([row for part in parts for row in part]).status()
    pooled = pooled_status([watched(parts[place]) for place in order])
    assert pooled.rates == whole.rates
    assert pooled.missing == whole.missing


def test_evidence_of_parts_is_shared_where_the_baseline_was_given() -> None:
    given = {"baseline": {"specificity_falls": 0.8}, "reference": 10}
    parts = [watched(stream(60, seed, 0.6, f"{seed}-"), **given) for seed in range(3)]
    pooled = pooled_status(parts).changes
    evidence = [part.status().changes["specificity_falls"].evidence for part in parts]
    assert pooled["specificity_falls"].evidence == pytest.approx(math.fsum(evidence) / 3)
    assert pooled["specificity_falls"].is_found == (math.fsum(evidence) / 3 >= 80)
    assert pooled["specificity_falls"].baseline == pytest.approx(0.8)
    assert math.isnan(pooled["pass_rate_rises"].evidence)
    assert not pooled["pass_rate_rises"].is_found


def test_one_part_is_itself() -> None:
    monitor = watched(stream(50, seed=4))
    assert pooled_status([monitor]) == monitor.status()


def test_other_settings_cannot_be_pooled() -> None:
    with pytest.raises(ArgumentError, match="same settings"):
        pooled_status([VerdictMonitor(), VerdictMonitor(reference=3)])
    with pytest.raises(ArgumentError, match="one or more"):
        pooled_status([])


@pytest.mark.parametrize(
    ("verdicts", "truth", "dialogue", "argument"),
    [
        ([1, 2], None, "a", "verdicts"),
        ([1, "accept"], None, "a", "verdicts"),
        ([1, [1]], None, "a", "verdicts"),
        ([1, math.inf], None, "a", "verdicts"),
        ([1, 0], [1, 0.5], "a", "truth"),
        ([1, 0], [1], "a", "truth"),
        ([1, 0], None, None, "dialogue"),
        ([1, 0], None, ["a", 1.5], "dialogue"),
        ([1, 0], None, ["a", True], "dialogue"),
        ([1, 0], None, ["a"], "dialogue"),
    ],
    ids=range(10),
)
def test_what_is_not_as_expected_is_refused_and_adds_nothing(
    verdicts: Any, truth: Any, dialogue: Any, argument: str
) -> None:
    monitor = VerdictMonitor()
    before = monitor.to_bytes()
    with pytest.raises(InputError, match=f"`{argument}`"):
        monitor.update(verdicts, truth, dialogue=dialogue)
    assert monitor.to_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"level": 1.0}, "level"),
        ({"unit": "turn"}, "unit"),
        ({"baseline": {"specificity": 0.9}}, "baseline"),
        ({"baseline": {"specificity_falls": 1.0}}, "baseline"),
        ({"reference": 0}, "reference"),
        ({"max_open": 0}, "max_open"),
    ],
)
def test_settings_outside_their_range_are_refused(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        VerdictMonitor(**arguments)


def test_a_long_stream_takes_no_more_room() -> None:
    monitor, sizes = VerdictMonitor(reference=50, max_open=3), []
    for part in range(3):
        for dialogue, verdict, truth in stream(300, part, name=f"{part}-"):
            monitor.update(verdict, truth, dialogue=dialogue)
        sizes.append(len(monitor.to_bytes()))
    assert max(sizes) < 1.2 * min(sizes)


def test_it_is_a_public_name() -> None:
    assert imug_metrics.VerdictMonitor is VerdictMonitor
