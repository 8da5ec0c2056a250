# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Measured quantities against values known beforehand, and values that fall as a damage grows."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from imug_metrics.quality import item_quality
from imug_metrics.quality.crossings import crossing_share
from imug_metrics.quality.result import combined, ramp
from tests.quality.items import RATE, clip, cloud, photograph, sphere, video_file, voice


def _image(pixels: np.ndarray) -> dict[str, float]:
    return item_quality(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), "image").parts


@pytest.mark.parametrize("sigma", [4.0, 10.0, 20.0])
def test_noise_of_a_image_is_its_standard_deviation(sigma: float) -> None:
    rng = np.random.default_rng(0)
    slope = np.linspace(80, 170, 256)[None, :, None] + np.zeros((256, 256, 3))
    found = _image(slope + rng.normal(0, sigma, slope.shape))["noise"]
    # The lower quartile over blocks lies a little below.
    assert 0.85 < found / (sigma / 255) < 1.02


def test_parts_of_a_image_made_for_them() -> None:
    half = np.zeros((64, 64, 3))
    half[:, 32:] = 255
    parts = _image(half)
    assert parts["clipped"] == 1
    assert parts["levels"] == 1  # two levels, equally often: one bit
    assert parts["contrast"] == pytest.approx(0.5)
    assert parts["empty"] == 1
    stripes = np.where(np.arange(64) % 2 == 0, 60, 180)[:, None, None] + np.zeros((64, 64, 3))
    assert _image(stripes)["lines"] > 1000
    blocks = np.kron(np.random.default_rng(0).integers(0, 255, (8, 8, 3)), np.ones((8, 8, 1)))
    assert _image(blocks)["blocks"] > 50


def test_large_image_is_reduced_before_it_is_measured() -> None:
    large = np.kron(photograph(), np.ones((4, 4, 1), np.uint8))
    assert item_quality(large, "image").value > 0.5  # whole pixels are averaged, their edges are not seen


def test_full_scale_sine_has_the_loudness_of_the_standard() -> None:
    time = np.arange(5 * 48_000) / 48_000
    parts = item_quality((np.sin(2 * np.pi * 997 * time), 48_000), "audio").parts
    assert parts["loudness"] == pytest.approx(-3.01, abs=0.05)
    assert parts["bandwidth_hz"] == pytest.approx(997, abs=300)  # the window leaks
    assert parts["offset"] == pytest.approx(0, abs=1e-4)
    assert parts["flatness"] < 0.01


@pytest.mark.parametrize("ratio", [5.0, 10.0, 20.0, 30.0])
def test_estimated_noise_of_a_sound_is_near_the_true_one(ratio: float) -> None:
    wave = voice(4.0)
    strength = math.sqrt(float(np.mean(wave**2))) / 10 ** (ratio / 20)
    noisy = wave + np.random.default_rng(0).normal(0, strength, len(wave))
    assert item_quality((noisy, RATE), "audio").parts["snr_db"] == pytest.approx(ratio, abs=4)


def test_parts_of_a_sound_made_for_them() -> None:
    wave = np.clip(voice(), -0.1, 0.1)
    share = float(np.mean(np.abs(voice()) >= 0.1))
    assert item_quality((wave, RATE), "audio").parts["clipped"] == pytest.approx(share, abs=0.01)
    quiet = np.where(np.arange(len(wave)) < len(wave) // 4, voice(), 0)
    assert item_quality((quiet, RATE), "audio").parts["silence"] > 0.75
    clicked = voice().copy()
    clicked[4000::8000] += 0.8
    clicks = item_quality((clicked, RATE), "audio").parts["clicks_per_second"]
    assert clicks == pytest.approx(len(clicked[4000::8000]) * RATE / len(clicked), abs=0.6)


def test_worst_channel_counts() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, len(voice()))
    both = item_quality((np.stack([voice(), noise], 1), RATE), "audio")
    assert both.value == item_quality((noise, RATE), "audio").value


def test_frames_that_are_lost_are_counted_by_their_times() -> None:
    kept = [t for t in range(24) if t not in (5, 6, 14)]
    parts = item_quality(video_file(clip()[kept], times=kept), "video").parts
    assert parts["dropped"] == pytest.approx(3 / 23)
    assert parts["rate"] == pytest.approx(24)
    assert parts["frames"] == 21


