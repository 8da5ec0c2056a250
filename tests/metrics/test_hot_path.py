# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What an update costs, counted and never timed: operations, waits for the device, memory that stays where it is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.wrappers import Running

from benchmarks.dispatch_counts import Counts, count
from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval
from imug_metrics._constants import constant
from imug_metrics.functional import turn_decay
from imug_metrics.stats import running_sums
from tests.metrics.cases import OPTIONS, Case, metric_cases, places

CASES = {name: case for name, case in metric_cases().items() if case.rows != "lists"}
LINES, WIDTH = 8, 4
CLOSE_LOOKS = {"drift-ssim": 1, "decay-theil-sen": 4, "identity": 1, "identity-subjects": 1}
"""Waits of metrics that look at all pairs of flat records, whose number the host has to know."""
LOOKS_ON_A_CPU = {"best-of-n", "selection", "selection-probabilities"}
LOOKS_ON_A_CPU |= {"drift-squared", "drift-cosine", "drift-references", "style", "style-squared", "style-references"}
"""They ask a CPU which rows have ties, or are pairs, since most are not; on a device they do not ask."""
COUNTED = 15
"""Operations that ids cost, which flat records have, so that repeated dialogues are noticed."""
MOST = {("plain", "padded"): 54, ("plain", "flat"): 62 + COUNTED}
MOST |= {("detail", "padded"): 110, ("detail", "flat"): 134 + COUNTED}
"""Operations of an update: what the estimate is made of, or all."""
MORE = {"selection": {"detail": 80}, "selection-probabilities": {"plain": 60, "detail": 165}, "structure": {"plain": 1}}
MORE |= {"copies": {"plain": 110, "detail": 150}, "copies-cosine": {"plain": 25, "detail": 20}}
MORE["consistency-pairwise"] = {"detail": 40}
MORE["checklist"] = {"plain": 38, "detail": 70}  # four arguments of items beside the answers, each looked at
MORE["edits"] = {"plain": 30, "detail": 220}  # maps of images against the one before and the first, and their means
MORE["drift-ssim"] = {"plain": 46, "detail": 102}  # SSIM, against the first image and against those before
# The content's own distances, and three slopes of and over them.
MORE |= {"style": {"detail": 27}, "style-squared": {"detail": 27}, "style-references": {"detail": 37}}
MORE |= {"forgetting-graph": {"detail": 16}, "recency-graph": {"plain": 4, "detail": 6}}  # chains of links
# Scores against costs, up to every turn; cosines of the samples of every turn, and their eigenvalues.
MORE["cost-scored"] = {"detail": 16}
MORE |= {name: {"plain": 21, "detail": 9} for name in ("samples", "samples-distance")}
MORE |= {"subjects-consecutive": {"detail": 6}, "subjects-graph": {"detail": 65}}
MORE |= {name: {"plain": 27, "detail": 56} for name in ("identity", "identity-subjects")}
"""Operations beyond these: ranks and bins of candidates, answers without a reference, earlier images and parts of
pixels, the links of three parts; pairs of images, their histograms and a sample of images."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def name(case: Case) -> str:
    return next(name for name, known in CASES.items() if known is case)


def records() -> tuple[Tensor, Tensor]:
    return torch.arange(LINES).repeat_interleave(WIDTH), torch.arange(1, WIDTH + 1).repeat(LINES)


def flat_batch(case: Case) -> dict[str, Any]:
    dialogue, turn = records()
    return {**case.columns(dialogue, turn), "dialogue": dialogue, "turn": turn}


def padded_batch(case: Case) -> dict[str, Any]:
    def lines(value: Any) -> Any:
        is_column = isinstance(value, Tensor) and len(value) == LINES * WIDTH
        return value.view(LINES, WIDTH, *value.shape[1:]) if is_column else value

    return {key: lines(value) for key, value in case.columns(*records()).items()}


def count_update(metric: Any, batch: dict[str, Any]) -> Counts:
    metric.update(**batch)  # constants of this shape are made once
    return count(lambda: metric.update(**batch))


@pytest.mark.parametrize("form", ["padded", "flat"])
@pytest.mark.parametrize("kind", ["plain", "detail"])
@pytest.mark.parametrize("validate", [True, False])
def test_an_update_asks_for_few_operations(case: Case, name: str, form: str, kind: str, validate: bool) -> None:
    if form == "padded" and case.rows != "tensors":
        pytest.skip("its arguments are not padded with NaN")
    batch = padded_batch(case) if form == "padded" else flat_batch(case)
    found = count_update(case.make(validate=validate, detail=kind == "detail"), batch)
    assert found.operations <= MOST[kind, form] + MORE.get(name, {}).get(kind, 0)
    assert found.index_adds == 0


OF_LISTS = {"fault-localization": 40, "trace-compliance": 24}  # where a record is a list of steps


@pytest.mark.parametrize("name", sorted(name for name, case in metric_cases().items() if case.rows == "lists"))
@pytest.mark.parametrize("detail", [True, False])
def test_an_update_that_reads_texts_asks_for_few_operations_too(name: str, detail: bool) -> None:
    case = metric_cases()[name]
    letters = name in {"accuracy-strict", "accuracy-imug", "accuracy-options"}  # of keys, which the host looks at
    for validate in (True, False):
        found = count_update(case.make(detail=detail, validate=validate), flat_batch(case))
        assert found.operations <= 42 + 50 * detail + COUNTED + OF_LISTS.get(name, 0)
        assert found.waits <= letters + validate
        assert found.index_adds == 0


@pytest.mark.parametrize(
    ("metric", "padded", "flat"),
    [
        (TurnAlignment, 17, 26),
        (TurnConsistency, 17, 28),
        (TurnRetrieval, 17, 30),
        (TurnDecay, 24, 40),
    ],
)
def test_the_four_that_training_loops_call_ask_for_fewer(metric: Any, padded: int, flat: int) -> None:
    columns = {"images": torch.randn(8, 4, 16), "texts": torch.randn(8, 4, 16), "scores": torch.rand(8, 4)}
    lines = {name: columns[name] for name in _arguments(metric)}
    dialogue, turn = records()
    for validate in (True, False):
        found = metric(validate=validate)
        assert count_update(found, lines).operations <= padded
        rows = {name: column.flatten(0, 1) for name, column in lines.items()}
        assert count_update(found, {**rows, "dialogue": dialogue, "turn": turn}).operations <= flat + COUNTED
    assert count_update(metric(detail=True), lines).operations <= 57


def _arguments(metric: Any) -> tuple[str, ...]:
    return {TurnDecay: ("scores",), TurnConsistency: ("images",)}.get(metric, ("images", "texts"))


@pytest.mark.parametrize("layout", [padded_batch, flat_batch], ids=["padded", "flat"])
@pytest.mark.parametrize("detail", [True, False])
def test_an_update_waits_once_for_its_checks_and_never_without_them(
    case: Case, name: str, layout: Callable[[Case], dict[str, Any]], detail: bool
) -> None:
    if name in LOOKS_ON_A_CPU:
        pytest.skip("what it asks of a CPU it does not ask of a device; see the test on tensors without values")
    if layout is padded_batch and case.rows != "tensors":
        pytest.skip("its arguments are not padded with NaN")
    free = CLOSE_LOOKS.get(name, 0)
    for validate in (True, False):
        assert count_update(case.make(detail=detail, validate=validate), layout(case)).waits <= free + validate


@pytest.mark.parametrize("validate", [True, False])
def test_a_mask_is_looked_at_together_with_all_else(case: Case, name: str, validate: bool) -> None:
    """Whether a line ends with False, which needs `lengths` or `turn`, is a look that costs no wait of its own."""
    if name in LOOKS_ON_A_CPU or case.rows != "tensors":
        pytest.skip("see the test above")
    batch = {**padded_batch(case), "valid": torch.ones(LINES, WIDTH, dtype=torch.bool)}
    assert count_update(case.make(validate=validate), batch).waits <= CLOSE_LOOKS.get(name, 0) + validate


@pytest.mark.parametrize("layout", [padded_batch, flat_batch], ids=["padded", "flat"])
@pytest.mark.parametrize("detail", [True, False])
def test_an_update_runs_on_tensors_whose_values_nobody_can_see(
    case: Case, name: str, layout: Callable[[Case], dict[str, Any]], detail: bool
) -> None:
    if name in CLOSE_LOOKS or (layout is padded_batch and case.rows != "tensors"):
        pytest.skip("it keeps as many numbers as there are pairs, or is not padded with NaN")
    batch, metric = layout(case), case.make(detail=detail, validate=False)
    metric._device = torch.device("meta")
    for state, default in metric._defaults.items():
        if isinstance(default, Tensor):
            setattr(metric, state, default.to("meta"))
    metric.update(**{key: value.to("meta") if isinstance(value, Tensor) else value for key, value in batch.items()})
    assert metric.moments.device.type == "meta"


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("turn", [None, torch.tensor([2, 1, 0, 5])], ids=["columns", "given"])
def test_padded_records_give_the_same_with_and_without_detail(
    case: Case, options: dict[str, Any], turn: Tensor | None
) -> None:
    if case.rows != "tensors" or options not in case.options().values():
        pytest.skip("its arguments are not padded with NaN, or it refuses an option")
    plain, detailed = (case.make(detail=detail, **options) for detail in (False, True))
    for metric in (plain, detailed):
        metric.update(**padded_batch(case), turn=turn, dialogue=torch.arange(LINES) * 3)
    expected = next(iter(detailed.compute().values()))
    torch.testing.assert_close(plain.compute(), expected, rtol=1e-14, atol=1e-14, equal_nan=True)


@pytest.mark.filterwarnings("ignore:About .* dialogues had been counted before")  # it is the same batch all the time
def test_forward_costs_an_update_and_a_result(case: Case) -> None:
    batch = flat_batch(case)
    metric = case.make()
    metric(**batch)
    update = count_update(metric, batch).operations
    metric.compute()
    metric._computed = None
    result = count(metric.compute).operations
    assert count(lambda: metric(**batch)).operations <= update + result + 4 * len(metric._defaults) + 2


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_a_state_stays_where_it_is(case: Case) -> None:
    metric = case.make(detail=True)
    where = addresses(metric)
    for _ in range(2):
        case.feed(metric, *places())
        metric(**flat_batch(case))
        metric.reset()
    assert addresses(metric) == where
    case.assert_same(case.feed(metric, *places()).compute(), case.whole(detail=True))


def addresses(metric: Any) -> dict[str, int]:
    states = {name: getattr(metric, name) for name in metric._defaults if name != "config"}
    return {name: state.data_ptr() for name, state in states.items() if isinstance(state, Tensor)}


def test_a_state_that_somebody_else_holds_is_left_to_them() -> None:
    running = Running(TurnDecay(), window=2)
    for slope in (-0.1, -0.2, -0.3):
        running.update(torch.arange(4.0)[None] * slope)
    assert running.compute().item() == pytest.approx(-0.25)
    pair = MetricCollection([TurnDecay(), TurnAlignment()])
    scores, rows = torch.rand(3, 4), torch.randn(3, 4, 8)
    pair.update(scores=scores, images=rows, texts=rows)
    pair.reset()
    pair.update(scores=scores, images=rows, texts=rows)
    alone = TurnDecay()
    alone.update(scores)
    assert pair.compute()["TurnDecay"] == alone.compute()


def test_replays_that_python_did_not_see_are_counted() -> None:
    metric = TurnDecay()
    metric.update(torch.tensor([[1.0, 0.5]]))
    before = metric.compute()
    metric.moments[0] *= 2  # as replays of a graph would have left it, seen by nobody
    metric.count_updates(2)
    assert metric.update_count == 3
    assert metric.compute() == 2 * before


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:About .* dialogues had been counted before")  # the ids are those of the capture
@pytest.mark.parametrize("form", ["padded", "flat"])
@pytest.mark.parametrize("make", [TurnAlignment, TurnConsistency, TurnDecay])
def test_three_replays_of_a_captured_update_equal_three_updates(make: Any, form: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    shape = (LINES, WIDTH) if form == "padded" else (LINES * WIDTH,)
    sizes = {"images": (*shape, 64), "texts": (*shape, 64), "scores": shape}
    columns = {name: torch.randn(sizes[name], device="cuda") for name in _arguments(make)}
    places = dict(zip(("dialogue", "turn"), (column.cuda() for column in records()))) if form == "flat" else {}
    metric, expected = (make(validate=False, in_order=True).to("cuda") for _ in range(2))
    metric.update(**columns, **places)  # constants and kernels are made before the capture
    metric.reset()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        metric.update(**columns, **places)
    metric.reset()
    for start in (0, 1000, 2000):
        for column in columns.values():
            column.normal_()
        for size in range(start, start + 500):  # what the graph reads must not make room for these
            constant(torch.arange, size, like=metric.moments)
        graph.replay()
        expected.update(**columns, **places)
    metric.count_updates(3)
    torch.testing.assert_close(metric.compute(), expected.compute())
    assert metric.repeated_dialogues == expected.repeated_dialogues
    assert metric.repeated_dialogues.sightings == (3 * LINES if places else 0)


@pytest.fixture
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


class RefusedOnCuda(TorchDispatchMode):
    """Refuses what deterministic algorithms refuse on CUDA and take on a CPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self:  # in inference mode an operation arrives whole
            found = func.decompose(*args, **(kwargs or {}))
        if found is not NotImplemented:
            return found
        name = func.name().removeprefix("aten::")
        assert name not in {"put_", "histc", "median.dim", "nll_loss2d_forward"}, name
        assert not (name in {"cumsum", "cumsum_", "cumsum.out"} and args[0].is_floating_point()), name
        assert not (name == "bincount" and len(args) > 1 and args[1] is not None), name
        return func(*args, **(kwargs or {}))


