# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which face counts, what has none, and what metrics make of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics import TurnConsistency
from imug_metrics.encoders import CachedEncoder, CallableEncoder, FaceEncoder, ImageRegion, as_encoder
from imug_metrics.encoders.faces import FaceFunctions, Faces
from imug_metrics.encoders.fingerprint import lasting_fingerprint

BLACK, RED, GREEN, BLUE = (0, 0, 0), (200, 0, 0), (0, 200, 0), (0, 0, 200)


def image_of(*faces: tuple[tuple[int, int, int], tuple[int, int, int, int]]) -> Tensor:
    """Rectangles of one colour on white, which stand for faces."""
    image = torch.full((3, 40, 60), 255, dtype=torch.uint8)
    for colour, (left, top, right, bottom) in faces:
        image[:, top:bottom, left:right] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return image


SMALL, LARGE, WIDE = (2, 2, 10, 10), (20, 10, 40, 30), (42, 2, 58, 8)
PEOPLE = {RED: 0.7, GREEN: 0.9, BLUE: 0.5}


def rectangles(image: Tensor) -> list[list[float]]:
    """Box and score of each rectangle of a known colour."""
    found = []
    for colour, score in PEOPLE.items():
        here = (image == torch.tensor(colour, dtype=torch.uint8)[:, None, None]).all(0).nonzero()
        if len(here):
            (top, left), (bottom, right) = here.amin(0).tolist(), here.amax(0).tolist()
            found.append([left, top, right + 1, bottom + 1, score])
    return found


def colours(crops: list[Tensor]) -> Tensor:
    return torch.stack([crop.float()[:, crop.shape[1] // 2, crop.shape[2] // 2] for crop in crops])


def functions(detector=rectangles, embedder=colours, **options) -> FaceFunctions:
    return FaceFunctions(detector, embedder, **options)


THREE = image_of((RED, LARGE), (GREEN, SMALL), (BLUE, WIDE))
TWO = image_of((GREEN, SMALL), (BLUE, (50, 30, 56, 36)))
ONE = image_of((BLUE, SMALL))
NOBODY = image_of()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [RED, GREEN, BLUE, None]),
        ({"several": "score"}, [GREEN, GREEN, BLUE, None]),
        ({"several": "none"}, [None, None, BLUE, None]),
        ({"min_size": 8}, [RED, GREEN, BLUE, None]),
        ({"min_size": 8.5}, [RED, None, None, None]),
        ({"min_score": 0.6}, [RED, GREEN, None, None]),
        ({"min_score": 0.6, "several": "none"}, [None, GREEN, None, None]),
        ({"min_size": 10, "several": "none"}, [RED, None, None, None]),
        ({"min_score": 0.95}, [None, None, None, None]),
    ],
)
def test_one_face_counts_and_an_image_without_it_is_absent(options, expected):
    found = FaceEncoder(functions(), **options).encode_images([THREE, TWO, ONE, NOBODY])
    for row, colour in zip(found, expected, strict=True):
        assert row.isnan().all() if colour is None else row.tolist() == list(colour)


def test_faces_are_counted_after_those_too_small_or_uncertain_are_passed_over():
    images = [THREE, TWO, ONE, NOBODY]
    assert FaceEncoder(functions()).count_faces(images).tolist() == [3, 2, 1, 0]
    assert FaceEncoder(functions(), min_size=8, several="none").count_faces(images).tolist() == [2, 1, 1, 0]
    assert FaceEncoder(functions(), min_score=0.6).count_faces(images).tolist() == [2, 1, 0, 0]
    assert FaceEncoder(functions()).count_faces([]).tolist() == []


def test_counts_do_not_come_from_a_cache():
    encoder = FaceEncoder(functions())
    cached = CachedEncoder(encoder)
    for _ in range(2):
        cached.encode_images([THREE, NOBODY])
        assert encoder.count_faces([ONE, THREE]).tolist() == [1, 3]


def test_faces_are_told_with_boxes_and_scores():
    faces = FaceEncoder(functions()).find_faces([THREE, NOBODY])
    assert faces[0].boxes.tolist() == [list(LARGE), list(SMALL), list(WIDE)]
    assert faces[0].scores.tolist() == pytest.approx([0.7, 0.9, 0.5])
    assert [len(found) for found in faces] == [3, 0]


