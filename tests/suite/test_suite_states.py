# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Suites as bytes, and several that are one: the scores are those of a suite that has seen all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torchmetrics import MeanMetric

from imug_metrics import AnswerAccuracy, Breakdown, TurnAlignment, TurnConsistency, TurnDecay
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.metrics.state_file import SavedState, read_state, write_state
from imug_metrics.suite import ImugSuite, Record
from imug_metrics.suite.saved_models import suites_from_bytes, suites_to_bytes


def said(names: str, **carried: Any) -> list[Record]:
    """Two answers of each dialogue."""
    keys = {name: "AB"[place % 2] for place, name in enumerate(names)}
    return [
        Record(name, turn, "text", "Which?", text="A", target=keys[name], **carried)
        for name in names
        for turn in (1, 2)
    ]


def words(preds: Sequence[str]) -> list[int]:
    """Letters of an answer."""
    return [len(text) for text in preds]


def suite(**options: Any) -> ImugSuite:
    metrics = {"answers": AnswerAccuracy(detail=True), "words": FunctionMetric(words), "judge": TurnDecay(detail=True)}
    return ImugSuite(metrics, **options)


def travelled(found: ImugSuite, **options: Any) -> ImugSuite:
    return ImugSuite.from_bytes(found.to_bytes(), arguments={"words": {"function": words}}, **options)


def fed(records: Sequence[Record], **options: Any) -> ImugSuite:
    found = suite(**options)
    found.update(records)
    return found