def test_share_of_a_video_that_ends_early_is_told() -> None:
    file = video_file(clip(), "libvpx", "webm")
    quality = item_quality(file[: len(file) // 2], "video")
    assert quality.reason is not None
    assert "ends early" in quality.reason
    assert quality.value <= quality.parts["frames"] / 24


def test_long_video_keeps_few_frames() -> None:
    frames = np.tile(clip(), (9, 1, 1, 1))
    assert item_quality(frames, "video").parts["frames"] == 216


def test_volume_and_edges_of_a_cube() -> None:
    import trimesh

    box = trimesh.creation.box((2, 2, 2))
    parts = item_quality((box.vertices, box.faces), "threeD").parts
    assert parts["volume"] == pytest.approx(1)  # of the extent 1
    assert {parts[name] for name in ("closed", "manifold", "winding", "distinct", "used")} == {1.0}
    opened = item_quality((box.vertices, box.faces[:-1]), "threeD").parts
    assert opened["closed"] == pytest.approx(15 / 18)  # one triangle of three edges is missing


def test_unmerged_vertices_make_no_holes() -> None:
    vertices, faces = sphere()
    loose = (vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3))
    assert item_quality(loose, "threeD").value == pytest.approx(item_quality(sphere(), "threeD").value)


def test_quality_of_a_mesh_keeps_when_it_is_moved_turned_or_scaled() -> None:
    vertices, faces = sphere()
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    for change in (lambda v: v * 1e-4, lambda v: v * 1e5, lambda v: v + 30, lambda v: v @ turn):
        assert item_quality((change(vertices), faces), "threeD").value == pytest.approx(1)


def test_crossings_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    vertices = (rng.random((20, 1, 3)) + 0.4 * rng.random((20, 3, 3))).reshape(60, 3)
    faces = np.arange(60).reshape(20, 3)
    expected = np.zeros(20, dtype=bool)
    for one in range(20):
        for other in range(20):
            for k in range(3):
                start, end = vertices[faces[one, k]], vertices[faces[one, (k + 1) % 3]]
                a, b, c = vertices[faces[other]]
                solution = np.linalg.solve(np.stack([b - a, c - a, start - end], 1), start - a) if one != other else -1
                if np.all(solution > 0) and solution[0] + solution[1] < 1 and solution[2] < 1:
                    expected[[one, other]] = True
    assert 0 < expected.mean() < 1
    assert crossing_share(vertices, faces) == expected.mean()


def test_stray_points_are_found() -> None:
    strays = np.random.default_rng(0).uniform(1.5, 3, (60, 3)) * np.array([1, -1, 1])
    parts = item_quality(np.concatenate([cloud(), strays]), "threeD").parts
    assert parts["outliers"] == pytest.approx(60 / 3060, abs=0.003)


def test_reading_ease_is_that_of_the_formula() -> None:
    # 12 words, 2 sentences, 12 syllables as far as groups of vowels tell
    parts = item_quality("The cat sat on the mat. The dog ran to the hut.", "text").parts
    assert parts["ease"] == pytest.approx(206.835 - 1.015 * 6 - 84.6)


@pytest.mark.parametrize(
    "text",
    [
        "灯塔矗立在一块光秃秃的岩石上。看守人每天晚上点亮灯火。",
        "Маяк стоит на голой скале. Смотритель каждый вечер зажигал лампу.",
        "المنارة تقف على صخرة عارية. كان الحارس يشعل المصباح كل مساء.",
        "प्रकाशस्तंभ एक नंगी चट्टान पर खड़ा है। रखवाला हर शाम दीपक जलाता था।",
    ],
)
def test_text_in_another_script_is_no_bad_text(text: str) -> None:
    assert item_quality(text, "text").value > 0.6


def test_language_is_told_by_argument_fence_or_ending(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    from imug_metrics.quality.code import code_quality

    text = '{"a": true}'
    path = Path(str(tmp_path)) / "a.json"
    path.write_text(text)
    for quality in (
        code_quality(text, language="json"),
        code_quality(f"```json\n{text}\n```"),
        code_quality(path),
    ):
        assert quality.value == 1
    assert code_quality(text).parts["fatal"] == 1  # as Python, `true` is a name nobody defined
    assert "unknown" in str(code_quality(text, language="klingon").reason)


def test_program_that_breaks_later_is_better() -> None:
    lines = "x = 1\n" * 20
    early, late = (item_quality(text, "code").value for text in ("x = (\n" + lines, lines + "x = )\n"))
    assert early < late < 0.1


NOISES = [0, 5, 10, 20, 40, 80]


def test_growing_noise_lowers_the_quality_of_a_image_step_by_step() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, photograph().shape)
    values = [item_quality(np.clip(photograph() + s * noise, 0, 255).astype(np.uint8), "image").value for s in NOISES]
    assert all(one > other for one, other in pairwise(values) if one > 0)


def test_growing_noise_lowers_the_quality_of_a_sound_step_by_step() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, len(voice()))
    values = [item_quality((voice() + s * noise, RATE), "audio").value for s in NOISES]
    assert all(one > other for one, other in pairwise(values))


def _photographs() -> dict[str, np.ndarray]:
    from skimage import data
    from sklearn.datasets import load_sample_image

    names = ("astronaut", "chelsea", "coffee", "rocket", "camera", "hubble_deep_field")
    found = {name: getattr(data, name)() for name in names}
    return found | {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}


def test_photographs_of_packages_are_good_images() -> None:
    values = {name: item_quality(pixels, "image").value for name, pixels in _photographs().items()}
    assert min(values.values()) > 0.95, values


def test_drawing_of_few_colours_is_underrated_and_not_taken_for_broken() -> None:
    chart = np.full((400, 600, 3), 255, np.uint8)
    for k in range(6):
        chart[380 - 50 * k : 380, 60 + 80 * k : 110 + 80 * k] = (30, 90, 200)
    assert 0.1 < item_quality(chart, "image").value < 0.5


def test_scores_are_multiplied_and_ramps_are_straight() -> None:
    assert combined({}, {"a": 0.5, "b": 0.5}).value == 0.25
    assert [ramp(x, bad=2.0, good=1.0) for x in (0.5, 1.0, 1.25, 2.0, 9.0, math.nan)] == [1, 1, 0.75, 0, 0, 0]
    with pytest.raises(ValueError, match="at least one score"):
        combined({}, {})
