# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""States as bytes: they come back as they were, and whatever else the bytes are is refused with the reason."""

from __future__ import annotations

import copy
import enum
import functools
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torchmetrics import MeanMetric, MetricCollection

from imug_metrics import (
    AnswerAccuracy,
    Breakdown,
    DialogueMetric,
    MetricAgreement,
    TurnAlignment,
    TurnConsistency,
    TurnDecay,
    TurnDistributionShift,
    VerifierCurve,
)
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from imug_metrics.metrics import state_file
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.metrics.metric_collections import collection_from_bytes, collection_to_bytes, merge_collections
from imug_metrics.metrics.state_file import SavedState, read_state, write_state
from tests.metrics.cases import Case, all_cases, places

CASES = all_cases()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def encoder(name: str = "mean", fingerprint: str | None = None, **read: float) -> CallableEncoder:
    found = CallableEncoder(
        images=lambda images: images.float().mean((2, 3)),
        texts=lambda texts: torch.ones(len(texts), 3),
        name=name,
        fingerprint=fingerprint,
        dim=3,
    )
    vars(found).update(read)
    return found


def fed(metric: Any = None, ids: tuple[str, ...] = ("a", "b")) -> Any:
    metric = TurnDecay(detail=True, max_turns=2) if metric is None else metric
    metric.update([[0.9, 0.8 - 0.01 * len(ids)], [0.75, 0.5]], dialogue=list(ids))
    return metric


def changed(data: bytes, tensors: dict[str, torch.Tensor] | None = None, **content: Any) -> bytes:
    """Bytes of which somebody has changed the content and the checksum."""
    saved = read_state(data)
    return write_state(SavedState({**saved.content, **content}, {**saved.tensors, **(tensors or {})}))


def with_arguments(**arguments: Any) -> bytes:
    data = fed().to_bytes()
    return changed(data, arguments={**read_state(data).content["arguments"], **arguments})


def test_every_metric_comes_back_bit_for_bit_without_a_warning(case: Case) -> None:
    options = {"detail": True} | next((found for found in case.options().values() if "bootstrap" in found), {})
    metric = case.feed(case.make(**options), *places(8))
    data = metric.to_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = type(metric).from_bytes(data)
        found = restored.compute()
    assert restored.update_count == 1
    assert restored.to_bytes() == data
    for key, value in metric.compute().items():
        assert torch.equal(found[key].nan_to_num(-7), value.nan_to_num(-7)), key


@pytest.mark.parametrize("name", ["theil-sen", "agreement", "shift", "breakdown"])
def test_a_restored_metric_goes_on_and_merges_like_the_one_that_was_saved(name: str) -> None:
    named = [found for key, found in CASES.items() if name in key]
    case = named[0]
    first = type(case.make(detail=True)).from_bytes(case.feed(case.make(detail=True), *places(8)).to_bytes())
    first.merge_state(case.feed(case.make(detail=True), *places(4, seed=3)))
    expected = case.feed(case.feed(case.make(detail=True), *places(8)), *places(4, seed=3))
    case.assert_same(first.compute(), expected.compute())
    assert first.update_count == 2