def test_what_lies_outside_the_image_does_not_make_a_face_larger():
    boxes = [(-900, -900, 3, 3), (20, 10, 40, 30)]
    encoder = FaceEncoder(functions(lambda image: boxes))
    assert encoder.encode_images([THREE]).tolist() == [list(RED)]
    outside = [(-9, -9, 0, 0), (60, 0, 70, 9), (5, 5, 5, 9), (9, 9, 3, 3), (np.nan, 0, 9, 9), (0, 0, np.inf, 9)]
    nowhere = FaceEncoder(functions(lambda image: outside))
    assert nowhere.encode_images([THREE]).isnan().all()
    assert nowhere.count_faces([THREE]).tolist() == [0]


@pytest.mark.parametrize("box", [(-3e4, -3e4, 3e4, 3e4), (0, 0, 5e4, 4), (-1e30, 0, 1e30, 9)])
def test_no_face_is_many_times_as_large_as_its_image(box):
    """A crop of it would need gigabytes."""
    encoder = FaceEncoder(functions(lambda image: [box, SMALL]))
    assert encoder.encode_images([THREE]).tolist() == [list(GREEN)]
    assert FaceEncoder(functions(lambda image: [box]), min_size=1).count_faces([THREE]).tolist() == [0]


@pytest.mark.parametrize(
    "move", [lambda points: points + 500, lambda points: points - 500, lambda points: (points - 20) * 1e20]
)
def test_a_face_whose_points_are_not_in_the_image_is_none(move):
    """Its aligned crop would be black, as like to every other one of this kind as two images can be."""
    points = torch.tensor([(25.0, 15), (35, 15), (30, 20), (26, 25), (34, 25)])
    embedder = lambda crops: crops.float().mean((2, 3)) + 1  # noqa: E731
    rows = [[*LARGE, 0.9, *move(points).flatten().tolist()]]
    encoder = FaceEncoder(functions(lambda image: rows, embedder, size=112, align=True))
    assert encoder.encode_images([THREE]).isnan().all()
    rows = [[*LARGE, 0.9, *points.flatten().tolist()]]
    assert encoder.encode_images([THREE]).isfinite().all()


def test_a_score_that_is_no_number_is_the_lowest():
    rows = [(*LARGE, float("nan")), (*SMALL, 0.1)]
    scored = FaceEncoder(functions(lambda image: rows), several="score")
    assert scored.encode_images([THREE]).tolist() == [list(GREEN)]
    assert FaceEncoder(functions(lambda image: rows), min_score=0).count_faces([THREE]).tolist() == [1]


@pytest.mark.parametrize(
    "found",
    [
        [LARGE],
        LARGE,
        np.array([LARGE], dtype=np.int32),
        torch.tensor([LARGE]),
        [torch.tensor(LARGE)],
        [(*LARGE, 0.9)],
        torch.tensor([[*LARGE, 0.9]], dtype=torch.float64),
    ],
)
def test_a_detector_returns_boxes_of_any_type(found):
    assert FaceEncoder(functions(lambda image: found)).encode_images([THREE]).tolist() == [list(RED)]


@pytest.mark.parametrize("found", [None, [], np.zeros((0, 5)), torch.zeros(0, 4)])
def test_a_detector_that_finds_nothing_says_so_in_any_way(found):
    encoder = FaceEncoder(functions(lambda image: found))
    assert encoder.encode_images([THREE]).isnan().all()
    assert encoder.count_faces([THREE]).tolist() == [0]


def test_aligned_faces_come_from_the_five_points():
    dots = image_of()
    points = [(25, 15), (35, 15), (30, 20), (26, 25), (34, 25)]
    detector = lambda image: [[*LARGE, 0.9, *sum(points, ())]]  # noqa: E731
    crops = []
    embedder = lambda batch: (crops.append(batch), batch.float().mean((2, 3)))[1]  # noqa: E731
    FaceEncoder(functions(detector, embedder, size=112, align=True)).encode_images([dots])
    assert crops[0].shape == (1, 3, 112, 112)
    without = FaceEncoder(functions(rectangles, embedder, size=112, align=True))
    with pytest.raises(ValueError, match="15 numbers"):
        without.encode_images([THREE])


def test_a_face_whose_points_are_one_cannot_be_aligned_and_is_none():
    detector = lambda image: [[*LARGE, 0.9, *[30.0, 20.0] * 5]]  # noqa: E731
    encoder = FaceEncoder(functions(detector, lambda crops: crops.float().mean((2, 3)), size=112, align=True))
    assert encoder.encode_images([THREE]).isnan().all()


def test_images_of_every_kind_are_seen_alike():
    encoder = FaceEncoder(functions())
    expected = encoder.encode_images([THREE, ONE])
    array = np.stack([THREE.permute(1, 2, 0).numpy(), ONE.permute(1, 2, 0).numpy()])
    for same in (torch.stack([THREE, ONE]), array, list(array), [THREE / 255, ONE / 255], [ImageRegion(THREE), ONE]):
        assert torch.equal(encoder.encode_images(same), expected)


