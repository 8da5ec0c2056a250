# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A stream of dialogues through whole metrics: rate, memory and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import CosineSimilarity, Metric
from torchmetrics.functional import pairwise_cosine_similarity

from imug_metrics import DialogueMetric, TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval

from ..machine import DEVICE, draw
from ..registry import Answer, Case, Job, Provider, Setup
from ..runner import races


@dataclass(frozen=True)
class Batch:
    """Whole dialogues: embeddings `[N, D]`, scores, ids and turns `[N]`, and the dialogues' lengths."""

    images: Tensor
    texts: Tensor
    scores: Tensor
    dialogue: Tensor
    turn: Tensor
    lengths: Tensor


Stream = Callable[[], Iterator[Batch]]
Way = Callable[[Iterator[Batch]], Answer]


def streaming(setup: Setup) -> Iterator[Job]:
    return races(setup, _cases(setup.quick))


def _cases(quick: bool) -> Iterator[Case]:
    width, dialogues = (16, 8) if quick else (768, 512)
    pool = _pool(batches=2 if quick else 8, dialogues=dialogues, width=width)
    rows = sum(len(batch.turn) for batch in pool)
    long, short = (2, 1) if quick else (-(-1_000_000 // rows), 5)
    lengths = torch.cat([batch.lengths for batch in pool])
    gram_flops = 2 * width * float((lengths**2).sum() / lengths.sum())

    def provider(name: str, way: Way, passes: int) -> Provider:
        return Provider(name, lambda: way(_stream(pool, passes)), passes * rows)

    def case(name: str, embeddings: int, flops: float, *providers: Provider) -> Case:
        sizes: dict[str, int | str] = {"width": width, "turns": "2-12", "dtype": "float32", "batch": rows // len(pool)}
        return Case(name, sizes, providers, embeddings * width * 4, flops, repeats=1 if quick else 3)

    yield case(
        "stream: alignment",
        2,
        0.0,
        provider("torchmetrics CosineSimilarity", _stored_alignment, short),
        provider("imug_metrics TurnAlignment", _alignment, long),
    )
    yield case(
        "stream: consistency",
        1,
        gram_flops,
        provider("loop of torchmetrics pairwise_cosine_similarity", _looped_consistency, short),
        provider("imug_metrics TurnConsistency", _consistency, long),
    )
    yield case(
        "stream: retrieval",
        2,
        gram_flops,
        provider("plain loop over dialogues", _looped_retrieval, short),
        provider("imug_metrics TurnRetrieval", _retrieval, long),
    )
    yield case(
        "stream: consistency, alignment, decay",
        2,
        gram_flops,
        provider("plain loop over dialogues", _plain_loop, short),
        provider("imug_metrics, three metrics", lambda batches: _three(batches, detail=False), long),
        provider("imug_metrics, curves and intervals too", lambda batches: _three(batches, detail=True), long),
    )


def _pool(batches: int, dialogues: int, width: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    pool = []
    for number in range(batches):
        lengths = torch.randint(2, 13, (dialogues,), generator=generator)
        count = int(lengths.sum())
        turn = torch.cat([torch.arange(1, int(length) + 1) for length in lengths])
        images, texts = (draw(count, width, seed=2 * number + side) for side in range(2))
        scores = torch.rand(count, generator=generator) - 0.02 * turn
        ids = torch.repeat_interleave(torch.arange(dialogues), lengths)
        # Lengths stay on the CPU: a loop needs them there, and a batch's ids and turns say the same to the metrics.
        columns = (column.to(DEVICE) for column in (images, texts, scores, ids, turn))
        pool.append(Batch(*columns, lengths))
    return pool


def _stream(pool: list[Batch], passes: int) -> Iterator[Batch]:
    """Yield the pool's batches again and again, every time as new dialogues."""
    seen = 0
    for _ in range(passes):
        for batch in pool:
            yield Batch(**{**vars(batch), "dialogue": batch.dialogue + seen})
            seen += len(batch.lengths)


def _state_bytes(*metrics: Metric) -> int:
    states = [state for metric in metrics for state in metric.metric_state.values()]
    tensors = [tensor for state in states for tensor in (state if isinstance(state, list) else [state])]
    return sum(tensor.nbytes for tensor in tensors)


def _headline(metric: DialogueMetric) -> Tensor:
    value: Tensor | dict[str, Tensor] = metric.compute()
    return value[metric.name] if isinstance(value, dict) else value


def _alignment(batches: Iterator[Batch]) -> Answer:
    metric = TurnAlignment(variant="cosine")
    for batch in batches:
        metric.update(batch.images, batch.texts, dialogue=batch.dialogue, turn=batch.turn)
    return Answer(_headline(metric), _state_bytes(metric))


def _stored_alignment(batches: Iterator[Batch]) -> Answer:
    metric = CosineSimilarity(reduction="mean")
    for batch in batches:
        metric.update(batch.images, batch.texts)
    return Answer(metric.compute(), _state_bytes(metric))


def _consistency(batches: Iterator[Batch]) -> Answer:
    metric = TurnConsistency()
    for batch in batches:
        metric.update(batch.images, dialogue=batch.dialogue, turn=batch.turn)
    return Answer(_headline(metric), _state_bytes(metric))


def _looped_consistency(batches: Iterator[Batch]) -> Answer:
    total, count = torch.zeros((), dtype=torch.float64, device=DEVICE), 0
    for batch in batches:
        for images in torch.split(batch.images, batch.lengths.tolist()):
            total += pairwise_cosine_similarity(images).sum() / (len(images) - 1)
            count += len(images)
    return Answer(total / count, total.nbytes + 8)


def _retrieval(batches: Iterator[Batch]) -> Answer:
    metric = TurnRetrieval()
    for batch in batches:
        metric.update(batch.images, batch.texts, dialogue=batch.dialogue, turn=batch.turn)
    return Answer(_headline(metric), _state_bytes(metric))


def _looped_retrieval(batches: Iterator[Batch]) -> Answer:
    first, count = torch.zeros((), dtype=torch.float64, device=DEVICE), 0
    for batch in batches:
        lengths = batch.lengths.tolist()
        for images, texts in zip(torch.split(batch.images, lengths), torch.split(batch.texts, lengths)):
            cosine = F.normalize(images) @ F.normalize(texts).T
            first += (cosine.argmax(1) == torch.arange(len(images), device=DEVICE)).sum()
            count += len(images)
    return Answer(first / count, first.nbytes + 8)


def _three(batches: Iterator[Batch], detail: bool) -> Answer:
    consistency, alignment = TurnConsistency(detail=detail), TurnAlignment(variant="cosine", detail=detail)
    decay = TurnDecay(detail=detail)
    for batch in batches:
        consistency.update(batch.images, dialogue=batch.dialogue, turn=batch.turn)
        alignment.update(batch.images, batch.texts, dialogue=batch.dialogue, turn=batch.turn)
        decay.update(batch.scores, dialogue=batch.dialogue, turn=batch.turn)
    metrics = (consistency, alignment, decay)
    return Answer(torch.stack([_headline(metric) for metric in metrics]), _state_bytes(*metrics))


def _plain_loop(batches: Iterator[Batch]) -> Answer:
    """Compute the same three numbers dialogue by dialogue, as an evaluation script would."""
    sums = torch.zeros(5, dtype=torch.float64, device=DEVICE)
    for batch in batches:
        columns = (batch.images, batch.texts, batch.scores, batch.turn)
        for images, texts, scores, turn in zip(*(torch.split(c, batch.lengths.tolist()) for c in columns)):
            images, texts = F.normalize(images), F.normalize(texts)
            cosine = images @ images.T
            agreement = (cosine.sum() - cosine.trace()) / (len(images) - 1)
            centred = turn - turn.double().mean()
            parts = [agreement, (images * texts).sum(), centred @ scores.double(), centred @ centred]
            sums += torch.stack([*(part.double() for part in parts), torch.tensor(len(images), device=DEVICE).double()])
    answer = torch.stack([sums[0] / sums[4], sums[1] / sums[4], sums[2] / sums[3]])
    return Answer(answer, sums.nbytes)
