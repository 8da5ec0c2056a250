# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Properties that every metric has, one test a property over one table of all metrics.

To add a metric: list its `CASES` in its own test file, each with a function that makes its update arguments for given
dialogues (tests/metrics/cases.py). Every test below then runs on it.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import MetricCollection

from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval
from tests.metrics.cases import OPTIONS, Case, all_cases, images_and_texts, places, present, scores

CASES = all_cases()
pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=OPTIONS)
def options(request: pytest.FixtureRequest, case: Case) -> dict[str, Any]:
    if request.param not in case.options():
        pytest.skip("some of these options have no meaning for it by design")
    return {"detail": True, **OPTIONS[request.param]}


def test_every_metric_scores_something(case: Case, options: dict[str, Any]) -> None:
    found = case.whole(**options)
    primary = next(iter(found))
    assert found[primary].isfinite()
    if options.get("bootstrap") or found[f"{primary}_lower"].isfinite() or not _jumps(case.make(**options)):
        assert found[f"{primary}_lower"] <= found[primary] <= found[f"{primary}_upper"]
    assert 0 < found[f"{primary}_coverage"] < 1, "absent outputs must show"
    assert found[f"{primary}_n"] > 30


def _jumps(metric: Any) -> bool:
    """Whether the primary estimate has an interval from the bootstrap alone."""
    return metric.primary in metric.steps