def test_the_width_of_nothing_is_that_of_the_embedder():
    known = CallableEncoder(colours, dim=3)
    assert FaceEncoder(functions(embedder=known)).encode_images([NOBODY]).shape == (1, 3)
    unknown = FaceEncoder(functions(), batch_size=1)
    assert unknown.encode_images([NOBODY]).shape == (1, 1)
    assert unknown.encode_images([NOBODY, ONE, NOBODY]).shape == (3, 3)
    assert unknown.encode_images([NOBODY]).shape == (1, 3)


def test_the_mean_is_subtracted():
    mean = [100.0, 50.0, 0.0]
    plain, centred = (FaceEncoder(functions(), mean=vector).encode_images([THREE, NOBODY]) for vector in (None, mean))
    torch.testing.assert_close(centred, plain - torch.tensor(mean), equal_nan=True)
    for vector in (np.array(mean), torch.tensor(mean, dtype=torch.float64)):
        assert torch.equal(FaceEncoder(functions(), mean=vector).encode_images([THREE])[0], centred[0])


def test_a_common_part_of_all_descriptors_hides_who_is_who_until_it_is_subtracted():
    torch.manual_seed(0)
    people = torch.randn(20, 128) + 12
    embeddings = {colour: people[row] for row, colour in enumerate(PEOPLE)}

    def embedder(crops: list[Tensor]) -> Tensor:
        return torch.stack([embeddings[tuple(int(v) for v in row)] for row in colours(crops).tolist()])

    images = [image_of((colour, LARGE)) for colour in PEOPLE]
    plain = FaceEncoder(functions(embedder=embedder)).encode_images(images)
    centred = FaceEncoder(functions(embedder=embedder), mean=people[3:].mean(0)).encode_images(images)
    off_diagonal = ~torch.eye(3, dtype=torch.bool)
    cosines = [torch.cosine_similarity(rows[:, None], rows[None], dim=2)[off_diagonal] for rows in (plain, centred)]
    assert cosines[0].min() > 0.95
    assert cosines[1].max() < 0.6


def test_metrics_count_an_image_without_a_face_as_absent():
    metric = TurnConsistency(encoder=FaceEncoder(functions()), detail=True)
    metric.update([[image_of((RED, LARGE)), image_of((RED, SMALL)), NOBODY], [NOBODY, NOBODY, image_of((BLUE, WIDE))]])
    result = {name: float(value) for name, value in metric.compute().items()}
    assert result["turn_consistency"] == pytest.approx(1, abs=1e-6)
    assert result["turn_consistency_n"] == 2
    assert result["turn_consistency_coverage"] == pytest.approx(2 / 6)


def test_updates_in_which_no_face_is_found_come_first_or_last():
    both = []
    for order in ((0, 1), (1, 0)):
        metric = TurnConsistency(encoder=FaceEncoder(functions()), detail=True)
        updates = [[[NOBODY, NOBODY]], [[image_of((RED, LARGE)), image_of((GREEN, LARGE))]]]
        for index in order:
            metric.update(updates[index])
        both.append({name: float(value) for name, value in metric.compute().items()})
    assert both[0] == pytest.approx(both[1], nan_ok=True)
    assert both[0]["turn_consistency_coverage"] == pytest.approx(0.5)


def test_a_cache_gives_the_same_rows_and_calls_the_detector_once():
    calls = []
    encoder = FaceEncoder(functions(lambda image: (calls.append(1), rectangles(image))[1]))
    expected = encoder.encode_images([THREE, NOBODY])
    calls.clear()
    cached = CachedEncoder(encoder)
    for _ in range(2):
        assert torch.equal(cached.encode_images([THREE, NOBODY]).isnan(), expected.isnan())
        assert torch.equal(cached.encode_images([THREE, NOBODY])[0], expected[0])
    assert len(calls) == 2


def test_fingerprints_tell_models_crops_and_policies_apart():
    base = {"fingerprint": "mine"}
    encoders = [
        FaceEncoder(functions(**base)),
        FaceEncoder(functions(fingerprint="other")),
        FaceEncoder(functions(**base, size=8)),
        FaceEncoder(functions(**base, margin=0.5)),
        FaceEncoder(functions(**base, size=8, align=True)),
        FaceEncoder(functions(**base), several="score"),
        FaceEncoder(functions(**base), several="none"),
        FaceEncoder(functions(**base), min_size=20),
        FaceEncoder(functions(**base), min_score=0),
        FaceEncoder(functions(**base), mean=[1.0, 2.0, 3.0]),
        FaceEncoder(functions(**base), mean=[1.0, 2.0, 4.0]),
    ]
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert FaceEncoder(functions(**base), batch_size=2, min_size=0.0).fingerprint == encoders[0].fingerprint
    assert FaceEncoder(functions()).fingerprint != FaceEncoder(functions()).fingerprint


