# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Best of k out of n: every subset for small n, drawing for large n, and what it costs in memory."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from torch import Tensor

from imug_metrics import TurnAlignment
from imug_metrics.encoders import CallableEncoder
from imug_metrics.functional import best_of_n, best_of_n_curve, pass_at_k, turn_alignment


def enumerated(scores: Tensor, selector: Tensor | None, k: int) -> float:
    """Mean over all subsets of k of the pick's true score, ties picked with equal probability."""
    keys = scores if selector is None else selector
    picks = []
    for subset in combinations(range(len(scores)), k):
        members = list(subset)
        best = keys[members] == keys[members].max()
        picks.append(scores[members][best].mean())
    return float(torch.stack(picks).mean())


def candidates(n: int, kind: str, seed: int = 0) -> tuple[Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(6, n, generator=generator, dtype=torch.float64)
    noise = torch.rand(6, n, generator=generator, dtype=torch.float64)
    if kind == "oracle":
        return scores, None
    if kind == "binary":
        return (scores > 0.6).double(), None
    if kind == "selector":
        return scores, scores + noise
    if kind == "ties":
        return scores, ((scores + noise) * 2).round()
    return scores, -scores  # a selector that picks the worst


@pytest.mark.parametrize("kind", ["oracle", "binary", "selector", "ties", "adverse"])
@pytest.mark.parametrize("n", range(1, 9))
def test_curve_is_the_mean_over_all_subsets(n: int, kind: str) -> None:
    scores, selector = candidates(n, kind)
    found = best_of_n_curve(scores, selector, reduction="none")
    for row in range(len(scores)):
        for k in range(1, n + 1):
            expected = enumerated(scores[row], None if selector is None else selector[row], k)
            assert found[row, k - 1].item() == pytest.approx(expected, abs=1e-12)
    torch.testing.assert_close(best_of_n_curve(scores, selector), found.mean(0))


@pytest.mark.parametrize("kind", ["oracle", "selector", "ties"])
def test_curve_of_64_candidates_is_what_drawing_gives(kind: str) -> None:
    """20,000 draws of k of 64 candidates; the curve lies within four standard errors of their mean."""
    scores, selector = candidates(64, kind, seed=4)
    scores, selector = scores[:1], None if selector is None else selector[:1]
    ks = [2, 5, 17, 40, 63]
    found = best_of_n_curve(scores, selector, k=ks)
    generator = torch.Generator().manual_seed(5)
    keys = scores if selector is None else selector
    order = torch.rand(20_000, 64, generator=generator).argsort(1)
    for place, k in enumerate(ks):
        drawn = order[:, :k]
        best = keys[0, drawn].argmax(1, keepdim=True)  # drawn in random order: the first of equal ones is a fair pick
        picked = scores[0, drawn.gather(1, best)[:, 0]]
        error = picked.std() / len(picked) ** 0.5
        assert abs(found[place] - picked.mean()) < 4 * error + 1e-12


def test_the_first_estimates_of_a_longer_list_are_unbiased() -> None:
    """From n candidates the curve estimates what k fresh ones would give, not what these n happen to hold."""
    generator = torch.Generator().manual_seed(6)
    scores = torch.rand(20_000, 16, generator=generator, dtype=torch.float64)
    selector = scores + 0.3 * torch.randn(scores.shape, generator=generator, dtype=torch.float64)
    fresh = torch.rand(200_000, 4, generator=generator, dtype=torch.float64)
    judged = fresh + 0.3 * torch.randn(fresh.shape, generator=generator, dtype=torch.float64)
    picked = fresh.gather(1, judged.argmax(1, keepdim=True))[:, 0]
    assert best_of_n_curve(scores, k=4).item() == pytest.approx(4 / 5, abs=4e-3)  # the mean of the largest of 4
    assert best_of_n_curve(scores, selector, k=4).item() == pytest.approx(picked.mean().item(), abs=4e-3)


def test_the_oracle_of_right_and_wrong_is_pass_at_k() -> None:
    right = (torch.rand(50, 12, generator=torch.Generator().manual_seed(7)) < 0.3).double()
    found = best_of_n_curve(right, reduction="none")
    for k in range(1, 13):
        torch.testing.assert_close(found[:, k - 1], pass_at_k(right.sum(1), 12, k), rtol=1e-12, atol=1e-12)


def test_pass_at_k_of_thousands_of_samples() -> None:
    assert pass_at_k(1, 10_000, 5_000).item() == pytest.approx(0.5, rel=1e-9)
    assert pass_at_k(0, 10_000, 10_000).item() == 0
    assert pass_at_k(1, 2, 5).isnan()


@pytest.mark.parametrize("k", [0, 2.5])
def test_pass_at_k_refuses_what_is_no_number_of_samples(k: float) -> None:
    with pytest.raises(ValueError, match="`k` to be an integer >= 1"):
        pass_at_k(1, 3, k)


def test_ragged_records_are_those_without_their_gaps() -> None:
    scores, selector = candidates(7, "ties")
    assert selector is not None
    gaps = torch.rand(scores.shape, generator=torch.Generator().manual_seed(8)) < 0.4
    gaps[0] = True
    found = best_of_n_curve(scores.masked_fill(gaps, torch.nan), selector, reduction="none")
    by_mask = best_of_n_curve(scores, selector, valid=~gaps, reduction="none")
    by_selector = best_of_n_curve(scores, selector.masked_fill(gaps, torch.nan), reduction="none")
    for other in (by_mask, by_selector):
        torch.testing.assert_close(found, other, equal_nan=True)
    for row in range(len(scores)):
        kept = ~gaps[row]
        count = int(kept.sum())
        assert found[row, count:].isnan().all(), "a record says nothing of more candidates than it has"
        if count:
            alone = best_of_n_curve(scores[row, kept][None], selector[row, kept][None])
            torch.testing.assert_close(found[row, :count], alone)
    mean = best_of_n_curve(scores.masked_fill(gaps, torch.nan), selector)
    torch.testing.assert_close(mean, found.nanmean(0), equal_nan=True)


def test_many_candidates() -> None:
    scores = torch.rand(3, 10_000, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    curve = best_of_n_curve(scores, k=[1, 2, 100, 10_000])
    assert curve[0].item() == pytest.approx(scores.mean().item(), rel=1e-9)
    assert curve[-1].item() == pytest.approx(scores.amax(1).mean().item(), rel=1e-9)
    every = best_of_n_curve(scores[:, :2500])  # more weights than are held at a time
    assert bool((every.diff() >= -1e-12).all())
    torch.testing.assert_close(every[[1, 99]], best_of_n_curve(scores[:, :2500], k=[2, 100]))


def test_gradient_reaches_the_scores() -> None:
    scores, selector = candidates(5, "ties")
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda y: best_of_n_curve(y, selector, reduction="none"), (scores,))
    assert torch.autograd.gradcheck(lambda y: best_of_n_curve(y), (scores,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_scores_of_fewer_bits_are_summed_in_float64(dtype: torch.dtype) -> None:
    scores = candidates(6, "oracle")[0].to(dtype)
    torch.testing.assert_close(best_of_n_curve(scores), best_of_n_curve(scores.double()), rtol=0, atol=0)


def test_device(device: torch.device) -> None:
    scores, selector = candidates(9, "ties")
    assert selector is not None
    found = best_of_n_curve(scores.to(device), selector.to(device), reduction="none")
    torch.testing.assert_close(found.cpu(), best_of_n_curve(scores, selector, reduction="none"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.2],), "`scores` to have shape"),
        (([[0.5, 0.2]], [[0.5]]), "`selector` to have the shape of `scores`"),
    ],
)
def test_wrong_shapes_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_of_n_curve(*arguments)


