# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""context_forgetting against a loop over images, and its gradient."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.errors import InputError
from imug_metrics.functional import context_forgetting
from tests.functional.decay.prompts import dialogues, mean, rows_of, seen

D = torch.float64


@pytest.mark.parametrize("seed", range(6))
def test_values_equal_a_loop_over_images(seed: int) -> None:
    data = dialogues(seed)
    expected = {one.row: one.own - mean(one.context.values()) for one in seen(data)}
    found = context_forgetting(**data.batch(), reduction="none")
    torch.testing.assert_close(found, rows_of(expected, len(found)), rtol=1e-9, atol=1e-9, equal_nan=True)
    assert found.isfinite().sum() > 5


def test_prompts_further_back_than_asked_are_not_looked_at() -> None:
    prompts = torch.eye(4, dtype=D)
    images = prompts[[0, 0, 0, 0]]  # what was asked first, for ever
    # Of turns 2, 3 and 4; the prompt of the first is 1, 2 and 3 turns back.
    found = [float(context_forgetting(images[None], prompts[None], max_back=back)) for back in (1, 2, 3)]
    assert found == pytest.approx([-1 / 3, -(1 + 1 / 2) / 3, -(1 + 1 / 2 + 1 / 3) / 3])


def test_a_chain_of_links_is_followed_to_its_end() -> None:
    prompts = torch.eye(9, dtype=D)
    chain = torch.tensor([[row, row - 1] for row in range(1, 8)])  # the last one stands alone
    images = prompts.cumsum(0)
    images[7] = prompts[0] + prompts[7]
    found = context_forgetting(images[None], prompts[None], links=chain, reduction="none")[0]
    assert found[1:7].abs().max() < 1e-12
    assert float(found[7]) == pytest.approx((1 - 1 / 7) / 2**0.5)
    assert found[[0, 8]].isnan().all()


def test_dialogues_with_and_without_links_do_not_touch_each_other() -> None:
    data = dialogues(1)
    batch = data.batch()
    together = context_forgetting(**batch, reduction="none")
    for one in batch["dialogue"].unique().tolist():
        chosen = (batch["dialogue"] == one).nonzero()[:, 0]
        number = {int(row): place for place, row in enumerate(chosen)}
        links = [(number[s], number[g]) for s, g in data.links if s in number and g in number]
        rows = {name: column[chosen] for name, column in batch.items() if name != "links"}
        alone = context_forgetting(**rows, links=torch.tensor(links).reshape(-1, 2).long(), reduction="none")
        torch.testing.assert_close(alone, together[chosen], rtol=0, atol=1e-15, equal_nan=True)


def test_records_of_text_are_context_and_have_no_value() -> None:
    prompts = torch.eye(3, dtype=D)
    images = torch.stack([torch.zeros(3, dtype=D), prompts[1], prompts[2] + prompts[0]])
    asked = [["text", "image", "image"]]
    found = context_forgetting(images[None], prompts[None], modality=asked, turn=[1, 2, 3], reduction="none")[0]
    assert found[1:].tolist() == pytest.approx([1, 2**-0.5 - 2**-0.5 / 2])
    assert found[0].isnan()
    shown = context_forgetting(prompts[None], prompts[None], modality=[["image", "image", "text"]], reduction="none")[0]
    assert shown.isnan().tolist() == [True, False, True]


def test_gradients_equal_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 2, 4, 5, dtype=D, generator=generator)
    images.requires_grad_()
    texts.requires_grad_()
    links = torch.tensor([[3, 1], [1, 0]])
    assert torch.autograd.gradcheck(lambda x, y: context_forgetting(x, y, links=links), (images, texts))


def test_what_is_unknown_spoils_no_gradient() -> None:
    images = torch.randn(1, 3, 4, dtype=D, generator=torch.Generator().manual_seed(0))
    images[0, 1] = 0
    images.requires_grad_()
    context_forgetting(images, torch.eye(4, dtype=D)[None, :3], turn=[1, 2, 3]).backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()
    assert images.grad[0, 2].abs().max() > 0


@pytest.mark.parametrize(
    ("links", "told"), [([[0, 3]], "below 3"), ([[0.5, 1]], "integers"), ([[0, 1, 2]], "integers")]
)
def test_links_that_are_none_are_refused(links: list[list[float]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        context_forgetting(torch.eye(3)[None], torch.eye(3)[None], links=links)


def test_a_record_without_a_modality_is_refused() -> None:
    with pytest.raises(InputError, match="`modality` to be 'text' or 'image'"):
        context_forgetting(torch.eye(3)[None], torch.eye(3)[None], modality=torch.tensor([[1.0, torch.nan, 0.0]]))
