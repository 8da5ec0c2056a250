# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""CopyGuard: what repeats is counted, by what it repeats, by what tells and by how it hides."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from imug_metrics import CopyGuard, TurnConsistency, copy_guard, near_duplicates
from imug_metrics.encoders import CallableEncoder
from imug_metrics.media.thumbnails import thumbnails
from tests.functional.images.consistent import angles
from tests.functional.images.test_copy_guard import scenery
from tests.metrics import cases

CASES = {
    "copies": cases.Case(CopyGuard, cases.images_to_guard, refuses=("missing",)),
    "copies-cosine": cases.Case(lambda **k: CopyGuard(cosine_threshold=0.75, **k), cases.images, refuses=("missing",)),
}
ENCODER = CallableEncoder(images=lambda images: torch.stack([*images]).float().mean((2, 3)), name="colours")


def result(*arguments: Any, **named: Any) -> dict[str, float]:
    metric = CopyGuard(detail=True)
    metric.update(*arguments, **named)
    return {name.removeprefix("copy_guard"): float(value) for name, value in metric.compute().items()}


def test_every_signal_has_its_rate_and_pixels_decide() -> None:
    pixels = torch.tensor([0.2, 0.9, 0.9])[:, None].expand(3, 12)
    found = result(angles(0, 0, 90)[None], pixels=pixels[None])
    assert found[""] == found["_by_pixels"] == found["_by_cosine"] == pytest.approx(1 / 2)
    assert found["_of_previous"] == pytest.approx(1 / 2)
    assert found["_of_first"] == 0
    assert found["_by_hash"] != found["_by_hash"], "plain images have no hash"
    assert [found[f"_turn_{turn}"] for turn in (2, 3)] == [0, 1]


def test_alterations_are_counted_and_what_is_as_it_was_has_none() -> None:
    image, *_ = scenery(1)
    shown = torch.stack([image, image, image.roll((4, -6), (1, 2)), image.flip(-1)])
    found = result(pixels=thumbnails(shown)[None])
    assert found[""] == 1
    assert found["_shifted"] == pytest.approx(2 / 3)  # the last one is the image before it, mirrored and shifted
    assert found["_mirrored"] == pytest.approx(1 / 3)
    assert found["_cropped"] == 0
    assert found["_coverage"] == 1


def test_without_pixels_the_cosine_decides_and_says_so() -> None:
    found = result(angles(0, 0, 90)[None])
    assert found[""] == found["_by_cosine"] == pytest.approx(1 / 2)
    assert all(found[key] != found[key] for key in ("_by_pixels", "_by_hash", "_shifted", "_angle", "_of_shown"))


def test_an_image_that_was_shown_makes_the_first_image_expected() -> None:
    images, references = angles(0, 60, 90), angles(60, 60, 60)
    shown = angles(0, 0, 0)
    found = result(images[None], shown=shown[None], references=references[None])
    assert found["_of_shown"] == pytest.approx(1 / 3)
    assert found["_angle"] == pytest.approx((1 - 1 - 1) / 3)
    assert found["_n"] == 3
    shown[1:] = torch.nan
    assert result(images[None], shown=shown[None])["_n"] == 3
    assert result(images[None])["_n"] == 2


def test_a_dialogue_of_one_image_has_nothing_to_be_a_copy_of() -> None:
    assert result(angles(0, 60, 90), dialogue=[1, 2, 2], turn=[1, 1, 2])["_coverage"] == 1


def test_pixels_of_images_and_of_what_was_shown_are_made_when_there_is_an_encoder() -> None:
    images = scenery(3)
    metric = CopyGuard(detail=True, encoder=ENCODER)
    metric.update(images, shown=images.flip(-1), dialogue=[1] * 3, turn=[1, 2, 3])
    found = metric.compute()
    assert found["copy_guard_of_shown"] == found["copy_guard_mirrored"] == 1
    assert found["copy_guard_of_previous"] == 0


def test_an_update_with_alignment_is_as_many_operations_however_many_images_and_never_waits() -> None:
    from benchmarks.dispatch_counts import count  # not where the cases are read from

    found = []
    for lines in (2, 8):
        pixels = torch.rand(lines, 3, 3 * 16 * 16, generator=torch.Generator().manual_seed(0))
        metric = CopyGuard(validate=False)
        metric.update(pixels=pixels)
        found.append(count(lambda: metric.update(pixels=pixels)))  # noqa: B023
    assert found[0].operations == found[1].operations <= 430
    assert found[0].waits == found[1].waits == 0


def test_alignment_runs_on_tensors_whose_values_nobody_can_see() -> None:
    from imug_metrics.media.near_duplicates import compare_pixels

    images, rows = torch.empty(4, 3072, device="meta"), torch.empty(6, dtype=torch.int64, device="meta")
    assert compare_pixels(images, rows, rows).difference.shape == (6,)


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="`images` to be there, or `pixels`"):
        CopyGuard().update(dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match="`shown_pixels` to be as large as `pixels`"):
        CopyGuard().update(pixels=torch.zeros(1, 2, 48), shown_pixels=torch.zeros(1, 2, 12))


def test_an_absent_image_lowers_the_coverage_and_is_no_better_than_a_copy() -> None:
    found = result(angles(0, 90, 0, 90)[None], valid=torch.tensor([[False, True, True, True]]))
    assert (found["_n"], found["_coverage"]) == (2, pytest.approx(2 / 3)), "the second is the first that is there"
    with pytest.raises(ValueError, match="`missing` to be 'skip'"):
        CopyGuard(missing="zero")


@pytest.mark.parametrize("metric", [CopyGuard, TurnConsistency])
@pytest.mark.parametrize(
    ("threshold", "wrong", "ends"), [("cosine", 1.5, (-1, 1)), ("pixel", -0.1, (0, 1)), ("hash", 65, (0, 64))]
)
def test_thresholds_that_no_pair_or_every_pair_reaches_are_refused(metric, threshold, wrong, ends) -> None:
    """With one that is no number, copies would never be found, and 0 is the best."""
    name = {("cosine", TurnConsistency): "copy"}.get((threshold, metric), threshold) + "_threshold"
    if not hasattr(metric(), name):
        pytest.skip("it has no such threshold")
    for value in (wrong, float("nan")):
        with pytest.raises(ValueError, match=f"`{name}` to lie in"):
            metric(**{name: value})
    assert [getattr(metric(**{name: end}), name) for end in ends] == [*ends]


def test_thresholds_of_the_functions_are_checked_too() -> None:
    pixels = torch.zeros(2, 48)
    for options in ({"cosine_threshold": float("nan")}, {"pixel_threshold": 2.0}):
        with pytest.raises(ValueError, match="to lie in"):
            copy_guard(pixels=pixels, dialogue=[1, 1], turn=[1, 2], **options)
    with pytest.raises(ValueError, match="to lie in"):
        near_duplicates(pixels, pixels, pixel_threshold=float("nan"))