def test_primary_estimate_of_detail_is_what_compute_gives_without(case: Case, options: dict[str, Any]) -> None:
    value = case.whole(**{**options, "detail": False})
    if isinstance(value, dict):  # a wrapper of several metrics
        value = next(iter(value.values()))
    assert value.ndim == 0
    assert value.item() == pytest.approx(next(iter(case.whole(**options).values())).item(), abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("parts", [2, 7])
def test_batch_split(case: Case, options: dict[str, Any], parts: int) -> None:
    dialogue, turn = places()
    metric = case.make(**options)
    group = dialogue % parts
    for part in range(parts):
        case.feed(metric, dialogue[group == part], turn[group == part])
    case.assert_same(metric.compute(), case.whole(**options))


def test_row_order(case: Case, options: dict[str, Any]) -> None:
    dialogue, turn = places()
    order = torch.randperm(len(turn), generator=torch.Generator().manual_seed(9))
    shuffled = case.feed(case.make(**options), dialogue[order], turn[order]).compute()
    case.assert_same(shuffled, case.whole(**options))


@pytest.mark.parametrize("end", ["turn", "lengths"])
@pytest.mark.parametrize("extra", [0, 3])
def test_padding(case: Case, options: dict[str, Any], extra: int, end: str) -> None:
    if case.rows != "tensors":
        pytest.skip("takes lists or row numbers; lists of lists are tested with the metric")
    dialogue, turn = places()
    ids = dialogue.unique()
    width = 6 + extra
    cells = {(int(d), int(t)): row for row, (d, t) in enumerate(zip(dialogue, turn))}
    rows = torch.tensor([[cells.get((int(d), t), -1) for t in range(1, width + 1)] for d in ids])
    padded = {name: values[rows] for name, values in case.columns(dialogue, turn).items()}  # -1: the last
    place = {"lengths": (rows >= 0).sum(1)}
    if end == "turn":
        place = {"turn": torch.where(rows >= 0, torch.arange(1, width + 1), 0)}
        kept = {name: (rows >= 0).view(*rows.shape, *[1] * (v.ndim - 2)) for name, v in padded.items()}
        padded = {name: values.where(kept[name], torch.nan) for name, values in padded.items()}
    metric = case.make(**options)
    metric.update(**padded, **place, dialogue=ids, valid=present(dialogue, turn)[rows] & (rows >= 0))
    case.assert_same(metric.compute(), case.whole(**options))


@pytest.mark.parametrize("validate", [True, False])
def test_a_model_that_gives_up_is_not_taken_for_a_dialogue_that_is_over(case: Case, validate: bool) -> None:
    if case is CASES["breakdown"]:
        pytest.skip("takes flat records alone")
    batch, valid = padded_batch(case, 24, 4), torch.ones(24, 4, dtype=torch.bool)
    valid[::2, 2:] = False
    all_turns, shown = torch.full((24,), 4), valid.sum(1)

    def found(**options: Any) -> dict[str, Tensor]:
        metric = case.make(detail=True, validate=validate, **options.pop("options", {}))
        metric.update(**batch, valid=valid, **options)
        return metric.compute()

    gave_up = found(lengths=all_turns)
    case.assert_same(found(turn=torch.arange(1, 5)), gave_up)
    primary = next(iter(gave_up))
    assert gave_up[f"{primary}_coverage"] <= 0.75
    if validate and not any(isinstance(column, list) for column in batch.values()):
        with pytest.raises(ValueError, match=r"`valid` .* got False in line 0, .* `lengths`, or by `turn` with 0"):
            found()
    else:  # lists say how long they are, and nobody looks without validation
        case.assert_same(found(), gave_up)
    if "missing" not in case.refuses and case is not CASES["verifier"]:  # what no candidate scored has no ROC curve
        zero = found(lengths=all_turns, options={"missing": "zero"})
        assert not torch.equal(zero[primary], found(lengths=shown)[primary])


def padded_batch(case: Case, lines: int, width: int) -> dict[str, Any]:
    """The arguments of whole dialogues, one line each."""
    dialogue, turn = torch.arange(lines * width) // width, torch.arange(lines * width) % width + 1
    padded: dict[str, Any] = {}
    for name, rows in case.columns(dialogue, turn).items():
        if isinstance(rows, Tensor):
            padded[name] = rows if name == "links" else rows.unflatten(0, (lines, width))
        else:
            padded[name] = [rows[start : start + width] for start in range(0, lines * width, width)]
    return padded


@pytest.mark.parametrize("parts", [1, 3])
def test_merge_state(case: Case, options: dict[str, Any], parts: int) -> None:
    dialogue, turn = places()
    metrics = [case.make(**options) for _ in range(parts + 1)]  # the last one sees nothing
    for part in range(parts):
        chosen = dialogue % parts == part
        case.feed(metrics[part], dialogue[chosen], turn[chosen])
    merged = metrics[-1]
    merged.compute()
    for metric in metrics[:-1]:
        merged.merge_state(metric)
    case.assert_same(merged.compute(), case.whole(**options))
    assert merged.update_count == parts


def test_forward_gives_the_batch_value_and_accumulates(case: Case, options: dict[str, Any]) -> None:
    dialogue, turn = places()
    metric = case.make(**options)
    for part in range(2):
        chosen = dialogue % 2 == part
        batch = case.columns(dialogue[chosen], turn[chosen])
        place = {"dialogue": dialogue[chosen], "turn": turn[chosen], "valid": present(dialogue[chosen], turn[chosen])}
        alone = case.feed(case.make(**options), dialogue[chosen], turn[chosen]).compute()
        case.assert_same(metric(**batch, **place), alone)
    case.assert_same(metric.compute(), case.whole(**options))


def test_empty_batch_changes_nothing(case: Case, options: dict[str, Any]) -> None:
    metric = case.feed(case.make(**options), *places())
    empty = torch.zeros(0, dtype=torch.int64)
    case.feed(metric, empty, empty)
    case.assert_same(metric.compute(), case.whole(**options))


def test_no_data_is_nan_not_zero(case: Case, options: dict[str, Any]) -> None:
    found = case.make(**options).compute()
    primary = next(iter(found))
    assert found[primary].isnan()
    assert found[f"{primary}_n"] == 0


@pytest.mark.parametrize("method", ["update", "forward"])
def test_refused_batch_leaves_the_state_as_it_was(case: Case, method: str) -> None:
    metric = case.feed(case.make(detail=True), *places())
    before = {key: copy.deepcopy(value) for key, value in metric.metric_state.items()}
    dialogue, turn = places(4, seed=2)
    turn = turn.clone()
    turn[0] = -1
    batch = case.columns(dialogue, turn)
    with pytest.raises(ValueError, match="`turn` to be >= 1, got -1 at row 0"):
        (metric if method == "forward" else metric.update)(**batch, dialogue=dialogue, turn=turn)
    after = metric.metric_state
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=0, atol=0)
    assert metric.update_count == 1
    case.assert_same(metric.compute(), case.whole(detail=True))