def encoder(name: str, fingerprint: str | None = None) -> CallableEncoder:
    def see(images: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack([image.float().mean((1, 2)) for image in images])

    return CallableEncoder(see, lambda texts: torch.ones(len(texts), 3), name=name, fingerprint=fingerprint)


def test_a_suite_comes_back_with_order_names_and_what_records_carry() -> None:
    found = fed(said("ab", scores={"style": 2.0}, costs={"tok.s": 3.0}), prefix="val/", score_ranges={"style": (0, 5)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        restored, expected = travelled(found), found.compute()
        assert restored.compute() == pytest.approx(expected, nan_ok=True, abs=0)
    assert restored.names == found.names == ("answers", "words", "judge", "style", "cost_tok.s")
    assert restored.to_bytes() == found.to_bytes()
    restored.update(said("cd", scores={"style": 5.0}))
    with pytest.raises(InputError, match=r"from 0\.0 to 5\.0|style"):
        restored.update(said("e", scores={"style": 6.0}))
    with pytest.raises(ValueError, match="keep_rows=True"):
        restored.rows()


def test_the_standard_metrics_stay_the_standard_ones() -> None:
    found = ImugSuite()
    found.update(said("ab"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none says that a standard metric was not fed
        restored = ImugSuite.from_bytes(found.to_bytes())
        assert restored.compute() == pytest.approx(found.compute(), nan_ok=True, abs=0)
    assert restored.descriptions().keys() == found.descriptions().keys()


@pytest.mark.filterwarnings("ignore:No record")
@pytest.mark.parametrize("parts", [("ab", "cd"), ("cd", "ab")])
def test_merged_suites_say_what_one_that_saw_all_says(parts: tuple[str, str]) -> None:
    scores, costs = {"judge": 0.5, "style": 2.0}, {"tokens": 3.0}
    records = {"ab": said("ab", scores={"judge": 1.0}), "cd": said("cd", scores=scores, costs=costs)}
    first, other = (travelled(fed(records[part])) for part in parts)
    first.merge_state(other)
    whole = fed([*records["ab"], *records["cd"]])
    assert first.names == whole.names
    assert first.compute() == pytest.approx(whole.compute(), nan_ok=True, abs=1e-12)
    assert travelled(first).to_bytes() == first.to_bytes()


@pytest.mark.filterwarnings("ignore:No record")
def test_the_same_dialogues_in_two_suites_are_noticed() -> None:
    first = fed(said("abcd"))
    first.merge_state(travelled(first))
    with pytest.warns(RepeatedDialoguesWarning, match="About 4 of 8"):
        first.compute()


REFUSED: dict[str, tuple[ImugSuite, str]] = {
    "no suite": (None, "to be an ImugSuite"),  # type: ignore[dict-item]
    "other names": (ImugSuite({"answers": AnswerAccuracy(detail=True)}), "the same metrics"),
    "other options": (
        ImugSuite(
            {
                "answers": AnswerAccuracy("f1", detail=True),
                "words": FunctionMetric(words),
                "judge": TurnDecay(detail=True),
            }
        ),
        "answers as it is here, got kind='f1'",
    ),
    "another class": (
        ImugSuite({"answers": TurnDecay(detail=True), "words": FunctionMetric(words), "judge": TurnDecay(detail=True)}),
        "to hold a AnswerAccuracy as answers|AnswerAccuracy",
    ),
    "another range": (fed(said("c", scores={"style": 1.0}), score_ranges={"style": (0, 9)}), "'style' from"),
    "another encoder": (suite(encoder=encoder("other")), "embeddings of 'mean', got 'other'"),
}


@pytest.mark.parametrize("other", REFUSED)
def test_suites_are_merged_whole_or_not_at_all(other: str) -> None:
    first = fed(said("ab", scores={"style": 2.0}), score_ranges={"style": (0, 5)}, encoder=encoder("mean"))
    before = first.to_bytes()
    incoming, told = REFUSED[other]
    with pytest.raises(InputError, match=told):
        first.merge_state(incoming)
    assert first.to_bytes() == before


def test_a_metric_that_one_suite_fed_with_answers_is_not_merged_with_a_score() -> None:
    first, other = fed(said("ab", scores={"judge": 0.5})), fed(said("cd"))
    assert other["judge"].update_called  # with the scores of the answers
    with pytest.raises(InputError, match="to feed judge with the same"):
        first.merge_state(other)


def test_images_need_the_encoder_of_the_states_again() -> None:
    images = [Record("a", turn, "image", "A cup", image=torch.rand(3, 8, 8)) for turn in (1, 2)]
    found = ImugSuite([TurnAlignment(), TurnConsistency()], encoder=encoder("mean"))
    found.update(images)
    data = found.to_bytes()
    restored = ImugSuite.from_bytes(data)
    assert restored.compute() == found.compute()
    assert restored.encoder_name == "mean"
    with pytest.raises(ValueError, match="encoder"):
        restored.update(images)
    again = ImugSuite.from_bytes(restored.to_bytes(), encoder=encoder("mean"))
    again.update([Record("b", 1, "image", "A cup", image=torch.rand(3, 8, 8))])
    with pytest.raises(InputError, match="`encoder` to be 'mean', as before, got 'other'"):
        ImugSuite.from_bytes(data, encoder=encoder("other"))


def test_other_weights_under_the_name_of_an_encoder_are_refused() -> None:
    first, other = (fed(said(name), encoder=encoder("mean", name)) for name in "ab")
    for one in (first, travelled(first), travelled(travelled(first))):
        for two in (other, travelled(other)):
            with pytest.raises(InputError, match="'mean' with the same weights and preprocessing, got others"):
                one.merge_state(two)
    with pytest.raises(InputError, match="`encoder` to be 'mean' with the weights and preprocessing of before"):
        travelled(first, encoder=encoder("mean", "b"))
    plain = fed(said("c"))
    plain.merge_state(first)
    with pytest.raises(InputError, match="with the same weights"):
        plain.merge_state(other)
    travelled(first, encoder=encoder("mean")).merge_state(other)  # of functions without a fingerprint nobody can tell


def test_a_metric_of_another_package_does_not_travel() -> None:
    with pytest.raises(InputError, match=r"`mean` to be a metric of imug_metrics, .* got MeanMetric"):
        ImugSuite({"mean": MeanMetric(), "answers": AnswerAccuracy()}).to_bytes()


def test_breakdowns_and_metrics_that_were_added_later_travel() -> None:
    found = ImugSuite([TurnDecay(detail=True)])
    found.add_metrics({"parts": Breakdown(TurnDecay(), ["x", "y"])})
    found.update(scores=[0.9, 0.8, 0.7, 0.6], dialogue=[1, 1, 2, 2], turn=[1, 2, 1, 2], group=["x", "x", "y", "y"])
    restored = ImugSuite.from_bytes(found.to_bytes())
    assert restored.names == found.names
    assert restored.compute() == pytest.approx(found.compute(), nan_ok=True, abs=0)


FORGED: dict[str, dict[str, Any]] = {
    "names twice": {"names": ["answers", "answers", "judge", "style"]},
    "a name too many": {"names": ["answers", "words", "judge", "style", "more"]},
    "a name with a dot": {"names": ["a.b", "words", "judge", "style"]},
    "nothing given": {"given": 0},
    "a score of no record": {"carried": [["scores", "words"], ["scores", "nothing"]]},
    "a field of no record": {"carried": [["texts", "style"]]},
    "no pair": {"carried": ["style"]},
    "a range of nothing": {"score_ranges": {"style": 3}},
    "no ends": {"ends": [None]},
    "a class": {"class": "TurnDecay"},
    "metrics that are none": {"parts": [1, 2, 3, 4]},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_suite_is_refused(forged: str) -> None:
    saved = read_state(fed(said("ab", scores={"style": 2.0})).to_bytes())
    data = write_state(SavedState({**saved.content, **FORGED[forged]}, saved.tensors))
    arguments = {"words": {"function": words}}
    with pytest.raises(InputError, match=r"`data`|`arguments`"):
        ImugSuite.from_bytes(data, arguments=arguments)


def test_an_argument_of_no_metric_is_refused() -> None:
    with pytest.raises(InputError, match="`arguments` to name metrics of the data, which are answers, words, judge"):
        ImugSuite.from_bytes(suite().to_bytes(), arguments={"word": {"function": words}})


def test_several_models_are_in_one_file() -> None:
    mine, other = ImugSuite([AnswerAccuracy()]), ImugSuite([AnswerAccuracy("f1")])
    mine.update(said("ab"))
    found = suites_from_bytes(suites_to_bytes({"mine": mine, "../other": other}))
    assert list(found) == ["mine", "../other"]
    assert found["mine"].compute() == mine.compute()
    assert list(suites_from_bytes(mine.to_bytes(), name="lone")) == ["lone"]
