# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SubjectConsistency: the subject beside its surroundings, and how far whole images follow the surroundings."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics import SubjectConsistency
from imug_metrics.encoders import CallableEncoder, ImageRegion, RegionEncoder
from imug_metrics.encoders.image_parts import PartsEncoder
from imug_metrics.errors import InputError
from imug_metrics.functional import turn_consistency
from imug_metrics.media.subject_swap import swap_subjects
from tests.metrics import cases

D = torch.float64


def _with_references(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    return {**cases.parts_of_images(dialogue, turn), "references": cases.noise(dialogue, turn, 4)}


def _with_links(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    return {**cases.parts_of_images(dialogue, turn), "links": cases.links(dialogue, turn)["links"]}


CASES = {
    "subjects-pairwise": cases.Case(SubjectConsistency, cases.parts_of_images),
    "subjects-references": cases.Case(lambda **k: SubjectConsistency("anchor", **k), _with_references),
    "subjects-consecutive": cases.Case(lambda **k: SubjectConsistency("consecutive", **k), cases.parts_of_images),
    "subjects-graph": cases.Case(lambda **k: SubjectConsistency("graph", **k), _with_links, rows="codes"),
    "subjects-vbench": cases.Case(lambda **k: SubjectConsistency("vbench", **k), cases.images),
}


def scored(count: int = 30, turns: int = 4, *, follows: float = 1.0, seed: int = 0) -> dict[str, Tensor]:
    """Angles of subject, background and whole image in [B, T]: the whole one follows the background so far."""
    generator = torch.Generator().manual_seed(seed)
    subject, background, noise = torch.rand(3, count, turns, generator=generator, dtype=D)
    return {"images": subject, "background": background, "whole": follows * background + 0.3 * subject + 0.1 * noise}


def on_a_circle(angles: Tensor) -> Tensor:
    return torch.stack([angles.cos(), angles.sin()], -1)


def compute(parts: dict[str, Tensor], mode: str = "consecutive", **options: Any) -> dict[str, float]:
    metric = SubjectConsistency(mode, detail=True, **options)
    metric.update(**{name: on_a_circle(angles) for name, angles in parts.items()})
    return {key.removeprefix("subject_consistency"): float(value) for key, value in metric.compute().items()}


def by_hand(parts: dict[str, Tensor], *, within: bool = False) -> float:
    """The partial correlation of the scores, by regressions; within dialogues about the means of their records."""
    scores = [turn_consistency(on_a_circle(parts[name]), mode="consecutive", reduction="none")[:, 1:] for name in parts]
    rows = torch.stack([score - score.mean(1, keepdim=True) * within for score in scores], -1).flatten(0, 1)
    z, y, x = rows.unbind(1)
    design = torch.stack([torch.ones_like(z), z], 1)
    left = [part - design @ torch.linalg.lstsq(design, part[:, None]).solution[:, 0] for part in (x, y)]
    return float(torch.corrcoef(torch.stack(left))[0, 1])


def test_leakage_is_the_partial_correlation_of_the_scores() -> None:
    parts = scored()
    found = compute(parts)
    assert found["_leakage"] == pytest.approx(by_hand(parts), abs=1e-9)
    assert found["_leakage_within"] == pytest.approx(by_hand(parts, within=True), abs=1e-9)
    for key in ("_leakage", "_leakage_within", "_leakage_share"):
        assert found[f"{key}_lower"] < found[key] < found[f"{key}_upper"]


def test_leakage_tells_what_follows_the_background_from_what_does_not() -> None:
    following, free = compute(scored(follows=1.0)), compute(scored(follows=0.0))
    assert following["_leakage_lower"] > 0.8
    assert following["_leakage_share"] > 0.5
    assert free["_leakage_lower"] < 0 < free["_leakage_upper"]
    assert free["_leakage_share_lower"] == 0
    assert free["_leakage_share"] < 0.05


def test_differences_between_dialogues_are_no_leakage_within_them() -> None:
    """Where whole image and background differ from dialogue to dialogue alone, a turn gains nothing from its scene."""
    parts = scored(40, 6, follows=0.0)
    far = torch.linspace(0, 1.2, 40, dtype=D)[:, None] * (torch.arange(6, dtype=D) % 2)
    parts["background"], parts["whole"] = 0.2 * parts["background"] + far, 0.2 * parts["whole"] + far
    found = compute(parts)
    assert found["_leakage"] > 0.9
    assert abs(found["_leakage_within"]) < 0.3


def test_leakage_is_undefined_without_spread_and_without_the_parts() -> None:
    parts = scored() | {"background": torch.zeros(30, 4, dtype=D)}
    metric = SubjectConsistency("consecutive", detail=True)
    metric.update(**{name: on_a_circle(angles) for name, angles in parts.items()})
    found = metric.compute()
    for key in ("leakage", "leakage_within", "leakage_share"):
        assert found[f"subject_consistency_{key}"].isnan()
        assert metric.reasons[f"subject_consistency_{key}"] == "it is undefined"
    alone = compute({"images": parts["images"]})
    given = {key for key, value in alone.items() if not math.isnan(value)}
    assert not {"_background", "_whole", "_gap", "_swap_rate", "_leakage", "_leakage_within", "_leakage_share"} & given
    assert {"", "_last_vs_first", "_worst_pair", "_slope", "_coverage"} <= given


def test_with_a_subject_that_stays_leakage_is_the_plain_correlation() -> None:
    parts = scored()
    parts["images"] = 0 * parts["images"]
    scores = [turn_consistency(on_a_circle(parts[name]), mode="consecutive", reduction="none")[:, 1:].flatten()
              for name in ("whole", "background")]  # fmt: skip
    assert compute(parts)["_leakage"] == pytest.approx(float(torch.corrcoef(torch.stack(scores))[0, 1]), abs=1e-9)


def test_intervals_of_leakage_cover() -> None:
    """Of 40 data sets with a known correlation of scores nearly all intervals hold it, and few hold 0.1."""
    generator, held, missed = torch.Generator().manual_seed(0), 0, 0
    for _ in range(40):
        subject, background, noise = torch.randn(3, 40, 1, generator=generator, dtype=D)
        whole = 0.5 * subject + 0.6 * background + 0.8 * noise  # partial correlation 0.6
        # Scores are cosines to the first image, from which the second is turned by these angles.
        angles = {"images": subject, "background": background, "whole": whole}
        turned = {name: (0.5 + 0.05 * angle).arccos() for name, angle in angles.items()}
        found = compute({name: torch.cat([0 * angle, angle], 1) for name, angle in turned.items()})
        held += found["_leakage_lower"] <= 0.6 <= found["_leakage_upper"]
        missed += not found["_leakage_lower"] <= 0.1 <= found["_leakage_upper"]
    assert held >= 35
    assert missed >= 35


def test_the_swap_rate_is_one_for_backgrounds_and_zero_for_subjects() -> None:
    generator = torch.Generator().manual_seed(0)
    cats, others = torch.randn(2, 12, 16, generator=generator, dtype=D)
    places = torch.randn(12, 3, 16, generator=generator, dtype=D)  # the rooms of each dialogue
    subjects = cats[:, None].expand(12, 3, 16)
    for weight, expected in ((0.1, 1.0), (10.0, 0.0)):  # of the subject in the whole image
        whole, swapped = weight * subjects + places, weight * others[:, None] + places
        metric = SubjectConsistency(detail=True)
        metric.update(subjects, whole=whole, swapped=swapped)
        assert metric.compute()["subject_consistency_swap_rate"] == expected


def colours() -> CallableEncoder:
    return CallableEncoder(lambda images: torch.stack([image.float().mean((1, 2)) for image in images]), name="colours")


def regions(seed: int = 0, count: int = 6) -> list[ImageRegion]:
    images = torch.randint(0, 256, (count, 3, 12, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    masks = torch.zeros(count, 12, 16, dtype=torch.bool)
    for row in range(count):
        masks[row, row : row + 6, 2 : 8 + row] = True
        images[row, row % 3][masks[row]] = 255
    return [ImageRegion(image, mask=mask) for image, mask in zip(images, masks, strict=True)]


def test_images_with_masks_give_what_their_embeddings_give() -> None:
    items, places = regions(), {"dialogue": [0, 0, 0, 1, 1, 1], "turn": [1, 2, 3] * 2}
    swapped = swap_subjects(items, places["dialogue"])
    by_images = SubjectConsistency(detail=True, encoder=colours())
    by_images.update(items, swapped=swapped, **places)
    parts = PartsEncoder(colours()).encode_parts(items)
    whole = PartsEncoder(colours()).encode_whole(swapped)
    by_embeddings = SubjectConsistency(detail=True)
    by_embeddings.update(parts.subject, background=parts.background, whole=parts.whole, swapped=whole, **places)
    found, expected = by_images.compute(), by_embeddings.compute()
    assert not found["subject_consistency_swap_rate"].isnan()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, equal_nan=True, msg=key)


def test_absent_images_and_subjects_lower_the_coverage_of_images_with_masks() -> None:
    items = regions()
    items[1] = ImageRegion(items[1].image, mask=torch.zeros(12, 16))
    metric = SubjectConsistency(detail=True, encoder=colours())
    metric.update([[items[0], items[1], items[2]], [items[3], None, items[5]]])
    found = metric.compute()
    assert found["subject_consistency_coverage"].item() == pytest.approx(4 / 6)
    assert found["subject_consistency_n"] == 4
    assert not found["subject_consistency_background"].isnan()


def test_without_detail_the_subjects_alone_are_embedded() -> None:
    seen = []
    encoder = CallableEncoder(lambda images: seen.extend(images) or torch.ones(len(images), 2), name="counting")
    metric = SubjectConsistency(encoder=encoder)
    metric.update([regions()])
    assert len(seen) == 6
    assert metric.compute().item() == pytest.approx(1)


def test_an_encoder_of_regions_finds_the_subjects() -> None:
    finder = RegionEncoder(colours(), (2, 2, 9, 9), masking="paint")
    images = torch.stack([region.image for region in regions()])
    metric = SubjectConsistency(detail=True, encoder=finder)
    metric.update(images[None])
    expected = SubjectConsistency(detail=True, encoder=colours())
    expected.update([[ImageRegion(image, box=(2, 2, 9, 9)) for image in images]])
    assert metric.compute()["subject_consistency_gap"] == expected.compute()["subject_consistency_gap"]
    assert metric.encoder_name == "colours[box 2, 2, 9, 9]"


def test_a_saved_state_goes_on_with_its_encoder() -> None:
    metric = SubjectConsistency(encoder=colours())
    metric.update([regions()])
    again = SubjectConsistency.from_bytes(metric.to_bytes(), encoder=colours())
    again.update([regions(1)])
    metric.update([regions(1)])
    assert again.compute() == metric.compute()


def test_unknown_modes_and_images_without_an_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="`mode`"):
        SubjectConsistency("mean")
    with pytest.raises(InputError, match="`encoder`"):
        SubjectConsistency().update([regions()])
    with pytest.raises(InputError, match="`whole` to be given where `swapped` is"):
        SubjectConsistency(detail=True).update(torch.ones(1, 2, 3), swapped=torch.ones(1, 2, 3))
