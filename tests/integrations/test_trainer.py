# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The scores that a Trainer logs are those of the library, whatever its sampler, batches and processes do to rows."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics import AnswerAccuracy, TurnDecay
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.integrations.trainer import DialogueColumns, DialogueMetrics, generated_texts
from tests.integrations.recorded import DIALOGUES, expected, rows
from tests.processes import run_processes

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")
REPLIES = sorted({row["reply"] for row in rows()})
KEYS = "ABCD"


class Rows(torch.utils.data.Dataset):
    """The recorded rows as samples of a model that replies what its input says."""

    def __init__(self, given: list[dict[str, Any]] | None = None) -> None:
        self.given = rows() if given is None else given

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, place: int) -> dict[str, Any]:
        row = self.given[place]
        spoken = [REPLIES.index(row["reply"]) + 1]
        return {
            **{"input_ids": spoken * (1 + place % 7), "labels": KEYS.index(row["answer"])},
            **{"dialogue": row["dialogue"], "turn": row["turn"], "answer": row["answer"]},
        }


class Recorded(torch.nn.Module):
    """A classifier whose best class is the reply that the input names."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        logits = torch.nn.functional.one_hot(input_ids[:, 0] - 1, len(REPLIES)) * self.weight
        return {"loss": (self.weight**2).sum(), "logits": logits}


def padded(samples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A collator of a user's own: it knows what the model takes, and nothing else."""
    width = max(len(sample["input_ids"]) for sample in samples)
    tokens = [sample["input_ids"] + [0] * (width - len(sample["input_ids"])) for sample in samples]
    return {"input_ids": torch.tensor(tokens), "labels": torch.tensor([sample["labels"] for sample in samples])}


def answers(predictions: Any, labels: Any) -> dict[str, Any]:
    return {"preds": [REPLIES[best] for best in predictions.argmax(-1)], "target": [KEYS[key] for key in labels]}


def graded(metrics: Any = None, **options: Any) -> DialogueMetrics:
    return DialogueMetrics([AnswerAccuracy(detail=True)] if metrics is None else metrics, answers, **options)


class Graded(DialogueColumns, transformers.Trainer):
    """A Trainer that knows dialogues."""


class GradedGeneration(DialogueColumns, transformers.Seq2SeqTrainer):
    """The same for what is generated."""


def arguments(folder: Path, **options: Any) -> Any:
    usual = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "per_device_eval_batch_size": 8}
    return transformers.TrainingArguments(str(folder), **{**usual, **options})


def trainer(folder: Path, eval_dataset: Any = None, compute_metrics: Any = None, **options: Any) -> Any:
    given = Rows() if eval_dataset is None else eval_dataset
    known = {"data_collator": padded, "compute_metrics": compute_metrics or graded()}
    extra = {name: options.pop(name) for name in ("preprocess_logits_for_metrics", "train_dataset") if name in options}
    return Graded(Recorded(), arguments(folder, **options), eval_dataset=given, **known, **extra)