def test_state_is_of_constant_size(case: Case) -> None:
    if case.float32:
        pytest.skip("keeps rows by design")
    metric = case.make(detail=True, **({} if "bootstrap" in case.refuses else {"bootstrap": 3}))
    sizes = {key: value.shape for key, value in metric.metric_state.items()}
    for seed in range(3):
        case.feed(metric, *places(seed=seed))
        assert {key: value.shape for key, value in metric.metric_state.items()} == sizes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_input_dtype(case: Case, dtype: torch.dtype) -> None:
    if case.rows == "lists":
        pytest.skip("takes text")
    dialogue, turn = places()
    batch = case.columns(dialogue, turn)
    rounded = {k: v.to(dtype) if v.is_floating_point() else v for k, v in batch.items()}
    exact = {k: v.double() if v.is_floating_point() else v for k, v in rounded.items()}
    low, high = case.make(detail=True), case.make(detail=True)
    low.update(**rounded, dialogue=dialogue, turn=turn)
    high.update(**exact, dialogue=dialogue, turn=turn)
    # On a CPU cosines of pairs of narrower rows are multiplied in float32, see `imug_kernels.paired_cosine`.
    case.assert_same(low.compute(), high.compute(), 1e-12 if dtype == torch.float64 else 1e-6)


def test_sums_stay_float64_when_the_model_is_cast(case: Case) -> None:
    model = torch.nn.Module()
    model.metric = case.make(detail=True)
    model.to(torch.bfloat16).half()
    sums = [value for value in model.metric.metric_state.values() if isinstance(value, Tensor)]
    assert {value.dtype for value in sums} == {torch.float64, torch.uint8}
    case.feed(model.metric, *places())
    case.assert_same(model.metric.compute(), case.whole(detail=True))


def test_device(case: Case, device: torch.device) -> None:
    dialogue, turn = places()
    batch = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in case.columns(dialogue, turn).items()}
    metric = case.make(detail=True).to(device)
    metric.update(**batch, dialogue=dialogue.to(device), turn=turn.to(device), valid=present(dialogue, turn).to(device))
    found = {key: value.cpu() for key, value in metric.compute().items()}
    case.assert_same(found, case.whole(detail=True), 1e-12 if device.type == "cpu" else 1e-4)


def test_inference_mode(case: Case, options: dict[str, Any]) -> None:
    with torch.inference_mode():
        found = case.feed(case.make(**options), *places()).compute()
    case.assert_same({key: value.clone() for key, value in found.items()}, case.whole(**options))


def test_a_result_can_take_part_in_a_gradient(case: Case, options: dict[str, Any]) -> None:
    """Though an update may run in inference mode, whose tensors cannot."""
    weight = torch.ones((), requires_grad=True, dtype=torch.float64)
    for value in case.feed(case.make(**options), *places()).compute().values():
        (weight * value).backward()
    assert weight.grad is not None


def test_pickle_clone_and_reset(case: Case, options: dict[str, Any]) -> None:
    metric = case.feed(case.make(**options), *places())
    expected = case.whole(**options)
    case.assert_same(pickle.loads(pickle.dumps(metric)).compute(), expected)
    case.assert_same(metric.clone().compute(), expected)
    assert metric.state_dict() == {}
    assert not list(metric.parameters())
    metric.reset()
    case.assert_same(case.feed(metric, *places()).compute(), expected)


def test_validation_off_gives_the_same(case: Case) -> None:
    found = case.feed(case.make(detail=True, validate=False), *places()).compute()
    case.assert_same(found, case.whole(detail=True))


def test_collection_feeds_all_by_keyword_and_keeps_look_alikes_apart() -> None:
    dialogue, turn = places()
    alike = MetricCollection(
        {
            "skip": TurnAlignment("cosine"),
            "zero": TurnAlignment("cosine", missing="zero"),
            "score": TurnAlignment(),
            "retrieval": TurnRetrieval(),
            "consistency": TurnConsistency(),
            "decay": TurnDecay(),
        }
    )
    first = dialogue == dialogue[0]
    for chosen, valid in ((first, torch.ones_like(first)), (~first, present(dialogue, turn))):
        columns = {**images_and_texts(dialogue[chosen], turn[chosen]), **scores(dialogue[chosen], turn[chosen])}
        alike.update(**columns, dialogue=dialogue[chosen], turn=turn[chosen], valid=valid[chosen])
    found = alike.compute()
    assert found["zero"] < found["skip"]
    assert len(alike.compute_groups) == 6


def test_states_of_another_configuration_are_refused(case: Case) -> None:
    metric, other = case.make(), case.make(max_turns=7)
    with pytest.raises(ValueError, match="same configuration"):
        metric.merge_state(case.feed(other, *places()))


def test_bootstrap_needs_ids() -> None:
    with pytest.raises(ValueError, match="`dialogue`"):
        TurnDecay(bootstrap=10).update(torch.rand(3, 4))
