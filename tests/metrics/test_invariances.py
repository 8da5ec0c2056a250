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

from imug_metrics import DialogueMetric, TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval
from tests.metrics.cases import all_cases, images_and_texts, scores

CASES = all_cases()
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bootstrap": {"bootstrap": 20, "seed": 5},
    "zero-by-dialogue": {"missing": "zero", "average": "dialogue"},
}
pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


@pytest.fixture(params=CASES, name="case_name")
def _case_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=OPTIONS)
def options(request: pytest.FixtureRequest, case_name: str) -> dict[str, Any]:
    if request.param not in options_of(case_name):
        pytest.skip("some of these options have no meaning for it by design")
    return {"detail": True, **OPTIONS[request.param]}


def options_of(name: str) -> dict[str, dict[str, Any]]:
    """The sets of options that a case takes."""
    return {key: options for key, options in OPTIONS.items() if not set(options) & set(CASES[name].refuses)}


def places(count: int = 24, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Ragged dialogues of 1 to 6 turns under ids that are not in order."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (count,), generator=generator)
    ids = torch.randperm(1000, generator=generator)[:count] - 500
    return ids.repeat_interleave(lengths), torch.cat([torch.arange(1, int(n) + 1) for n in lengths])


def absent(dialogue: Tensor, turn: Tensor) -> Tensor:
    return (dialogue * 7 + turn * 3) % 11 != 0


def feed(metric: DialogueMetric, name: str, dialogue: Tensor, turn: Tensor) -> DialogueMetric:
    batch = CASES[name].columns(dialogue, turn)
    metric.update(**batch, dialogue=dialogue, turn=turn, valid=absent(dialogue, turn))
    return metric


def whole(name: str, options: dict[str, Any]) -> dict[str, Tensor]:
    return feed(CASES[name].make(**options), name, *places()).compute()


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor], name: str, tolerance: float = 1e-12) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        loose = 1e-6 if name in CASES and CASES[name].float32 and key.startswith("turn_decay") else tolerance
        torch.testing.assert_close(found[key], value, rtol=loose, atol=loose, equal_nan=True, msg=f"{name}: {key}")


def test_every_metric_scores_something(case_name: str, options: dict[str, Any]) -> None:
    found = whole(case_name, options)
    primary = next(iter(found))
    assert found[primary].isfinite()
    assert found[f"{primary}_lower"] <= found[primary] <= found[f"{primary}_upper"]
    assert 0 < found[f"{primary}_coverage"] < 1, "absent outputs must show"
    assert found[f"{primary}_n"] > 30


def test_headline_of_detail_is_what_compute_gives_without(case_name: str) -> None:
    scalar = feed(CASES[case_name].make(), case_name, *places()).compute()
    assert isinstance(scalar, Tensor)
    assert scalar.ndim == 0
    assert scalar.item() == next(iter(whole(case_name, {"detail": True}).values())).item()


@pytest.mark.parametrize("parts", [2, 7])
def test_batch_split(case_name: str, options: dict[str, Any], parts: int) -> None:
    dialogue, turn = places()
    metric = CASES[case_name].make(**options)
    group = dialogue % parts
    for part in range(parts):
        feed(metric, case_name, dialogue[group == part], turn[group == part])
    assert_same(metric.compute(), whole(case_name, options), case_name)


def test_row_order(case_name: str, options: dict[str, Any]) -> None:
    dialogue, turn = places()
    order = torch.randperm(len(turn), generator=torch.Generator().manual_seed(9))
    shuffled = feed(CASES[case_name].make(**options), case_name, dialogue[order], turn[order]).compute()
    assert_same(shuffled, whole(case_name, options), case_name)