def test_only_a_fingerprint_that_was_given_lasts_longer_than_the_process():
    assert lasting_fingerprint(FaceEncoder(functions(fingerprint="mine"))) is not None
    assert lasting_fingerprint(FaceEncoder(functions())) is None
    assert lasting_fingerprint(FaceEncoder(functions(embedder=CallableEncoder(colours, fingerprint="x")))) is None


def test_it_is_an_encoder_that_clones_share():
    encoder = FaceEncoder(functions(), name="mine")
    assert as_encoder(encoder) is encoder
    assert copy.deepcopy(encoder) is encoder
    assert TurnConsistency(encoder=encoder).clone().encoder is TurnConsistency(encoder=encoder).encoder
    assert (encoder.name, FaceEncoder(functions(name="pair")).name) == ("mine", "pair")
    assert encoder.to("cpu") is encoder
    with pytest.raises(TypeError, match="'mine' has no text side"):
        encoder.encode_texts(["a face"])


class Mine:
    """A model of one's own: the whole image is a face with a score of its brightness."""

    name, dim, fingerprint, device = "mine", 3, "mine-1", None

    def to(self, device):
        return self

    def find(self, image):
        height, width = image.shape[1:]
        return Faces(torch.tensor([[0.0, 0.0, width, height]]), scores=image.float().mean()[None] / 255)

    def embed(self, images, faces):
        return torch.stack([image.float().mean((1, 2)) for image in images])


def test_a_model_of_ones_own_needs_no_base_class():
    encoder = FaceEncoder(Mine(), min_score=0.5)
    found = encoder.encode_images([NOBODY, torch.zeros(3, 4, 4, dtype=torch.uint8)])
    assert found[0].tolist() == [255, 255, 255]
    assert found[1].isnan().all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FaceEncoder(rectangles), TypeError, "`model`.*`find`.*got function"),
        (lambda: FaceEncoder(functions(), several="first"), ValueError, "`several`.*'first'"),
        (lambda: FaceEncoder(functions(), min_size=-1), ValueError, "`min_size`.*-1"),
        (lambda: FaceEncoder(functions(), min_size=float("nan")), ValueError, "`min_size`.*nan"),
        (lambda: FaceEncoder(functions(), min_score=float("nan")), ValueError, "`min_score`.*nan"),
        (lambda: FaceEncoder(functions(), batch_size=0), ValueError, "`batch_size`.*0"),
        (lambda: FaceEncoder(functions(), mean=[[1.0]]), ValueError, r"`mean`.*\[1, 1\]"),
        (lambda: FaceEncoder(functions(), mean=[float("nan")]), ValueError, "`mean`.*finite"),
        (lambda: FaceFunctions(None, colours), TypeError, "`detector`.*NoneType"),
        (lambda: FaceFunctions(rectangles, 3), TypeError, "`embedder`.*int"),
        (lambda: functions(size=0), ValueError, "`size`.*0"),
        (lambda: functions(margin=-0.1), ValueError, "`margin`.*-0.1"),
        (lambda: functions(align=True), ValueError, "`align`.*`size`"),
        (lambda: functions(align=True, size=112, margin=0.1), ValueError, "`align`.*no `margin`"),
    ],
)
def test_wrong_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("encoder", "images", "error", "message"),
    [
        (FaceEncoder(functions(lambda image: [(1, 2, 3)])), [THREE], ValueError, r"`detector`.*got \[1, 3\] at row 0"),
        (FaceEncoder(functions(lambda image: [LARGE]), min_score=0.5), [THREE], ValueError, "`min_score`.*no scores"),
        (FaceEncoder(functions(lambda image: [LARGE]), several="score"), [THREE], ValueError, "`several`.*no scores"),
        (FaceEncoder(functions(), mean=[1.0, 2.0]), [THREE], ValueError, "`mean` to have 3 numbers.*got 2"),
        (FaceEncoder(functions()), THREE, ValueError, "batch|4|dim"),
        (FaceEncoder(functions()), "cat.png", TypeError, "got a single str"),
        (FaceEncoder(functions()), [ONE, b"no image"], ValueError, "row 1"),
        (FaceEncoder(functions(), max_pixels=100), [ONE], ValueError, "row 0"),
    ],
)
def test_wrong_images_and_detections_are_named(encoder, images, error, message):
    with pytest.raises(error, match=message):
        encoder.encode_images(images)
