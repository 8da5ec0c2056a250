# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models of natural-language inference: which label is entailment, batches, and texts that are too long."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from imug_metrics.errors import ArgumentError
from imug_metrics.traces import Claim, NliEntailment, Step, Trace, support_records

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

# fmt: off
WORDS = [
    "a", "the", "red", "blue", "green", "cup", "door", "is", "on", "of", "and", "one", "two", "three", "big", "small",
]
# fmt: on
LENGTH = 16
LABELS = {0: "contradiction", 1: "Entailment", 2: "neutral"}
PREMISES = ["a red cup is on the door", "the door is blue", "", "one two three"]
CLAIMS = ["the cup is red", "the cup is blue", "a cup", "three"]


def _tokenizer() -> Any:
    """Whole words; pairs as `<s> premise </s> claim </s>`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: row for row, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _config(labels: dict[int, str]) -> Any:
    return transformers.BertConfig(
        vocab_size=4 + len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        initializer_range=0.5,  # so that texts tell
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nli")
    torch.manual_seed(3)
    transformers.BertForSequenceClassification(_config(LABELS)).save_pretrained(path)
    _tokenizer().save_pretrained(path)
    return path


def _alone(folder: Path, premise: str, claim: str) -> float:
    """The probability by the library alone, of one pair that is neither cut nor padded."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    words = {word: row for row, word in enumerate(WORDS, 4)}
    first, second = ([words[word] for word in text.split()] for text in (premise, claim))
    ids = torch.tensor([[2, *first, 3, *second, 3]])
    kinds = torch.tensor([[0] * (len(first) + 2) + [1] * (len(second) + 1)])
    with torch.no_grad():
        logits = model(input_ids=ids, token_type_ids=kinds).logits[0].double()
    weights = [math.exp(value) for value in logits.tolist()]
    return weights[1] / sum(weights)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_probabilities_are_those_of_the_library_for_each_pair_alone(folder: Path, batch_size: int) -> None:
    entails = NliEntailment(folder, batch_size=batch_size)
    found = entails(PREMISES, CLAIMS)
    assert found == pytest.approx([_alone(folder, *pair) for pair in zip(PREMISES, CLAIMS)], abs=1e-5)
    assert len({round(value, 4) for value in found}) == len(found), "the model tells the pairs apart"
    assert entails.cut == 0


def test_a_loaded_model_gives_the_same(folder: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    assert NliEntailment(model, _tokenizer())(PREMISES, CLAIMS) == NliEntailment(folder)(PREMISES, CLAIMS)
    assert not model.training


def test_a_long_premise_is_cut_behind_and_counted(folder: Path) -> None:
    entails = NliEntailment(folder)
    claim = "the cup is red"
    room = LENGTH - 3 - len(claim.split())
    long = " ".join((["a", "red", "cup"] * LENGTH)[:100])
    kept = " ".join(long.split()[:room])
    assert entails([long, kept], [claim] * 2) == pytest.approx([_alone(folder, kept, claim)] * 2, abs=1e-5)
    assert entails.cut == 1


@pytest.mark.parametrize("words", [LENGTH - 4, LENGTH - 3, 10 * LENGTH])
def test_a_claim_that_is_too_long_is_not_known_and_no_other_suffers(folder: Path, words: int) -> None:
    found = NliEntailment(folder)([*PREMISES, "a red cup"], [*CLAIMS, " ".join(["red"] * words)])
    assert math.isnan(found[-1]) == (words > LENGTH - 4)
    assert found[:-1] == pytest.approx(NliEntailment(folder)(PREMISES, CLAIMS), abs=1e-5)


def test_without_pairs_nothing_is_asked(folder: Path) -> None:
    assert NliEntailment(folder)([], []) == []


def test_claims_of_traces_get_their_probabilities(folder: Path) -> None:
    claims = Claim("the cup is red", ("image1",)), Claim("a big door")
    trace = Trace("d", 1, evidence={"image1": "a red cup is on the door"}, steps=(Step("observation", "...", claims),))
    [[first, second]] = support_records([trace], NliEntailment(folder)).records["items"]
    assert first == pytest.approx(_alone(folder, "a red cup is on the door", "the cup is red"), abs=1e-5)
    assert second == 0


@pytest.mark.parametrize(
    "labels", [{0: "LABEL_0", 1: "LABEL_1"}, {0: "entailment", 1: "Entailment"}, {0: "not_entailment", 1: "neutral"}]
)
def test_a_model_whose_labels_do_not_say_which_is_entailment_is_refused(labels: dict[int, str]) -> None:
    model = transformers.BertForSequenceClassification(_config(labels))
    with pytest.raises(ArgumentError, match=f'one label "entailment", got {labels[0]}, {labels[1]}'):
        NliEntailment(model, _tokenizer())


def test_arguments_that_do_not_fit_are_refused(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="`batch_size`"):
        NliEntailment(folder, batch_size=0)
    with pytest.raises(ArgumentError, match="`tokenizer`"):
        NliEntailment(transformers.BertForSequenceClassification(_config(LABELS)))
    with pytest.raises(ArgumentError, match="`claims`: expected one for each of 1 premises, got 2"):
        NliEntailment(folder)(["a"], ["a", "b"])