@pytest.mark.parametrize("k", [0, [1, 0], 1.5])
def test_wrong_k_is_refused(k: object) -> None:
    with pytest.raises(ValueError, match="`k` to hold integers from 1"):
        best_of_n_curve([[0.5, 0.2]], k=k)


def _embeddings() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(10)
    return torch.randn(4, 5, 8, generator=generator), torch.randn(4, 8, generator=generator)


@pytest.mark.parametrize("variant", ["cosine", "clipscore", "siglip"])
def test_an_alignment_metric_scores_every_candidate_as_it_would_a_turn(variant: str) -> None:
    images, prompts = _embeddings()
    scorer = TurnAlignment(variant, scale=10.0, bias=-2.0)
    found = best_of_n(images, prompts, scorer)
    each = turn_alignment(
        images, prompts[:, None].expand_as(images), variant=variant, scale=10.0, bias=-2.0, reduction="none"
    )
    torch.testing.assert_close(found.scores, each)
    assert torch.equal(found.pick, each.argmax(1))


def test_candidates_that_are_not_there_are_never_picked() -> None:
    images, prompts = _embeddings()
    best = best_of_n(images, prompts, "cosine").pick
    images[0, best[0]] = torch.nan
    images[1] = torch.nan
    found = best_of_n(images, prompts, "cosine")
    assert found.pick[0] not in (best[0], -1)
    assert found.pick[1] == -1
    assert found.scores[1].isnan().all()


def test_a_function_may_score() -> None:
    images, prompts = _embeddings()
    found = best_of_n(images, prompts, lambda image, prompt: -(image - prompt).norm(dim=1))
    assert torch.equal(found.pick, (images - prompts[:, None]).norm(dim=2).argmin(1))


def test_items_are_encoded_by_the_encoder_of_the_metric() -> None:
    encoder = CallableEncoder(
        images=lambda images: torch.stack([image.float().mean((1, 2)) for image in images]) + 1e-3,
        texts=lambda texts: torch.tensor([[text == "red", text == "green", text == "blue"] for text in texts]).float(),
    )
    colours = torch.eye(3)[:, :, None, None].expand(3, 3, 4, 4)
    images = torch.stack([colours, colours.flip(0)])
    scorer = TurnAlignment(encoder=encoder)
    assert best_of_n(images, ["red", "red"], scorer).pick.tolist() == [0, 2]
    lists = [[colours[1], None, colours[2]], [None, None, None]]
    assert best_of_n(lists, ["blue", "red"], scorer).pick.tolist() == [2, -1]


def test_wrong_prompts_are_refused() -> None:
    images, prompts = _embeddings()
    with pytest.raises(ValueError, match="`texts`"):
        best_of_n(images, prompts[:3])
    with pytest.raises(ValueError, match="`images`"):
        best_of_n(["a.png"], prompts)
    with pytest.raises(ValueError, match="`scorer`"):
        best_of_n(images, prompts, "clip")  # type: ignore[arg-type]