@pytest.mark.parametrize(
    "copied", [lambda metric: metric.clone(), copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_remember_what_they_were_made_with(copied: Callable[[Any], Any]) -> None:
    metric = fed()
    assert copied(metric).to_bytes() == metric.to_bytes()


def test_a_metric_that_has_seen_nothing_travels_too() -> None:
    restored = AnswerAccuracy.from_bytes(AnswerAccuracy("exact", check_repeats=True).to_bytes())
    assert (restored.kind, restored.check_repeats, restored.update_count, restored.seen) == ("exact", True, 0, [])


def test_dialogues_that_come_back_are_found_after_the_journey() -> None:
    exact = TurnDecay.from_bytes(fed(TurnDecay(check_repeats=True)).to_bytes())
    with pytest.raises(InputError, match="whole and once"):
        fed(exact)
    first, other = (TurnDecay.from_bytes(fed().to_bytes()) for _ in range(2))
    first.merge_state(other)
    with pytest.warns(RepeatedDialoguesWarning, match="About 2 of 4"):
        first.compute()


def test_the_base_class_gives_whichever_metric_it_is_and_others_refuse_it() -> None:
    data = fed().to_bytes()
    assert type(DialogueMetric.from_bytes(data)) is TurnDecay
    with pytest.raises(InputError, match="state of AnswerAccuracy, got that of TurnDecay"):
        AnswerAccuracy.from_bytes(data)


class Halved(TurnDecay):
    """A metric of a user's own, whose constructor names nothing."""

    name = "halved"

    def __init__(self, *args: Any, factor: float = 0.5, **kwargs: Any) -> None:
        self.factor = factor
        super().__init__(*args, **kwargs)


def test_a_class_of_ones_own_is_known_where_it_is_named() -> None:
    metric = fed(Halved("pooled", factor=0.25, detail=True))
    data = metric.to_bytes()
    for restored in (Halved.from_bytes(data), DialogueMetric.from_bytes(data, classes=[Halved])):
        assert (restored.factor, restored.slope) == (0.25, "pooled")
        assert restored.to_bytes() == data
    with pytest.raises(InputError, match="'Halved'; name a class of your own in `classes`"):
        DialogueMetric.from_bytes(data)


def test_a_function_is_given_again() -> None:
    def words(preds: list[str]) -> list[int]:
        return [len(text.split()) for text in preds]

    metric = FunctionMetric(words, higher_is_better=False, high=9.0)
    metric.update(preds=["a cup", "a red cup"], dialogue=[1, 1], turn=[1, 2])
    data = metric.to_bytes()
    assert float(FunctionMetric.from_bytes(data, function=words).compute()["words"]) == 2.5
    with pytest.raises(InputError, match="`function` to be given again"):
        FunctionMetric.from_bytes(data)


def lowered(text: str) -> str:
    return text.lower()


def test_a_function_of_a_module_is_the_same_in_another_process() -> None:
    def configured(name: str) -> bytes:
        code = f"from imug_metrics import AnswerAccuracy as A; from tests.metrics.test_saved_state import {name} as f"
        told = f"{code}; print(bytes(A('exact', normalize=f).config.tolist()).hex())"
        return subprocess.run([sys.executable, "-c", told], capture_output=True, check=True).stdout.strip()

    metric = AnswerAccuracy("exact", normalize=lowered)
    assert configured("lowered") == bytes(metric.config.tolist()).hex().encode()
    other = AnswerAccuracy("exact", normalize=functools.wraps(lowered)(lambda text: text.upper()))
    for one, two in ((metric, other), (other, AnswerAccuracy("exact", normalize=lambda text: text))):
        with pytest.raises(ValueError, match="same configuration"):
            one.merge_state(two)


class Slope(str, enum.Enum):
    POOLED = "pooled"


@pytest.mark.parametrize(
    ("dressed", "plain"),
    [
        (lambda: TurnDecay(level=np.float64(0.9)), lambda: TurnDecay(level=0.9)),
        (lambda: TurnDecay(Slope.POOLED), lambda: TurnDecay("pooled")),
        (
            lambda: VerifierCurve(thresholds=np.linspace(0.25, 1, 4)),
            lambda: VerifierCurve(thresholds=(0.25, 0.5, 0.75, 1.0)),
        ),
        (lambda: TurnDecay(score_range=torch.tensor([0.0, 1.0])), lambda: TurnDecay(score_range=(0.0, 1.0))),
    ],
)
def test_numbers_of_numpy_and_members_of_enumerations_travel_as_what_they_stand_for(dressed, plain) -> None:
    restored = type(dressed()).from_bytes(dressed().to_bytes())
    restored.merge_state(dressed())
    restored.merge_state(plain())


def test_without_its_encoder_a_metric_computes_merges_and_refuses_images() -> None:
    images, texts = torch.rand(1, 2, 3, 4, 4), [["a", "b"]]
    metric = TurnAlignment(encoder=encoder())
    metric.update(images, texts, dialogue=["a"])
    restored = TurnAlignment.from_bytes(metric.to_bytes())
    assert restored.encoder_name == "mean"
    assert float(restored.compute()) == float(metric.compute())
    with pytest.raises(InputError, match=r"`encoder` to be given again: .* names mean"):
        restored.update(images, texts, dialogue=["b"])
    restored.merge_state(metric)
    for other in (TurnAlignment(), TurnAlignment(encoder=encoder("other"))):
        with pytest.raises(ValueError, match="same configuration"):
            restored.merge_state(other)
    again = TurnAlignment.from_bytes(restored.to_bytes(), encoder=encoder())
    again.update(images, texts, dialogue=["b"])
    assert again.update_count == 3
    with pytest.raises(InputError, match="`encoder` to be 'mean', got 'other'"):
        TurnAlignment.from_bytes(metric.to_bytes(), encoder=encoder("other"))


@pytest.mark.parametrize("wrap", [lambda metric: metric, lambda metric: Breakdown(metric, groups=["x"])])
def test_other_weights_under_the_name_of_an_encoder_are_not_merged(wrap: Callable[[Any], Any]) -> None:
    first, other = (wrap(TurnConsistency(encoder=encoder(fingerprint=print_))) for print_ in ("v1", "v2"))
    restored = type(first).from_bytes(first.to_bytes())
    for one in (first, restored, type(first).from_bytes(restored.to_bytes())):
        one.merge_state(first)
        with pytest.raises(ValueError, match="'mean' with the same weights and preprocessing"):
            one.merge_state(other)
        one.merge_state(wrap(TurnConsistency(encoder=encoder())))  # functions of which nobody can tell
    with pytest.raises(InputError, match="`encoder` to be 'mean' with the same weights"):
        type(first).from_bytes(first.to_bytes(), encoder=encoder(fingerprint="v2"))


def test_an_encoder_in_training_is_known_by_its_name_alone() -> None:
    source = encoder(fingerprint="step 1")
    source.differentiable = True
    data = TurnConsistency(encoder=source).to_bytes()
    source.fingerprint = "step 2"
    TurnConsistency.from_bytes(data, encoder=source).merge_state(TurnConsistency.from_bytes(data))


def test_the_width_of_embeddings_travels() -> None:
    metric = TurnAlignment()
    metric.update(torch.rand(1, 2, 3), torch.rand(1, 2, 3), dialogue=["a"])
    restored, other = TurnAlignment.from_bytes(metric.to_bytes()), TurnAlignment()
    other.update(torch.rand(1, 2, 5), torch.rand(1, 2, 5), dialogue=["b"])
    with pytest.raises(ValueError, match="width 3, got 5"):
        restored.merge_state(other)


def test_what_was_read_of_an_encoder_is_kept_though_it_has_changed_since() -> None:
    source = encoder(logit_scale=10.0, logit_bias=-1.0)
    metric = TurnAlignment("siglip", encoder=source)
    source.logit_scale = 20.0
    restored = TurnAlignment.from_bytes(metric.to_bytes())
    assert (restored.scale, restored.bias) == (10.0, -1.0)
    assert TurnDistributionShift.from_bytes(TurnDistributionShift(encoder=encoder()).to_bytes()).width == 3


def test_no_encoder_is_loaded_by_a_name_in_the_data() -> None:
    data = TurnAlignment(encoder="scene").to_bytes()
    assert "encoder" not in read_state(data).content["arguments"]
    with pytest.raises(InputError, match="no argument that belongs to a process, got encoder"):
        TurnAlignment.from_bytes(changed(data, arguments={"encoder": "hf:somewhere"}))


FORGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no bytes": (lambda: "text", "to be bytes, got str"),  # type: ignore[dict-item,return-value]
    "nothing": (lambda: b"", "0 bytes that are none"),
    "another file": (lambda: save({"a": torch.ones(2)}), "safetensors of something else"),
    "a pickle": (lambda: pickle.dumps(fed()), "header of at most|bytes that are none"),
    "a function of ours": (lambda: changed(fed().to_bytes(), **{"class": "evaluate"}), "metric of imug_metrics"),
    "no metric": (lambda: changed(fed().to_bytes(), **{"class": "Record"}), "metric of imug_metrics"),
    "a class of elsewhere": (lambda: changed(fed().to_bytes(), **{"class": "os.system"}), "got 'os.system'"),
    "the base class": (lambda: changed(fed().to_bytes(), **{"class": "DialogueMetric"}), "DialogueMetric"),
    "a negative count": (lambda: changed(fed().to_bytes(), updates=-1), "number of updates, got -1"),
    "a count as text": (lambda: changed(fed().to_bytes(), updates="1"), "updates as int, got str"),
    "an unknown argument": (lambda: with_arguments(nothing=1), "arguments that make a TurnDecay"),
    "a process": (lambda: with_arguments(dist_sync_fn="x"), "belongs to a process"),
    "a marked value of no kind": (lambda: with_arguments(level={"set": [1]}), "arguments of a metric"),
    "another option": (lambda: with_arguments(seed=4), "the same configuration"),
    "a curve of a terabyte": (lambda: with_arguments(max_turns=10**6), "`max_turns` to be at most 65536"),
    "a curve of gigabytes": (lambda: with_arguments(max_turns=20_000), "shape"),
    "replicates of gigabytes": (lambda: with_arguments(bootstrap=60_000), "shape"),
    "not finite": (lambda: changed(fed().to_bytes(), {"packed": _packed(torch.nan)}), "to be finite"),
    "of another shape": (lambda: changed(fed().to_bytes(), {"packed": torch.zeros(3).double()}), "shape"),
    "one more tensor": (lambda: changed(fed().to_bytes(), {"more": torch.zeros(3)}), "to hold"),
    "of another type": (lambda: changed(fed().to_bytes(), {"more": torch.zeros(3).half()}), "tensors of F64"),
}


def _packed(value: float) -> torch.Tensor:
    return torch.full_like(read_state(fed().to_bytes()).tensors["packed"], value)


@pytest.mark.parametrize("forged", FORGED)
def test_what_is_no_state_is_refused_with_the_reason(forged: str) -> None:
    make, told = FORGED[forged]
    with pytest.raises(InputError, match=told):
        DialogueMetric.from_bytes(make())


def test_another_version_of_the_format_is_refused_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "FORMAT", 2)
    data = fed().to_bytes()
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"version 1 of the format.*got data written by version 2 \(imug_metrics "):
        TurnDecay.from_bytes(data)