@pytest.mark.usefixtures("deterministic")
def test_everything_runs_under_deterministic_algorithms_on_cuda_too(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_sums, "_keeps_order", lambda values: False)  # as on other devices than a CPU
    for detail in (True, False):
        with RefusedOnCuda():
            case.feed(case.make(detail=detail), *places()).compute()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.cumsum(0),
        lambda x: x.put_(torch.tensor([0]), x[:1]),
        lambda x: x.histc(3),
        lambda x: x.median(0),
        lambda x: torch.arange(3).bincount(x),
    ],
)
def test_what_deterministic_algorithms_refuse_is_noticed(call: Callable[[Tensor], Any]) -> None:
    with RefusedOnCuda():
        torch.arange(3).cumsum(0)
        torch.arange(3).bincount()
        for mode in (True, False):
            with torch.inference_mode(mode), pytest.raises(AssertionError):
                call(torch.rand(3))


@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.3])
def test_a_constant_dialogue_has_a_slope_of_exactly_zero(value: float) -> None:
    scores = torch.full((3, 7), value, dtype=torch.float64)
    scores[0, 2], scores[1, 0] = math.nan, math.nan
    dialogue, turn = torch.arange(3).repeat_interleave(7), torch.arange(1, 8).repeat(3) ** 2
    padded, flat, unsorted = TurnDecay(), TurnDecay(), TurnDecay()
    padded.update(scores)
    flat.update(scores.flatten(), dialogue=dialogue, turn=turn)
    order = torch.randperm(21, generator=torch.Generator().manual_seed(0))
    unsorted.update(scores.flatten()[order], dialogue=dialogue[order], turn=turn[order])
    assert [metric.compute().item() for metric in (padded, flat, unsorted)] == [0, 0, 0]


