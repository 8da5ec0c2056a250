# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The best of n candidates: what it scores at every k, and which one it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from einops import rearrange, repeat
from imug_kernels import paired_cosine
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Candidates, Images, Texts
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.errors import InputError
from imug_metrics.functional.images.turn_alignment import VARIANTS, Variant, alignment_of_cosine
from imug_metrics.functional.reduce import reduce_values, valid_mask
from imug_metrics.functional.scaling.candidates import absent_candidates, as_candidates
from imug_metrics.stats.order_statistics import ascending, ascending_values, best_of_weights, share_ties
from imug_metrics.stats.running_sums import running_sums

_CHUNK, _DEVICE_CHUNK = 2**17, 2**24  # elements of temporaries: they stay in a CPU's cache, and fill a GPU
_MOST_CANDIDATES = 1000  # C(n, k) still fits a float64
_WEIGHTS = 2**22  # weights that are held at a time

Count = Tensor | Sequence[int] | int


class Choice(NamedTuple):
    """Which candidate was picked.

    Attributes:
        pick: int64 `[R]`, the first candidate with the highest score; -1 where none has a score.
        scores: `[R, n]`, NaN for candidates that cannot be scored.
    """

    pick: Tensor
    scores: Tensor


@runtime_checkable
class AlignmentScorer(Protocol):
    """What `best_of_n` needs of a metric of image-text alignment; `TurnAlignment` has it."""

    variant: Variant
    scale: float | None
    bias: float | None
    encoder: Any


Scorer = AlignmentScorer | Callable[[Tensor, Tensor], Tensor]


def best_of_n(images: Images, texts: Texts, scorer: Scorer | Variant = "clipscore") -> Choice:
    """Pick the best of n candidate images for each prompt, in one call; for use inside generation loops.

    Args:
        images: embeddings `[R, n, D]`, with NaN rows for candidates that are not there; or with a scorer that holds an
            encoder, images `[R, n, 3, H, W]` or R lists of n items, None for absent ones.
        texts: the prompts, embeddings `[R, D]`, or with an encoder R strings.
        scorer: a `TurnAlignment` (its variant and its encoder are used), the name of one of its variants for
            embeddings, or a function from `images [R * n, D]` and `texts [R * n, D]` to scores `[R * n]`, higher is
            better. With alignment the texts are not copied, and all cosines are one fused call.

    Returns:
        The picks and all scores. Nothing is differentiated.

    Raises:
        ValueError: if shapes do not fit, or items come without an encoder.

    Example:
        >>> candidates = torch.tensor([[[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]])
        >>> best_of_n(candidates, torch.tensor([[0.5, 0.5]])).pick
        tensor([1])
        >>> best_of_n(candidates, torch.tensor([[0.5, 0.5]]), lambda images, texts: images[:, 0]).pick
        tensor([0])
    """
    if isinstance(scorer, str) and scorer not in VARIANTS:
        raise ValueError(f"Expected argument `scorer` to be one of {VARIANTS}, got {scorer!r}.")
    encoder = getattr(scorer, "encoder", None)
    with torch.no_grad():
        candidates = _candidate_embeddings(images, encoder)
        prompts = embedding_column("texts", texts, encoder and encoder.encode_texts).values
        if candidates.shape[::2] != prompts.shape:
            expected = f"to be embeddings {[*candidates.shape[::2]]} of the records of `images`"
            raise InputError("texts", expected, [*prompts.shape])
        scores = _pair_scores(candidates, prompts, scorer).view(candidates.shape[:2])
        scores = scores.masked_fill(~candidates.isfinite().all(-1), torch.nan)
        ranked = scores.nan_to_num(nan=-torch.inf)
        best = ranked.max(1).values if scores.shape[1] else ranked.new_full((len(ranked),), -torch.inf)
        pick = (ranked == best[:, None]).int().argmax(1) if scores.shape[1] else torch.zeros_like(best).long()
    return Choice(pick.masked_fill(scores.isnan().all(1), -1), scores)