def test_what_would_not_be_read_is_not_written() -> None:
    with pytest.raises(InputError, match="`max_turns` to be at most 65536"):
        TurnDecay(max_turns=70_000).to_bytes()
    with pytest.raises(InputError, match="`groups` to have at most 4096 entries"):
        MetricAgreement(tuple(map(str, range(5000)))).to_bytes()
    with pytest.raises(InputError, match="`groups` to be text that can be written"):
        Breakdown(TurnDecay(), groups=["\ud800"]).to_bytes()


WHOLE = fed().to_bytes()


@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), end=st.integers(0, len(WHOLE)))
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_are_refused_or_say_the_same(place: int, byte: int, end: int) -> None:
    for damaged in (WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :], WHOLE[:end], WHOLE[:end] + b"\0" + WHOLE[end:]):
        try:
            found = TurnDecay.from_bytes(damaged)
        except InputError:
            continue
        assert found.to_bytes() == WHOLE


@given(place=st.integers(8, 600), byte=st.integers(32, 126))
@settings(max_examples=60, deadline=None)
def test_a_damaged_header_is_refused_or_says_the_same(place: int, byte: int) -> None:
    try:
        found = TurnDecay.from_bytes(WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    except InputError:
        return
    assert found.to_bytes() == WHOLE


def test_a_breakdown_of_ones_own_metric_travels_with_its_groups() -> None:
    metric = Breakdown(Halved(factor=0.25), groups=["a.b", 7])
    metric.update([0.9, 0.8, 0.7, 0.6], dialogue=[1, 1, 2, 2], turn=[1, 2, 1, 2], group=["a.b", "a.b", 7, 7])
    restored = Breakdown.from_bytes(metric.to_bytes(), classes=[Halved])
    assert restored.compute() == metric.compute()
    assert restored.whole.factor == 0.25
    assert [part.update_count for part in restored._metrics().values()] == [1, 1, 1]
    with pytest.raises(InputError, match="a state of each group"):
        Breakdown.from_bytes(changed(metric.to_bytes(), arguments={"groups": ["a.b", "7", "more"]}), classes=[Halved])
    with pytest.raises(InputError, match="to hold groups as list, got int"):
        Breakdown.from_bytes(changed(metric.to_bytes(), arguments={"groups": 1}), classes=[Halved])


def collection(**options: Any) -> MetricCollection:
    metrics = {"one": TurnDecay(), "two": TurnDecay(), "pooled": TurnDecay("pooled", **options)}
    return MetricCollection(metrics, prefix="val/")


def test_a_collection_travels_with_members_that_share_a_state() -> None:
    first, other = fed_collection(collection(), "a"), fed_collection(collection(), "b")
    restored = collection_from_bytes(collection_to_bytes(first))
    assert restored.compute() == first.compute()
    merge_collections(restored, collection_from_bytes(collection_to_bytes(other)))
    merge_collections(first, other)
    expected = fed_collection(fed_collection(collection(), "a"), "b").compute()
    assert restored.compute() == first.compute() == expected
    assert fed_collection(first, "c").compute() == fed_collection(restored, "c").compute()


def fed_collection(found: MetricCollection, name: str) -> MetricCollection:
    found.update(scores=[[0.9, 0.8 - 0.1 * "abc".index(name)], [0.75, 0.5]], dialogue=[name, name * 2])
    return found


def test_collections_are_merged_whole_or_not_at_all() -> None:
    first = fed_collection(collection(), "a")
    before = collection_to_bytes(first)
    with pytest.raises(InputError, match="pooled as it is here, got max_turns=4, here 'the default'"):
        merge_collections(first, fed_collection(collection(max_turns=4), "b"))
    with pytest.raises(InputError, match="the same metrics, got one, other, pooled, two in one alone"):
        merge_collections(first, MetricCollection({"other": TurnDecay()}))
    assert collection_to_bytes(first) == before


def test_a_metric_of_another_package_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="`mean` to be a metric of imug_metrics"):
        collection_to_bytes(MetricCollection({"mean": MeanMetric()}))
    with pytest.raises(InputError, match="state of MetricCollection, got that of TurnDecay"):
        collection_from_bytes(fed().to_bytes())
    with pytest.raises(InputError, match="metric of imug_metrics"):
        TurnDecay.from_bytes(collection_to_bytes(collection()))