@pytest.mark.parametrize("start", [0, 2**53 + 1, 1_700_000_000_000_000_000])
@pytest.mark.parametrize("detail", [True, False])
def test_slopes_over_time_stamps_are_exact(start: int, detail: bool) -> None:
    scores, turn = torch.tensor([0.9, 0.5, 0.4], dtype=torch.float64), start + torch.tensor([1, 2, 3])
    flat, padded = TurnDecay(detail=detail), TurnDecay(detail=detail)
    flat.update(scores, dialogue=[0, 0, 0], turn=turn)
    padded.update(scores[None], turn=turn[None])
    found = [metric.compute() for metric in (flat, padded)]
    found += [turn_decay(scores, dialogue=[0, 0, 0], turn=turn)]
    assert [float(value["turn_decay"] if isinstance(value, dict) else value) for value in found] == pytest.approx(
        [-0.25] * 3, abs=1e-12
    )


@pytest.mark.parametrize("seed", range(20))
def test_sums_equal_a_loop_over_dialogues(seed: int) -> None:
    """Ragged dialogues with missing turns and absent outputs, flat in any order and padded with given turns."""
    generator = np.random.default_rng(seed)
    turns = [np.sort(generator.choice(np.arange(1, 20), generator.integers(1, 9), replace=False)) for _ in range(9)]
    scores = [np.where(generator.random(len(t)) < 0.8, generator.normal(size=len(t)), np.nan) for t in turns]
    valid = [generator.random(len(t)) < 0.9 for t in turns]
    expected = naive(turns, [np.where(v, s, np.nan) for s, v in zip(scores, valid)])
    options: dict[str, Any] = {"detail": True, "max_turns": 12}

    order = generator.permutation(sum(map(len, turns)))
    columns = (np.repeat(np.arange(9) * 7 - 20, list(map(len, turns))), np.concatenate(turns), np.concatenate(scores))
    dialogue, turn, flat = (torch.tensor(column[order]) for column in columns)
    metric = TurnDecay(**options)
    metric.update(flat, dialogue=dialogue, turn=turn, valid=torch.tensor(np.concatenate(valid)[order]))
    compare(metric.compute(), expected)

    shape = (9, max(map(len, turns)) + 1)
    padded, places_, masks = np.full(shape, 0.5), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for line, (t, s, v) in enumerate(zip(turns, scores, valid)):
        cells = generator.permutation(len(t))  # in any order, with padding behind
        padded[line, cells], places_[line, cells], masks[line, cells] = s, t, v
    metric = TurnDecay(**options)
    metric.update(torch.tensor(padded), turn=torch.tensor(places_), valid=torch.tensor(masks))
    compare(metric.compute(), expected)