def best_of_n_curve(
    scores: Candidates,
    selector: Candidates | None = None,
    *,
    k: int | Sequence[int] | Tensor | None = None,
    valid: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Expected score of the best of k candidates out of n, without bias, for every k <= n. Higher is better.

    With the candidates sorted by the true score y, the *oracle* curve is `sum_{i >= k} C(i-1, k-1) / C(n, k) y_(i)`:
    the mean over all subsets of k candidates of their largest score. For y in {0, 1} this is pass@k (Chen et al., arXiv
    2107.03374). With a *selector*, the candidates are sorted by its score instead, and the curve is the expected true
    score of the candidate that it would pick among k; those that it scores alike are picked with equal probability.
    The best of "the first k of the n" is unbiased too, but much noisier; the best of k drawn *with* replacement from
    the n is biased downwards.

    Args:
        scores: true scores `[..., n]` of the candidates; NaN where one is not there, so that n may differ by record.
        selector: the selector's scores of the same shape, or None for the oracle. NaN: the candidate is not there.
        k: which k, each at least 1; None: 1 to n.
        valid: bool of the same shape, False where a candidate is not there.
        reduction: `"none"` for the curve of every record, `"mean"` for the mean over records that have k candidates.

    Returns:
        float64 `[K]`, or `[..., K]`; NaN where a record has fewer than k candidates. A single integer k gives no last
        dimension. Differentiable in the scores. Sorting costs `n log n` a record; memory does not grow with the records
        but for what is returned, and no n x n matrix is held for large n.

    Raises:
        ValueError: if shapes differ or a k is below 1.

    Example:
        >>> right = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
        >>> best_of_n_curve(right)
        tensor([0.2500, 0.5000, 0.7500, 1.0000], dtype=torch.float64)
        >>> best_of_n_curve(right, torch.tensor([[0.9, 0.1, 0.9, 0.2]]), k=[2, 4])
        tensor([0.4167, 0.5000], dtype=torch.float64)
    """
    y = as_candidates("scores", scores)
    keys = None if selector is None else as_candidates("selector", selector, like=y)
    there = None if valid is None else valid_mask(valid, tuple(y.shape), y.device, of="`scores`")
    ks = torch.arange(1, y.shape[-1] + 1, device=y.device) if k is None else torch.as_tensor(k, device=y.device)
    if ks.is_floating_point() or bool((ks < 1).any()):
        raise ValueError(f"Expected argument `k` to hold integers from 1, got {k}.")
    flat = ks.flatten()
    shape = (*y.shape[:-1], *ks.shape)
    chunks = (_sort_present(*parts) for parts in _chunks(y, keys, there))
    if reduction == "mean":
        return _mean_curve(chunks, flat).view(ks.shape)
    found = [_expectations(rows, counts, tuple(flat.tolist())) for rows, counts in chunks]
    return reduce_values(torch.cat(found).view(shape), reduction)


def pass_at_k(correct: Count, n: Count, k: int) -> Tensor:
    """Probability that one of k samples is right, `1 - C(n - c, k) / C(n, k)`, given that c of n are. Higher is better.

    Chen et al., arXiv 2107.03374. Equal to the oracle `best_of_n_curve` of scores in {0, 1}, from counts alone.

    Args:
        correct: numbers c of right samples, any shape.
        n: numbers of samples, of that shape or one for all.
        k: at least 1.

    Returns:
        float64 in [0, 1]; NaN where n < k.

    Raises:
        ValueError: if k is no integer from 1 or a count lies outside [0, n].

    Example:
        >>> pass_at_k(torch.tensor([1, 0, 4]), 4, k=2)
        tensor([0.5000, 0.0000, 1.0000], dtype=torch.float64)
    """
    right, samples = torch.as_tensor(correct).double(), torch.as_tensor(n).double()
    if k != int(k) or k < 1:
        raise ValueError(f"Expected argument `k` to be an integer >= 1, got {k}.")
    if bool(((right < 0) | (right > samples)).any()):
        raise ValueError("Expected argument `correct` to lie between 0 and `n`.")
    wrong, total = (samples - right).clamp_min(k), samples.clamp_min(k)
    logs = torch.lgamma(wrong + 1) - torch.lgamma(total + 1)
    logs = logs - (torch.lgamma(wrong - k + 1) - torch.lgamma(total - k + 1))  # in this order 0 where none is right
    return torch.where(samples - right < k, 1.0, 1 - torch.exp(logs)).masked_fill(samples < k, torch.nan)


def expected_best(y: Tensor, keys: Tensor | None, ks: tuple[int, ...]) -> Tensor:
    """Expected scores `[R, K]` of the best of k among candidates, NaN in `y` and `keys` alike where one is absent."""
    found = [_expectations(*_sort(*parts[:2]), ks) for parts in _chunks(y, keys, None)]
    return found[0] if len(found) == 1 else torch.cat(found)


def picked_score(y: Tensor, keys: Tensor) -> Tensor:
    """True score `[R]` of the selector's favourite among all candidates, ties shared; NaN without candidates.

    Example:
        >>> picked_score(torch.tensor([[0.0, 1.0, 0.5]]), torch.tensor([[0.7, 0.7, 0.1]]))
        tensor([0.5000], dtype=torch.float64)
    """
    ranked = keys.nan_to_num(nan=-torch.inf)
    best = ranked.amax(1, keepdim=True) if keys.shape[1] else ranked.sum(1, keepdim=True)
    chosen = (ranked == best) & ~keys.isnan()
    return y.masked_fill(~chosen, 0).nan_to_num(0).sum(1, dtype=torch.float64) / chosen.sum(1)


def _chunks(
    y: Tensor, keys: Tensor | None, valid: Tensor | None
) -> Iterator[tuple[Tensor, Tensor | None, Tensor | None]]:
    """The same rows of all columns, one chunk at least."""
    rows = y.flatten(0, -2)
    others = [None if part is None else part.flatten(0, -2) for part in (keys, valid)]
    step = max(1, (_CHUNK if y.device.type == "cpu" else _DEVICE_CHUNK) // max(rows.shape[1], 1))
    for start in range(0, max(len(rows), 1), step):
        some = slice(start, start + step)
        keys, valid = (None if part is None else part[some] for part in others)
        yield rows[some], keys, valid


def _sort_present(y: Tensor, keys: Tensor | None, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    absent = absent_candidates(y, keys, valid)
    return _sort(y.masked_fill(absent, torch.nan), None if keys is None else keys.masked_fill(absent, torch.nan))


def _sort(y: Tensor, keys: Tensor | None) -> tuple[Tensor, Tensor]:
    """Float64 scores sorted by key, ties shared, 0 behind the last candidate; and numbers of candidates."""
    counts = (y == y).sum(1)
    if keys is None:
        return ascending_values(y).double().nan_to_num(0), counts
    order = ascending(keys)
    return share_ties(y.gather(1, order).double().nan_to_num(0), keys.gather(1, order)), counts


def _expectations(rows: Tensor, counts: Tensor, ks: tuple[int, ...]) -> Tensor:
    """Weighted sums `[R, K]` of sorted rows, NaN where there are fewer than k candidates."""
    size = rows.shape[1]
    if size > _MOST_CANDIDATES:
        return _expectations_by_size(rows, counts, torch.tensor(ks, device=rows.device))
    # The weight of the i-th of c candidates is C(i - 1, k - 1) / C(c, k): the same for every c but for a factor, which
    # is what the weights of the first c sum to. Fewer than k candidates have no weight at all, and 0 / 0 is NaN.
    weights = constant(_weights, size, ks, like=rows)
    return rows @ weights / constant(_running_weights, size, ks, like=rows)[counts]


def _weights(size: int, ks: tuple[int, ...], device: torch.device) -> Tensor:
    """Weights `[size, K]` of sorted candidates."""
    k = torch.tensor(ks, device=device)
    weights = best_of_weights(size, k.clamp(max=size)) if size else torch.zeros(len(ks), 0, device=device).double()
    return weights.masked_fill((k > size)[:, None], 0).mT.contiguous()


def _running_weights(size: int, ks: tuple[int, ...], device: torch.device) -> Tensor:
    """The sums of the weights of the first c candidates, `[size + 1, K]`."""
    return running_sums(F.pad(_weights(size, ks, device), (0, 0, 1, 0)), 0)


def _expectations_by_size(rows: Tensor, counts: Tensor, k: Tensor) -> Tensor:
    """The same by number of candidates, for so many of them that one's weights vanish beside another's."""
    found = rows.new_full((len(rows), len(k)), torch.nan)
    for size in _sizes(counts):
        mine = (counts == size).nonzero()[:, 0]
        found = found.index_copy(0, mine, _weighted(rows[mine], size, k))
    return found


def _sizes(counts: Tensor) -> list[int]:
    """Which numbers of candidates there are."""
    return [size for size, number in enumerate(torch.bincount(counts).tolist()) if number]


def _weighted(rows: Tensor, size: int, k: Tensor) -> Tensor:
    """Curves `[R, K]` of sorted rows that have `size` candidates each."""
    step = max(1, _WEIGHTS // max(size, 1))
    parts = []
    for some in torch.split(k, step):
        weights = best_of_weights(size, some.clamp(max=size)) if size else rows.new_zeros(len(some), 0)
        parts.append((rows[:, :size] @ weights.mT).masked_fill(some > size, torch.nan))
    return torch.cat(parts, 1) if parts else rows.new_zeros(len(rows), 0)


def _mean_curve(chunks: Iterator[tuple[Tensor, Tensor]], k: Tensor) -> Tensor:
    """Mean curve `[K]`: the weights are the same for all rows of one size, so the sorted rows are summed first."""
    totals: dict[int, Tensor] = {}
    inputs: dict[int, int] = {}
    for rows, counts in chunks:
        sizes = _sizes(counts)
        for size in sizes:
            mine = rows if len(sizes) == 1 else rows[counts == size]
            totals[size] = totals[size] + mine.sum(0) if size in totals else mine.sum(0)
            inputs[size] = inputs.get(size, 0) + len(mine)
    total, count = torch.zeros(len(k), dtype=torch.float64, device=k.device), torch.zeros_like(k)
    for size, row in totals.items():
        total = total + _weighted(row[None], size, k)[0].nan_to_num(0)
        count = count + inputs[size] * (k <= size)
    return total / torch.where(count > 0, count, torch.nan)


def _pair_scores(images: Tensor, prompts: Tensor, scorer: Scorer | Variant) -> Tensor:
    """Scores `[R * n]` of candidates `[R, n, D]` against their record's prompt."""
    record = repeat(torch.arange(len(images), device=images.device), "r -> (r n)", n=images.shape[1])
    flat, prompts = rearrange(images, "r n d -> (r n) d"), prompts.to(images.device)
    if isinstance(scorer, str):
        return alignment_of_cosine(paired_cosine(flat, prompts, iy=record), scorer)
    if isinstance(scorer, AlignmentScorer):
        cosine = paired_cosine(flat, prompts, iy=record)
        return alignment_of_cosine(cosine, scorer.variant, scorer.scale, scorer.bias)
    scores = torch.as_tensor(scorer(flat, prompts[record]))
    if scores.shape != record.shape:
        raise ValueError(f"Expected `scorer` to return scores of shape {[*record.shape]}, got {[*scores.shape]}.")
    return scores


def _candidate_embeddings(images: Images, encoder: Any) -> Tensor:
    """Embeddings `[R, n, D]` of embeddings, a tensor of images or lists of items; NaN where one is absent."""
    column = embedding_column("images", images, encoder and encoder.encode_images)
    if len(column.shape) != 2:
        raise InputError("images", "to hold n candidates for each record, [R, n, ...]", [*column.shape])
    values = column.values.view(*column.shape, column.values.shape[-1])
    return values if column.present is None else values.masked_fill(~column.present[..., None], torch.nan)
