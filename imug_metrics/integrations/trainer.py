# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The `Trainer` of transformers: dialogue and turn reach the metrics with the predictions of their own rows.

A `Trainer` hands `compute_metrics` predictions and labels, in the order of its sampler, cut into batches and gathered
from processes, and no other column. So each sample is given the number of its row, which travels beside the labels, and
all columns are looked up by it in the data set that is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics.dialogues.holders import opened
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.suite import Given, ImugSuite

ROW = "imug_row"
"""The key of a sample's row number."""

Columns = Callable[[Any, Any], Mapping[str, Any]]

_IGNORED = -100  # what a Trainer pads predictions and labels with


class DialogueMetrics:
    """What a Trainer that is a `DialogueColumns` takes as `compute_metrics`.

    Rows are held until the evaluation is over, so that dialogues are whole, also under `batch_eval_metrics`. A row that
    the sampler repeats counts once.

    Args:
        metrics: as `ImugSuite` takes them, such as `[AnswerAccuracy(detail=True)]`. They are not changed.
        columns: makes arguments of the metrics, one entry a row, of the predictions and labels of some rows: arrays,
            or tensors under `batch_eval_metrics`. Labels are None where the data set has none.
        dataset_columns: columns of the data set that metrics are given as well, by argument; dialogue and turn are in
            the columns of these names unless said otherwise here.
        encoder: as `ImugSuite` takes it.

    Raises:
        ValueError: as `ImugSuite`.

    Example:
        >>> from imug_metrics import AnswerAccuracy
        >>> def letters(predictions, labels):
        ...     return {"preds": ["ABCD"[best] for best in predictions.argmax(-1)]}
        >>> graded = DialogueMetrics([AnswerAccuracy(detail=True)], letters, dataset_columns={"target": "key"})
    """

    def __init__(
        self,
        metrics: Given,
        columns: Columns,
        *,
        dataset_columns: Mapping[str, str] | None = None,
        encoder: Any = None,
    ) -> None:
        self.suite = deepcopy(ImugSuite(metrics, encoder=encoder))
        self.suite.reset()
        for module in self.suite.modules():
            if isinstance(module, Metric):
                module.distributed_available_fn = _not_distributed
        self.columns = columns
        self.dataset_columns = {"dialogue": "dialogue", "turn": "turn", **(dataset_columns or {})}
        self._dataset: NumberedRows | None = None
        self._held: dict[int, dict[str, Any]] = {}

    def begin(self, dataset: Any) -> None:
        """Forget what is held, and take columns from this data set from now on.

        Raises:
            ArgumentError: if a column is missing.
        """
        self._held.clear()
        self._dataset = dataset if isinstance(dataset, NumberedRows) else None
        if self._dataset is not None and len(self._dataset):
            self._dataset.check(self.dataset_columns)

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Scores by name, or nothing until all rows are there.

        Args:
            prediction: the `EvalPrediction` of all rows, or of a batch.
            compute_result: whether it is the last one.

        Raises:
            ArgumentError: if the predictions do not say their rows, or at the end rows are missing or a metric cannot
                be fed with the columns.
            InputError: if a column has not one entry a row; or as the metrics.
        """
        batches = isinstance(prediction.label_ids, list)  # with `eval_do_concat_batches=False`
        given = (prediction.predictions, prediction.label_ids)
        for predictions, labels in zip(*given) if batches else [given]:
            self._hold(predictions, labels)
        return self._scores() if compute_result else {}

    def _hold(self, predictions: Any, labels: Any) -> None:
        if self._dataset is None or not isinstance(labels, tuple):
            cure = "expected a Trainer with `DialogueColumns` to call it: `class MyTrainer(DialogueColumns, Trainer)`"
            raise ArgumentError("compute_metrics", cure)
        rows = labels[0].tolist()
        found = self.columns(predictions, without_rows(labels))
        columns = {name: opened(name, column) for name, column in found.items()}
        for name, column in columns.items():
            if len(column) != len(rows):
                raise InputError(name, f"to have an entry for each of {len(rows)} predictions", len(column))
        for place, row in enumerate(rows):
            self._held.setdefault(row, {name: column[place] for name, column in columns.items()})

    def _scores(self) -> dict[str, float]:
        assert self._dataset is not None
        rows, self._held = self._held, {}
        if len(rows) != len(self._dataset):
            told = f"expected predictions of all its {len(self._dataset)} rows, got {len(rows)}"
            raise ArgumentError("eval_dataset", f"{told}: dialogues are cut; set dataloader_drop_last=False")
        if not rows:
            return {}
        ordered = [rows[row] for row in sorted(rows)]
        columns = {name: _column([row[name] for row in ordered]) for name in ordered[0]}
        columns |= {name: self._dataset.column(column) for name, column in self.dataset_columns.items()}
        self.suite.reset()
        self.suite.update(**columns)
        if unfed := [name for name in self.suite.names if not self.suite[name].update_called]:
            raise ArgumentError(
                "columns", f"expected what {', '.join(unfed)} can be fed with, got {', '.join(columns)}"
            )
        return self.suite.compute()


class NumberedRows(torch.utils.data.Dataset[dict[str, Any]]):
    """A data set whose samples hold the numbers of their rows.

    Args:
        dataset: with a length, and a mapping for each number below it.

    Raises:
        ArgumentError: if it has no length.
    """

    def __init__(self, dataset: Any) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            got = type(dataset).__name__
            raise ArgumentError(
                "eval_dataset", f"expected rows by number, got {got}: load what is streamed into a list"
            )
        self.dataset = dataset

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.dataset)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """The sample of a row, and the row."""
        return {**self.dataset[row], ROW: row}

    def check(self, columns: Mapping[str, str]) -> None:
        """Look into the first row.

        Raises:
            ArgumentError: if a column is missing.
        """
        names = [*(getattr(self.dataset, "column_names", None) or self.dataset[0])]
        for argument, column in columns.items():
            if column not in names:
                told = f"expected a column {column!r} in the data set, which has {', '.join(map(str, names))}"
                raise ArgumentError("dataset_columns", f"{told}: say {argument}=... of the column that holds it")

    def column(self, name: str) -> list[Any]:
        """The entries of all rows, as they are in the data set."""
        if name in (getattr(self.dataset, "column_names", None) or ()):
            return list(self.dataset.with_format(None)[name])  # of `datasets`: nothing else of the rows is decoded
        return [self.dataset[row][name] for row in range(len(self.dataset))]


class DialogueColumns:
    """What a Trainer has to be beside itself for `DialogueMetrics`: `class MyTrainer(DialogueColumns, Trainer): pass`.

    It serves `Trainer`, `Seq2SeqTrainer` and classes made of them, under any sampler and number of processes, for one
    data set or several by name, and for `predict`. What a decoder-only model generates (`predict_with_generate`) comes
    without the prompt.

    Raises:
        ArgumentError: if `compute_metrics` is no `DialogueMetrics`, `eval_use_gather_object` is set, or a data set has
            no rows by number.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        trainer: Any = self
        if not isinstance(trainer.compute_metrics, DialogueMetrics):
            got = type(trainer.compute_metrics).__name__
            raise ArgumentError("compute_metrics", f"expected a `DialogueMetrics`, got {got}")
        if trainer.args.eval_use_gather_object:
            raise ArgumentError("eval_use_gather_object", "expected False: it takes predictions and labels apart")
        trainer.data_collator = _RowCollator(trainer.data_collator)
        trainer.eval_dataset = _numbered(trainer.eval_dataset)
        if (given := trainer.preprocess_logits_for_metrics) is not None:
            trainer.preprocess_logits_for_metrics = lambda logits, labels: given(logits, without_rows(labels))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The loader of a data set, of the trainer's own by name, or of the only one."""
        named = eval_dataset is None or isinstance(eval_dataset, str)
        return super().get_eval_dataloader(eval_dataset if named else _numbered(eval_dataset))  # type: ignore[misc]

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        """The loader of a data set for `predict`."""
        return super().get_test_dataloader(_numbered(test_dataset))  # type: ignore[misc]

    def evaluation_loop(self, dataloader: Any, *args: Any, **options: Any) -> Any:
        """The loop of the Trainer; the labels it gives are those of the data set."""
        trainer: Any = self
        trainer.compute_metrics.begin(getattr(dataloader, "dataset", None))
        output = super().evaluation_loop(dataloader, *args, **options)  # type: ignore[misc]
        labels = output.label_ids
        labels = [*map(without_rows, labels)] if isinstance(labels, list) else without_rows(labels)
        return output._replace(label_ids=labels)

    def prediction_step(
        self, model: Any, inputs: Any, prediction_loss_only: bool, *args: Any, **options: Any
    ) -> tuple[Any, Any, Any]:
        """Loss, predictions, and the row numbers beside the labels.

        Raises:
            ArgumentError: if the batch has no row numbers, or a prompt holds what is to be generated.
        """
        trainer: Any = self
        rows = inputs.pop(ROW, None)
        if rows is None:
            told = "expected row numbers in each batch: `get_eval_dataloader` has to be that of `DialogueColumns`"
            raise ArgumentError("eval_dataset", told)
        prompt = self._prompt(inputs)
        given = (model, inputs, prediction_loss_only, *args)
        loss, predictions, labels = super().prediction_step(*given, **options)  # type: ignore[misc]
        if predictions is None:
            return loss, None, None
        if prompt is not None:
            predictions = predictions[:, prompt:]
        rows = rows.to(trainer.args.device)
        return loss, predictions, (rows,) if labels is None else (rows, labels)

    def _prompt(self, inputs: Mapping[str, Any]) -> int | None:
        """How many tokens at the beginning of what is generated are the prompt; None where nothing is, or none are."""
        trainer: Any = self
        if not getattr(trainer.args, "predict_with_generate", False) or trainer.model.config.is_encoder_decoder:
            return None
        labels = inputs.get("labels")
        if labels is not None and bool((labels != _IGNORED).any()):
            told = "expected prompts without `labels`: a decoder-only model would be shown what it has to generate"
            raise ArgumentError("eval_dataset", told)
        return inputs["input_ids"].shape[1] if "input_ids" in inputs else None

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[misc]
        trainer: Any = self
        if ROW not in trainer._signature_columns:
            trainer._signature_columns.append(ROW)