@pytest.mark.parametrize("end", ["turn", "lengths"])
@pytest.mark.parametrize("extra", [0, 3])
def test_padding(case_name: str, options: dict[str, Any], extra: int, end: str) -> None:
    if CASES[case_name].rows != "tensors":
        pytest.skip("takes lists or row numbers; lists of lists are tested with the metric")
    dialogue, turn = places()
    ids = dialogue.unique()
    width = 6 + extra
    cells = {(int(d), int(t)): row for row, (d, t) in enumerate(zip(dialogue, turn))}
    rows = torch.tensor([[cells.get((int(d), t), -1) for t in range(1, width + 1)] for d in ids])
    padded = {name: values[rows] for name, values in CASES[case_name].columns(dialogue, turn).items()}  # -1: the last
    place = {"lengths": (rows >= 0).sum(1)}
    if end == "turn":
        place = {"turn": torch.where(rows >= 0, torch.arange(1, width + 1), 0)}
        kept = {name: (rows >= 0).view(*rows.shape, *[1] * (v.ndim - 2)) for name, v in padded.items()}
        padded = {name: values.where(kept[name], torch.nan) for name, values in padded.items()}
    metric = CASES[case_name].make(**options)
    metric.update(**padded, **place, dialogue=ids, valid=absent(dialogue, turn)[rows] & (rows >= 0))
    assert_same(metric.compute(), whole(case_name, options), case_name)


@pytest.mark.parametrize("parts", [1, 3])
def test_merge_state(case_name: str, options: dict[str, Any], parts: int) -> None:
    dialogue, turn = places()
    metrics = [CASES[case_name].make(**options) for _ in range(parts + 1)]  # the last one sees nothing
    for part in range(parts):
        chosen = dialogue % parts == part
        feed(metrics[part], case_name, dialogue[chosen], turn[chosen])
    merged = metrics[-1]
    merged.compute()
    for metric in metrics[:-1]:
        merged.merge_state(metric)
    assert_same(merged.compute(), whole(case_name, options), case_name)
    assert merged.update_count == parts


def test_forward_gives_the_batch_value_and_accumulates(case_name: str, options: dict[str, Any]) -> None:
    dialogue, turn = places()
    metric = CASES[case_name].make(**options)
    for part in range(2):
        chosen = dialogue % 2 == part
        batch = CASES[case_name].columns(dialogue[chosen], turn[chosen])
        place = {"dialogue": dialogue[chosen], "turn": turn[chosen], "valid": absent(dialogue[chosen], turn[chosen])}
        alone = feed(CASES[case_name].make(**options), case_name, dialogue[chosen], turn[chosen]).compute()
        assert_same(metric(**batch, **place), alone, case_name)
    assert_same(metric.compute(), whole(case_name, options), case_name)


def test_empty_batch_changes_nothing(case_name: str, options: dict[str, Any]) -> None:
    metric = feed(CASES[case_name].make(**options), case_name, *places())
    empty = torch.zeros(0, dtype=torch.int64)
    feed(metric, case_name, empty, empty)
    assert_same(metric.compute(), whole(case_name, options), case_name)


def test_no_data_is_nan_not_zero(case_name: str, options: dict[str, Any]) -> None:
    found = CASES[case_name].make(**options).compute()
    primary = next(iter(found))
    assert found[primary].isnan()
    assert found[f"{primary}_n"] == 0


@pytest.mark.parametrize("method", ["update", "forward"])
def test_refused_batch_leaves_the_state_as_it_was(case_name: str, method: str) -> None:
    metric = feed(CASES[case_name].make(detail=True), case_name, *places())
    before = {key: copy.deepcopy(value) for key, value in metric.metric_state.items()}
    dialogue, turn = places(4, seed=2)
    turn = turn.clone()
    turn[0] = -1
    batch = CASES[case_name].columns(dialogue, turn)
    with pytest.raises(ValueError, match="`turn` to be >= 1, got -1 at row 0"):
        (metric if method == "forward" else metric.update)(**batch, dialogue=dialogue, turn=turn)
    after = metric.metric_state
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=0, atol=0)
    assert_same(metric.compute(), whole(case_name, {"detail": True}), case_name)