def same(found: dict[str, Any], prefix: str = "eval_") -> None:
    """The scores are those of the library, to all digits."""
    for name, value in expected().items():
        score = found[prefix + name]
        assert score == value or (math.isnan(score) and math.isnan(value)), name


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "length": {"train_sampling_strategy": "group_by_length"},
    "accumulation": {"eval_accumulation_steps": 2},
    "batches": {"batch_eval_metrics": True},
    "batches by length": {"batch_eval_metrics": True, "train_sampling_strategy": "group_by_length"},
    "lists of batches": {"eval_do_concat_batches": False},
    "all columns": {"remove_unused_columns": False},
    "workers": {"dataloader_num_workers": 1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_scores_are_those_of_the_library(tmp_path: Path, options: dict[str, Any]) -> None:
    same(trainer(tmp_path, **options).evaluate())


def test_rows_do_come_in_another_order_where_they_are_sorted_by_length(tmp_path: Path) -> None:
    found = trainer(tmp_path, train_sampling_strategy="group_by_length").predict(Rows())
    given = trainer(tmp_path).predict(Rows())
    assert not np.array_equal(found.label_ids, given.label_ids)
    assert np.array_equal(given.label_ids, [KEYS.index(row["answer"]) for row in rows()])
    same(found.metrics, "test_")


def test_several_data_sets_have_columns_of_their_own(tmp_path: Path) -> None:
    last = rows()[::-1]
    named = {"all": Rows(), "backwards": Rows(last), "one": Rows(rows()[:2])}
    found = trainer(tmp_path, named, dataloader_num_workers=1, dataloader_persistent_workers=True).evaluate()
    same(found, "eval_all_")
    same(found, "eval_backwards_")
    assert found["eval_one_answer_accuracy_dialogues"] == 1


def test_a_data_set_may_be_given_to_evaluate(tmp_path: Path) -> None:
    made = trainer(tmp_path, Rows(rows()[:2]))
    same(made.evaluate(Rows()))
    assert made.evaluate()["eval_answer_accuracy_n"] == 2


def test_columns_of_the_data_set_are_handed_on(tmp_path: Path) -> None:
    def replies(predictions: Any, labels: Any) -> dict[str, Any]:
        found = answers(predictions, labels)
        right = torch.tensor([reply[:1] == key for reply, key in zip(found["preds"], found["target"])])
        return {"preds": found["preds"], "scores": right.double()}

    metrics = [AnswerAccuracy(detail=True), TurnDecay(detail=True)]
    columns = DialogueMetrics(metrics, replies, dataset_columns={"target": "answer"})
    found = trainer(tmp_path, compute_metrics=columns).evaluate()
    same(found)
    assert found["eval_turn_decay_dialogues"] == DIALOGUES
    with pytest.raises(ArgumentError, match="expected what turn_decay can be fed with, got preds, target, dialogue"):
        trainer(tmp_path, compute_metrics=graded(metrics)).evaluate()


def test_the_best_model_is_the_one_of_the_best_score(tmp_path: Path) -> None:
    options = {
        **{"num_train_epochs": 2, "eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True},
        **{"metric_for_best_model": "eval_answer_accuracy", "train_dataset": Rows(rows()[:8])},
    }
    made = trainer(tmp_path, **options)
    made.train()
    assert made.state.best_metric == expected()["answer_accuracy"]
    evaluated = [entry for entry in made.state.log_history if "eval_loss" in entry]
    assert len(evaluated) == 2
    same(evaluated[1])


def test_logits_may_be_made_small_first(tmp_path: Path) -> None:
    seen = []

    def best(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append(labels.shape)
        return torch.nn.functional.one_hot(logits.argmax(-1), len(REPLIES))

    same(trainer(tmp_path, preprocess_logits_for_metrics=best).evaluate())
    assert seen[0] == (8,)


def test_what_would_be_wrong_in_silence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="set dataloader_drop_last=False"):
        trainer(tmp_path, dataloader_drop_last=True).evaluate()
    with pytest.raises(ArgumentError, match="a column 'dialogue' in the data set, which has input_ids, labels"):
        trainer(tmp_path, [{"input_ids": [1], "labels": 0}]).evaluate()
    with pytest.raises(ArgumentError, match="expected a `DialogueMetrics`, got function"):
        trainer(tmp_path, compute_metrics=lambda prediction: {})
    with pytest.raises(ArgumentError, match="`eval_use_gather_object`: expected False"):
        trainer(tmp_path, eval_use_gather_object=True)
    with pytest.raises(ArgumentError, match="expected rows by number, got generator"):
        trainer(tmp_path).evaluate(row for row in rows())
    with pytest.raises(InputError, match="`preds` to have an entry for each of 110 predictions, got 1"):
        trainer(tmp_path, compute_metrics=DialogueMetrics([AnswerAccuracy()], lambda *_: {"preds": ["A"]})).evaluate()


def test_a_trainer_that_hands_over_no_rows_is_refused(tmp_path: Path) -> None:
    usual = {"data_collator": padded, "compute_metrics": graded()}
    plain = transformers.Trainer(Recorded(), arguments(tmp_path), eval_dataset=Rows(), **usual)
    with pytest.raises(ArgumentError, match=r"class MyTrainer\(DialogueColumns, Trainer\)"):
        plain.evaluate()

    class Own(Graded):
        def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
            return torch.utils.data.DataLoader(Rows(), batch_size=8, collate_fn=padded)

    with pytest.raises(ArgumentError, match="expected row numbers in each batch"):
        Own(Recorded(), arguments(tmp_path), eval_dataset=Rows(), **usual).evaluate()


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[PAD]", "[UNK]", *sorted({word for reply in REPLIES for word in reply.split()}), "room"]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")


def generating(decoder_only: bool) -> Any:
    """A tiny model which generates the reply that the first token of its prompt names."""
    words = tokenizer()
    spoken = [torch.tensor(words.encode(reply)) for reply in REPLIES]
    usual = {"vocab_size": 64, "pad_token_id": 0, "decoder_start_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    if decoder_only:
        model = transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_embd=8, n_layer=1, n_head=1, n_positions=64, **usual)
        )
    else:
        model = transformers.T5ForConditionalGeneration(
            transformers.T5Config(d_model=8, d_ff=8, d_kv=8, num_layers=1, num_heads=1, **usual)
        )

    def generate(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        replies = [spoken[number - 1] for number in input_ids.amax(-1).tolist()]
        made = torch.nn.utils.rnn.pad_sequence(replies, batch_first=True)
        return torch.cat([input_ids, made], 1) if decoder_only else made

    model.generate = generate
    return model


def left_padded(samples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    width = max(len(sample["input_ids"]) for sample in samples)
    rows_ = [[0] * (width - len(sample["input_ids"])) + sample["input_ids"] for sample in samples]
    return {"input_ids": torch.tensor(rows_), "attention_mask": (torch.tensor(rows_) != 0).long()}


def generation(folder: Path, decoder_only: bool, **options: Any) -> Any:
    usual = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "predict_with_generate": True}
    given = {"per_device_eval_batch_size": 8, "generation_max_length": 12, **usual}
    metrics = DialogueMetrics(
        [AnswerAccuracy(detail=True)], generated_texts(tokenizer()), dataset_columns={"target": "answer"}
    )
    return GradedGeneration(
        generating(decoder_only),
        transformers.Seq2SeqTrainingArguments(str(folder), **{**given, **options}),
        eval_dataset=Rows(),
        data_collator=left_padded,
        compute_metrics=metrics,
        processing_class=tokenizer(),
    )


@pytest.mark.parametrize("decoder_only", [False, True])
@pytest.mark.parametrize("batches", [False, True])
def test_what_is_generated_is_read(tmp_path: Path, decoder_only: bool, batches: bool) -> None:
    same(generation(tmp_path, decoder_only, batch_eval_metrics=batches).evaluate())


def test_a_prompt_that_holds_the_answer_is_refused(tmp_path: Path) -> None:
    made = generation(tmp_path, True)
    made.data_collator.collate = lambda samples: {"input_ids": torch.ones(8, 2).long(), "labels": torch.ones(8, 2)}
    with pytest.raises(ArgumentError, match="shown what it has to generate"):
        made.evaluate()


def test_logits_are_not_taken_for_texts() -> None:
    with pytest.raises(ArgumentError, match="predict_with_generate=True"):
        generated_texts(tokenizer())(np.zeros((2, 3, 4), np.float32), None)


def distributed(folder: Path) -> Callable[[int], dict[str, Any]]:
    def work(rank: int) -> dict[str, Any]:
        from accelerate.state import AcceleratorState

        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        os.environ |= {"ACCELERATE_USE_CPU": "true", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
        AcceleratorState._reset_state(reset_partial_state=True)
        options = {"ddp_backend": "gloo", "per_device_eval_batch_size": 8}  # 110 rows: the last batches are filled up
        found = {
            name: trainer(folder, **options, **OPTIONS[name]).evaluate() for name in ("plain", "batches", "length")
        }
        made = generation(folder, True, ddp_backend="gloo")
        assert made.args.world_size == 2
        return {**found, "generation": made.evaluate(), "labels": len(made.predict(Rows()).predictions)}

    return work


def test_two_processes_are_as_one_and_repeated_samples_count_once(tmp_path: Path) -> None:
    (tmp_path / "meeting").mkdir()
    for found in run_processes(distributed(tmp_path / "out"), tmp_path / "meeting"):
        assert found.pop("labels") == 112, "a Seq2SeqTrainer leaves the samples that were repeated"
        for scores in found.values():
            same(scores)
