# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Properties that every metric has, one test a property over one table of all metrics.

To add a metric: put a `Case` into CASES, with a function that makes its update arguments for given dialogues. Every
test below then runs on it. If a property does not hold for it by design, name it in the test's exception set and say
why.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import MetricCollection, MetricTracker
from torchmetrics.wrappers import Running

from imug_metrics import (
    AdaptivePolicy,
    AnswerAccuracy,
    BestOfN,
    ContextDecay,
    DialogueMetric,
    ExposureBias,
    GridAccuracy,
    InterleavedCoherence,
    LoopConvergence,
    MetricAgreement,
    PairedGain,
    PointScore,
    Reliability,
    Selection,
    SelfBias,
    SelfCorrection,
    SelfVerification,
    SemanticQuality,
    StrategyComparison,
    StructureIntegrity,
    Sycophancy,
    TurnAlignment,
    TurnConsistency,
    TurnDecay,
    TurnOfFlip,
    TurnRetrieval,
    UnderstandingGenerationGap,
    VerdictSpecificity,
    VerifierCurve,
)

WIDTH = 24
Batch = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A metric and what it is fed: a function from dialogue and turn `[N]` to its other arguments."""

    make: Callable[..., DialogueMetric]
    columns: Callable[[Tensor, Tensor], Batch]


def _noise(dialogue: Tensor, turn: Tensor, salt: int, width: int = WIDTH) -> Tensor:
    """Rows that depend on dialogue and turn alone, so that any split sees the same data."""
    rows = [
        torch.randn(width, generator=torch.Generator().manual_seed(int(d) * 1009 + int(t) * 31 + salt))
        for d, t in zip(dialogue, turn)
    ]
    return torch.stack(rows) if rows else torch.zeros(0, width)


def _embeddings(dialogue: Tensor, turn: Tensor) -> Tensor:
    return _noise(dialogue, torch.zeros_like(turn), 1) + 0.6 * _noise(dialogue, turn, 2)


def _images(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"images": _embeddings(dialogue, turn)}


def _images_and_texts(dialogue: Tensor, turn: Tensor) -> Batch:
    images = _embeddings(dialogue, turn)
    return {"images": images, "texts": images + _noise(dialogue, turn, 3)}


def _with_references(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_images_and_texts(dialogue, turn), "references": _noise(dialogue, turn, 4)}


def _images_and_references(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_images(dialogue, turn), "references": _noise(dialogue, turn, 4)}


def _images_and_pixels(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_images(dialogue, turn), "pixels": _noise(dialogue, turn // 3, 6).sigmoid()}


def _links(dialogue: Tensor, turn: Tensor) -> Batch:
    places = {(int(d), int(t)): row for row, (d, t) in enumerate(zip(dialogue, turn))}
    links = [[row, places[d, 1]] for (d, t), row in places.items() if t > 1 and (d, 1) in places]
    return {**_images(dialogue, turn), "links": torch.tensor(links, dtype=torch.int64).reshape(-1, 2)}


def _scores(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"scores": (0.8 - 0.05 * turn + 0.1 * _noise(dialogue, turn, 5, 1)[:, 0]).clamp(0.01, 1)}


def _arms(dialogue: Tensor, turn: Tensor) -> Batch:
    baseline = _scores(dialogue, turn)["scores"]
    return {"scores": (baseline - 0.1 * _noise(dialogue, turn, 7, 1)[:, 0].abs()).clamp(0.01, 1), "baseline": baseline}


def _answers(dialogue: Tensor, turn: Tensor) -> Batch:
    right = ["ABCD"[(int(d) + int(t)) % 4] for d, t in zip(dialogue, turn)]
    said = [
        ["{}", "Answer: {}", "({})", "no idea", "{}, D"][int(d + 2 * t) % 5].format(k)
        for d, t, k in zip(dialogue, turn, right)
    ]
    return {"preds": said, "target": right}


def _labels(dialogue: Tensor, turn: Tensor, salt: int, kinds: int = 2) -> Tensor:
    return (_noise(dialogue, turn, salt, 1)[:, 0] * 100).long() % kinds


def _verdicts(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": _labels(dialogue, turn, 7), "target": _labels(dialogue, turn, 8)}


def _stances(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": (_labels(dialogue, turn, 9, 4) > 0).long()}


def _under_pressure(dialogue: Tensor, turn: Tensor) -> Batch:
    target = _labels(dialogue, turn, 10, 3)
    before = target + (_labels(dialogue, turn, 11, 4) == 0)
    return {"preds": _labels(dialogue, turn, 12, 3), "target": target, "before": before, "suggested": (target + 1) % 3}


def _corrections(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"preds": _labels(dialogue, turn, 13), "before": _labels(dialogue, turn, 14)}


def _self_scores(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_scores(dialogue, turn), "references": _noise(dialogue, turn, 15, 1)[:, 0].clamp(0, 1)}


def _verdict_texts(dialogue: Tensor, turn: Tensor) -> Batch:
    phrases = ["Looks good.", "The red cube is left.", "Two blue balls match the prompt.", "Yes, correct: a green cone"]
    verdicts = [phrases[int(row)] for row in _labels(dialogue, turn, 16, 4)]
    texts = [f"Draw {int(t)} red cubes and blue balls" for t in turn]
    return {"verdicts": verdicts, "texts": texts, **_verdicts(dialogue, turn)}


def _scores_and_context_lengths(dialogue: Tensor, turn: Tensor) -> Batch:
    lengths = (2000 * turn + dialogue.abs() * 50 + 500).float() * 2 ** (turn / 2)
    return {**_scores(dialogue, turn), "context_lengths": lengths.long()}


def _runs(dialogue: Tensor, turn: Tensor) -> Batch:
    segments = (0.7 + 0.2 * _noise(dialogue, turn, 13, 6)).clamp(0, 1)
    return {"scores": segments.masked_fill(_noise(dialogue, turn, 14, 6) > 1.5, torch.nan)}


def _scores_and_modality(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_scores(dialogue, turn), "modality": (dialogue + turn) % 2 == 0}


def _points(dialogue: Tensor, turn: Tensor) -> Batch:
    return {"items": torch.stack([_labels(dialogue, turn, salt, 6) for salt in (17, 18, 19)], 1).double()}


def _boards(dialogue: Tensor, turn: Tensor) -> Batch:
    target = (_noise(dialogue, turn, 20, 9).abs() * 2).long().clamp(max=3).view(-1, 3, 3)
    wrong = (_labels(dialogue, turn, 21) == 0)[:, None, None]
    return {"preds": torch.where(wrong, target.clamp(max=2), target), "target": target}


def _counts(dialogue: Tensor, turn: Tensor) -> Batch:
    noise = _noise(dialogue, turn, 17, 14).mul(2).round().clamp(0, 3)
    rates = _noise(dialogue, turn, 18, 1)[:, 0].clamp(0, 1)
    return {"preds": noise[:, :7], "target": noise[:, 7:], "support": rates}


def _tags(dialogue: Tensor, turn: Tensor) -> Batch:
    texts = ["<image1>", "see <image1> and <audio2: a bell>", "plain", "<code1> <threeD1>", "<Image1> <image1>"]
    picked = [[texts[int(row)] for row in _labels(dialogue, turn, salt, 5)] for salt in (19, 20)]
    return {"preds": picked[0], "target": picked[1]}


def _grades(dialogue: Tensor, turn: Tensor, *names: str) -> Batch:
    return {name: 1 + _labels(dialogue, turn, 21 + place, 5).float() for place, name in enumerate(names)}


def _correctness(dialogue: Tensor, turn: Tensor) -> Batch:
    shares = _noise(dialogue, turn, 24, 2).clamp(0, 1)
    return {**_grades(dialogue, turn, "correctness"), "quality": shares[:, 0], "support": shares[:, 1]}


def _grouped(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_self_scores(dialogue, turn), "group": _labels(dialogue, turn, 25, 4).float()}


def _candidates(dialogue: Tensor, turn: Tensor) -> Batch:
    """Five candidates a turn, some not there, scored in steps so that there are ties on both sides."""
    scores = (_noise(dialogue, turn, 30, 5).double().sigmoid() * 8).round() / 8
    selector = ((scores + 0.2 * _noise(dialogue, turn, 31, 5)).clamp(0, 1) * 8).round() / 8
    return {"scores": scores.masked_fill(_noise(dialogue, turn, 32, 5) > 1.5, torch.nan), "selector": selector}


def _verified(dialogue: Tensor, turn: Tensor) -> Batch:
    candidates = _candidates(dialogue, turn)
    target = (candidates["scores"] > 0.5).to(candidates["scores"])
    return {"scores": candidates["selector"], "target": target}


def _strategies(dialogue: Tensor, turn: Tensor) -> Batch:
    scores = _noise(dialogue, turn, 33, 3).double().sigmoid() + torch.tensor([0.0, 0.1, 0.2])
    costs = (_noise(dialogue, turn, 34, 3).double().abs() + 1) * torch.tensor([1.0, 3.0, 9.0])
    return {"scores": scores.masked_fill(_noise(dialogue, turn, 35, 3) > 1.5, torch.nan), "costs": costs}


def _policy(dialogue: Tensor, turn: Tensor) -> Batch:
    return {**_strategies(dialogue, turn), "preds": _labels(dialogue, turn, 36, 3)}


CASES: dict[str, Case] = {
    "accuracy-strict": Case(AnswerAccuracy, _answers),
    "accuracy-imug": Case(lambda **k: AnswerAccuracy(protocol="imug", **k), _answers),
    "accuracy-exact": Case(lambda **k: AnswerAccuracy("exact", **k), _answers),
    "accuracy-f1": Case(lambda **k: AnswerAccuracy("f1", **k), _answers),
    "alignment-clipscore": Case(TurnAlignment, _images_and_texts),
    "alignment-siglip": Case(lambda **k: TurnAlignment("siglip", scale=10.0, bias=-2.0, **k), _images_and_texts),
    "alignment-refclipscore": Case(lambda **k: TurnAlignment("refclipscore", **k), _with_references),
    "retrieval": Case(TurnRetrieval, _images_and_texts),
    "consistency-pairwise": Case(TurnConsistency, _images_and_pixels),
    "consistency-anchor": Case(lambda **k: TurnConsistency("anchor", **k), _images),
    "consistency-references": Case(lambda **k: TurnConsistency("anchor", **k), _images_and_references),
    "consistency-consecutive": Case(lambda **k: TurnConsistency("consecutive", **k), _images),
    "consistency-graph": Case(lambda **k: TurnConsistency("graph", **k), _links),
    "consistency-vbench": Case(lambda **k: TurnConsistency("vbench", **k), _images),
    "decay-within": Case(TurnDecay, _scores),
    "decay-pooled": Case(lambda **k: TurnDecay("pooled", **k), _scores),
    "paired-gain": Case(PairedGain, _arms),
    "exposure-bias": Case(ExposureBias, _arms),
    "exposure-bias-horizon": Case(lambda **k: ExposureBias(horizon=3, **k), _arms),
    "decay-theil-sen": Case(lambda **k: TurnDecay("theil-sen", **k), _scores),
    "verification": Case(SelfVerification, _verdicts),
    "turn-of-flip": Case(TurnOfFlip, _stances),
    "sycophancy": Case(Sycophancy, _under_pressure),
    "self-correction": Case(SelfCorrection, _corrections),
    "self-bias": Case(SelfBias, _self_scores),
    "self-bias-skewness": Case(lambda **k: SelfBias(skewness=True, **k), _self_scores),
    "specificity": Case(VerdictSpecificity, _verdict_texts),
    "context-within": Case(ContextDecay, _scores_and_context_lengths),
    "context-pooled": Case(lambda **k: ContextDecay("pooled", edges=(4096, 16384), **k), _scores_and_context_lengths),
    "loops-gain": Case(LoopConvergence, _scores),
    "loops-contraction": Case(lambda **k: LoopConvergence("contraction", **k), _scores),
    "reliability": Case(Reliability, _runs),
    "points": Case(PointScore, _points),
    "points-imug": Case(lambda **k: PointScore(protocol="imug", best=10, **k), _points),
    "grid": Case(GridAccuracy, _boards),
    "best-of-n": Case(lambda **k: BestOfN(4, **k), _candidates),
    "selection": Case(Selection, _candidates),
    "selection-probabilities": Case(lambda **k: Selection("spearman", probabilities=True, bins=4, **k), _candidates),
    "verifier": Case(lambda **k: VerifierCurve(bins=8, **k), _verified),
    "strategies": Case(lambda **k: StrategyComparison(("plain", "cot", "bon"), costs=("tokens",), **k), _strategies),
    "policy": Case(lambda **k: AdaptivePolicy(3, price=0.05, **k), _policy),
    "gap": Case(UnderstandingGenerationGap, _scores_and_modality),
    "structure": Case(StructureIntegrity, _counts),
    "structure-texts": Case(lambda **k: StructureIntegrity(text="prose", repeated="each", **k), _tags),
    "semantic-quality": Case(lambda **k: SemanticQuality(scale="grade", **k), _correctness),
    "coherence": Case(
        lambda **k: InterleavedCoherence(scale="grade", **k), lambda d, t: _grades(d, t, "holistic", "style")
    ),
    "agreement": Case(MetricAgreement, _self_scores),
    "agreement-groups": Case(lambda **k: MetricAgreement(("a", "b", "c", "d"), **k), _grouped),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bootstrap": {"bootstrap": 20, "seed": 5},
    "zero-by-dialogue": {"missing": "zero", "average": "dialogue"},
}
# Links name rows of the batch, replies are lists: no rows to reorder or pad as a tensor.
TEXTS = {name for name in CASES if name.startswith("accuracy") or name in ("specificity", "structure-texts")}
# The same for codes, which have no NaN to pad with.
NO_TENSOR_ROWS = {*TEXTS, "consistency-graph", "grid"}
# Pairwise slopes and differences are kept as float32; another order of the slopes' sums moves the last digits.
FLOAT32 = {"decay-theil-sen", "self-bias-skewness", "agreement", "agreement-groups"}

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


@pytest.fixture(params=CASES, name="case_name")
def _case_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=OPTIONS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"detail": True, **OPTIONS[request.param]}


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
        loose = 1e-6 if name in FLOAT32 and key.startswith("turn_decay") else tolerance
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
    if case_name in NO_TENSOR_ROWS:
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
    if case_name in FLOAT32:
        pytest.skip("keeps rows by design")
    metric = CASES[case_name].make(detail=True, bootstrap=3)
    sizes = {key: value.shape for key, value in metric.metric_state.items()}
    for seed in range(3):
        feed(metric, case_name, *places(seed=seed))
        assert {key: value.shape for key, value in metric.metric_state.items()} == sizes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_input_dtype(case_name: str, dtype: torch.dtype) -> None:
    if case_name in TEXTS:
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
    assert model.metric.moments.dtype == torch.float64
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
        columns = {**_images_and_texts(dialogue[chosen], turn[chosen]), **_scores(dialogue[chosen], turn[chosen])}
        alike.update(**columns, dialogue=dialogue[chosen], turn=turn[chosen], valid=valid[chosen])
    found = alike.compute()
    assert found["zero"] < found["skip"]
    assert len(alike.compute_groups) == 6


def test_states_of_another_configuration_are_refused(case_name: str) -> None:
    metric, other = CASES[case_name].make(), CASES[case_name].make(missing="zero")
    with pytest.raises(ValueError, match="same configuration"):
        metric.merge_state(feed(other, case_name, *places()))


def test_running_and_tracker_wrappers(case_name: str) -> None:
    dialogue, turn = places()
    maximize = (
        CASES[case_name].make().higher_is_better is not False
    )  # where neither is better, a user says what to keep
    running = Running(CASES[case_name].make(), window=2)
    tracker = MetricTracker(CASES[case_name].make(), maximize=maximize)
    values = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in range(3):
            chosen = dialogue % 3 == part
            batch = CASES[case_name].columns(dialogue[chosen], turn[chosen])
            place = {"dialogue": dialogue[chosen], "turn": turn[chosen]}
            tracker.increment()
            tracker.update(**batch, **place)
            if case_name not in FLOAT32:
                running.update(**batch, **place)
            values.append(tracker.compute().item())
        assert tracker.best_metric() == (max if maximize else min)(values)
        if case_name not in FLOAT32:
            last = CASES[case_name].make()
            chosen = dialogue % 3 > 0
            last.update(
                **CASES[case_name].columns(dialogue[chosen], turn[chosen]), dialogue=dialogue[chosen], turn=turn[chosen]
            )
            torch.testing.assert_close(running.compute(), last.compute(), rtol=1e-12, atol=1e-12)


def test_bootstrap_needs_ids() -> None:
    with pytest.raises(ValueError, match="`dialogue`"):
        TurnDecay(bootstrap=10).update(torch.rand(3, 4))