def test_state_is_of_constant_size(case_name: str) -> None:
    if CASES[case_name].float32:
        pytest.skip("keeps rows by design")
    metric = CASES[case_name].make(detail=True, **({} if "bootstrap" in CASES[case_name].refuses else {"bootstrap": 3}))
    sizes = {key: value.shape for key, value in metric.metric_state.items()}
    for seed in range(3):
        feed(metric, case_name, *places(seed=seed))
        assert {key: value.shape for key, value in metric.metric_state.items()} == sizes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_input_dtype(case_name: str, dtype: torch.dtype) -> None:
    if CASES[case_name].rows == "lists":
        pytest.skip("takes text")
    dialogue, turn = places()
    batch = CASES[case_name].columns(dialogue, turn)
    rounded = {k: v.to(dtype) if v.is_floating_point() else v for k, v in batch.items()}
    exact = {k: v.double() if v.is_floating_point() else v for k, v in rounded.items()}
    low, high = CASES[case_name].make(detail=True), CASES[case_name].make(detail=True)
    low.update(**rounded, dialogue=dialogue, turn=turn)
    high.update(**exact, dialogue=dialogue, turn=turn)
    assert_same(low.compute(), high.compute(), case_name)


def test_sums_stay_float64_when_the_model_is_cast(case_name: str) -> None:
    model = torch.nn.Module()
    model.metric = CASES[case_name].make(detail=True)
    model.to(torch.bfloat16).half()
    sums = [value for value in model.metric.metric_state.values() if isinstance(value, Tensor)]
    assert {value.dtype for value in sums} == {torch.float64, torch.uint8}
    feed(model.metric, case_name, *places())
    assert_same(model.metric.compute(), whole(case_name, {"detail": True}), case_name)


def test_device(case_name: str, device: torch.device) -> None:
    dialogue, turn = places()
    batch = {
        k: v.to(device) if isinstance(v, Tensor) else v for k, v in CASES[case_name].columns(dialogue, turn).items()
    }
    metric = CASES[case_name].make(detail=True).to(device)
    metric.update(**batch, dialogue=dialogue.to(device), turn=turn.to(device), valid=absent(dialogue, turn).to(device))
    found = {key: value.cpu() for key, value in metric.compute().items()}
    assert_same(found, whole(case_name, {"detail": True}), case_name, 1e-12 if device.type == "cpu" else 1e-4)


def test_inference_mode(case_name: str, options: dict[str, Any]) -> None:
    with torch.inference_mode():
        found = feed(CASES[case_name].make(**options), case_name, *places()).compute()
    assert_same({key: value.clone() for key, value in found.items()}, whole(case_name, options), case_name)


def test_pickle_clone_and_reset(case_name: str, options: dict[str, Any]) -> None:
    metric = feed(CASES[case_name].make(**options), case_name, *places())
    expected = whole(case_name, options)
    assert_same(pickle.loads(pickle.dumps(metric)).compute(), expected, case_name)
    assert_same(metric.clone().compute(), expected, case_name)
    assert metric.state_dict() == {}
    assert not list(metric.parameters())
    metric.reset()
    assert_same(feed(metric, case_name, *places()).compute(), expected, case_name)


def test_validation_off_gives_the_same(case_name: str) -> None:
    found = feed(CASES[case_name].make(detail=True, validate=False), case_name, *places()).compute()
    assert_same(found, whole(case_name, {"detail": True}), case_name)


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
    for chosen, valid in ((first, torch.ones_like(first)), (~first, absent(dialogue, turn))):
        columns = {**images_and_texts(dialogue[chosen], turn[chosen]), **scores(dialogue[chosen], turn[chosen])}
        alike.update(**columns, dialogue=dialogue[chosen], turn=turn[chosen], valid=valid[chosen])
    found = alike.compute()
    assert found["zero"] < found["skip"]
    assert len(alike.compute_groups) == 6


def test_states_of_another_configuration_are_refused(case_name: str) -> None:
    metric, other = CASES[case_name].make(), CASES[case_name].make(max_turns=7)
    with pytest.raises(ValueError, match="same configuration"):
        metric.merge_state(feed(other, case_name, *places()))


def test_bootstrap_needs_ids() -> None:
    with pytest.raises(ValueError, match="`dialogue`"):
        TurnDecay(bootstrap=10).update(torch.rand(3, 4))