def naive(turns: list[np.ndarray], scores: list[np.ndarray]) -> dict[str, float]:
    """What the detail holds, dialogue by dialogue."""
    every, records = np.concatenate(scores), sum(map(len, turns))
    xy = xx = 0.0
    for t, s in zip(turns, scores):
        there = ~np.isnan(s)
        if there.any():
            xy += ((t[there] - t[there].mean()) * s[there]).sum()
            xx += ((t[there] - t[there].mean()) ** 2).sum()
    found = {"": xy / xx if xx else math.nan, "_mean": np.nanmean(every)}
    found["_coverage"] = (~np.isnan(every)).sum() / records
    for turn in range(1, 13):
        at = every[np.concatenate(turns) == turn]
        found[f"_turn_{turn}"] = np.nanmean(at) if (~np.isnan(at)).any() else math.nan
    return found


def compare(found: dict[str, Tensor], expected: dict[str, float]) -> None:
    for key, value in expected.items():
        assert found[f"turn_decay{key}"].item() == pytest.approx(value, abs=1e-12, nan_ok=True), key
    curve = {key for key in found if re.fullmatch(r"turn_decay_turn_\d+", key)}
    assert curve == {f"turn_decay{key}" for key in expected if key.startswith("_turn_")}


def test_rows_promised_in_order_are_checked_unless_validation_is_off() -> None:
    dialogue, turn = torch.tensor([3, 3, 5]), torch.tensor([1, 2, 1])
    scores = torch.tensor([0.5, 0.25, 1.0])
    for validate in (True, False):
        promised, sorted_ = TurnDecay(in_order=True, validate=validate), TurnDecay(validate=validate)
        for metric in (promised, sorted_):
            metric.update(scores, dialogue=dialogue, turn=turn)
        assert torch.equal(promised.moments, sorted_.moments)
    with pytest.raises(ValueError, match="as `in_order` promises"):
        TurnDecay(in_order=True).update(scores, dialogue=dialogue.flip(0), turn=turn.flip(0))
    with pytest.raises(ValueError, match="as `in_order` promises"):
        TurnDecay(in_order=True).update(scores[None, :2], turn=torch.tensor([[2, 1]]))


def test_lines_of_one_dialogue_are_put_together() -> None:
    scores = torch.tensor([[0.9, 0.7], [0.5, 0.1]])
    together, apart = TurnDecay(detail=True), TurnDecay(detail=True)
    together.update(scores, dialogue=[4, 4], turn=torch.tensor([[1, 2], [3, 4]]))
    apart.update(scores.view(1, 4), dialogue=[4])
    torch.testing.assert_close(together.compute(), apart.compute(), rtol=0, atol=0, equal_nan=True)


def test_the_mean_of_torchmetrics_is_counted_too() -> None:
    """So that the counts above have a measure beside them."""
    assert 8 <= count_update(MeanMetric(), {"value": torch.rand(32)}).operations <= 20