def generated_texts(tokenizer: Any) -> Columns:
    """For `DialogueMetrics`: the texts that were generated (`predict_with_generate=True`), as `preds`.

    Args:
        tokenizer: with `batch_decode` and `pad_token_id`, or a processor that has one.
    """
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)

    def columns(predictions: Any, labels: Any) -> dict[str, Any]:
        tokens = np.asarray(predictions.cpu() if isinstance(predictions, Tensor) else predictions)
        if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
            told = "expected tokens that were generated: use Seq2SeqTrainer with predict_with_generate=True"
            raise ArgumentError("predict_with_generate", told)
        tokens = np.where(tokens == _IGNORED, tokenizer.pad_token_id, tokens)
        return {"preds": tokenizer.batch_decode(tokens, skip_special_tokens=True)}

    return columns


def without_rows(labels: Any) -> Any:
    """The labels of a data set, of those that hold row numbers; None where it has none."""
    if not isinstance(labels, tuple):
        return labels
    return labels[1] if len(labels) > 1 else None


class _RowCollator:
    """A collator that never sees the row numbers, which are put beside what it makes."""

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        if not (samples and isinstance(samples[0], Mapping) and ROW in samples[0]):
            return self.collate(samples)
        batch = self.collate([{name: value for name, value in sample.items() if name != ROW} for sample in samples])
        batch[ROW] = torch.tensor([sample[ROW] for sample in samples])
        return batch


def _numbered(dataset: Any) -> Any:
    """A data set, or several by name, with row numbers; None and what has them stays as it is."""
    if dataset is None or isinstance(dataset, NumberedRows):
        return dataset
    if isinstance(dataset, dict):
        return {name: _numbered(part) for name, part in dataset.items()}
    return NumberedRows(dataset)


def _not_distributed() -> bool:
    """Whether metrics add over processes: a Trainer gathers all rows to every process."""
    return False


def _column(entries: list[Any]) -> Any:
    return torch.stack(entries) if isinstance(entries[0], Tensor) else entries
