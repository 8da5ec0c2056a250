# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""subject_consistency: the scores of subjects, backgrounds and whole images, the gap, and the swap test."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics.errors import InputError
from imug_metrics.functional import subject_consistency, turn_consistency
from tests.functional.images.consistent import angles

PLACES = {"dialogue": [3, 3, 3], "turn": [1, 2, 3]}
PARTS = {"images": angles(0, 30, 90), "background": angles(0, 0, 60), "whole": angles(0, 10, 70)}


def values(part: str, **options: object) -> Tensor:
    return subject_consistency(**{**PARTS, **PLACES, **options}, part=part, reduction="none")


@pytest.mark.parametrize("mode", ["pairwise", "anchor", "consecutive", "vbench"])
def test_every_part_is_scored_as_turn_consistency_scores_it(mode: str) -> None:
    for part, rows in zip(("subject", "background", "whole"), PARTS.values(), strict=True):
        expected = turn_consistency(rows, **PLACES, mode=mode, reduction="none")
        torch.testing.assert_close(values(part, mode=mode), expected, equal_nan=True, rtol=0, atol=0)


def test_links_name_the_partners_of_every_part() -> None:
    links = torch.tensor([[2, 0], [2, 1]])
    for part, rows in zip(("subject", "background", "whole"), PARTS.values(), strict=True):
        expected = turn_consistency(rows, **PLACES, mode="graph", links=links, reduction="none")
        found = values(part, mode="graph", links=links)
        torch.testing.assert_close(found, expected, equal_nan=True, rtol=0, atol=0)


def test_the_gap_is_subject_less_background() -> None:
    expected = values("subject") - values("background")
    torch.testing.assert_close(values("gap"), expected)
    assert subject_consistency(**PARTS, **PLACES, part="gap").item() == pytest.approx(expected.mean().item())


def test_references_stand_for_the_first_subject_and_for_no_background() -> None:
    references = angles(60, 60, 60)
    subjects = values("subject", mode="anchor", references=references)
    assert subjects.tolist() == pytest.approx([0.5, 0.8660254, 0.8660254])
    backgrounds = values("background", mode="anchor", references=references)
    torch.testing.assert_close(backgrounds, values("background", mode="anchor"), equal_nan=True)


def test_swapped_subjects_are_held_against_the_partners() -> None:
    # Image 2 is 10 degrees from the one before: a swap at 5 is closer, one at 10 as close, one at 15 less close.
    for degrees, expected in ((15, 1.0), (20, 0.5), (25, 0.0)):
        found = values("swap", mode="consecutive", swapped=angles(0, degrees, 0))
        assert found[0].isnan()
        assert found[1].item() == expected


def test_a_swap_is_undefined_without_a_partner_or_without_a_direction() -> None:
    swapped = angles(0, 10, 70)
    swapped[1] = 0
    assert values("swap", swapped=swapped).isnan().tolist() == [False, True, False]
    assert values("swap", swapped=swapped, dialogue=[1, 2, 3], turn=[1, 1, 1]).isnan().all()


def test_an_image_whose_subject_is_not_found_is_absent_in_every_part() -> None:
    images = PARTS["images"].clone()
    images[1] = torch.nan
    for part in ("subject", "background", "whole", "gap", "swap"):
        found = values(part, images=images, swapped=PARTS["whole"])
        assert found.isnan().tolist() == [False, True, False]
    assert values("background", images=images).tolist() == pytest.approx([0.5, torch.nan, 0.5], nan_ok=True)


def test_an_absent_image_is_no_partner_of_any_part() -> None:
    valid = torch.tensor([True, False, True])
    assert values("background", valid=valid).tolist() == pytest.approx([0.5, torch.nan, 0.5], nan_ok=True)


def test_parts_may_have_widths_of_their_own() -> None:
    wide = torch.nn.functional.pad(PARTS["whole"], (0, 3))
    torch.testing.assert_close(values("whole", whole=wide), values("whole"))
    with pytest.raises(InputError, match=r"`swapped`.*as wide as those of `whole`, 5"):
        values("swap", whole=wide, swapped=PARTS["whole"])


def test_what_a_part_needs_is_asked_for() -> None:
    for part, name in (("background", "background"), ("gap", "background"), ("whole", "whole"), ("swap", "whole")):
        with pytest.raises(InputError, match=f"`{name}` to be given for the part '{part}'"):
            subject_consistency(PARTS["images"], **PLACES, part=part)
    with pytest.raises(InputError, match="`whole` to be given where `swapped` is"):
        subject_consistency(PARTS["images"], swapped=PARTS["whole"], **PLACES)
    with pytest.raises(ValueError, match="`part`"):
        values("face")
    with pytest.raises(ValueError, match="`mode`"):
        values("subject", mode="mean")
    with pytest.raises(InputError, match="`references` to be absent with mode 'graph'"):
        values("subject", mode="graph", links=[[1, 0]], references=PARTS["images"])
    with pytest.raises(InputError, match="`background` to have one entry for each of `images`"):
        values("background", background=angles(0, 1))


@pytest.mark.parametrize("part", ["subject", "background", "whole", "gap"])
def test_gradients_reach_the_parts_that_are_scored(part: str) -> None:
    parts = {name: rows.clone().requires_grad_() for name, rows in PARTS.items()}
    subject_consistency(**parts, **PLACES, part=part).backward()
    reached = {name for name, rows in parts.items() if rows.grad is not None and bool((rows.grad != 0).any())}
    assert reached == {"subject": {"images"}, "gap": {"images", "background"}}.get(part, {part})
