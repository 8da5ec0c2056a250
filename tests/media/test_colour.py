# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Colour profiles: applied where they say something, and without effect everywhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.media.colour import MAX_PROFILE_BYTES, to_srgb
from imug_metrics.media.images import load_image
from tests.media import profiles

P3, ADOBE = profiles.matrix(profiles.DISPLAY_P3), profiles.matrix(profiles.ADOBE_RGB)
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def image(mode: str, colour, profile: object = None) -> Image.Image:
    made = Image.new(mode, (2, 2), colour)
    made.info["icc_profile"] = profile
    return made


def colour_of(source: Image.Image) -> tuple[int, ...]:
    return tuple(load_image(source, row=0)[:, 0, 0].tolist())


def expected(colour, columns, gamma=2.2) -> tuple[int, ...]:
    """The textbook way: to XYZ under D50, to linear sRGB, to levels."""
    srgb = [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    linear = np.linalg.solve(np.array(srgb), np.array(columns).T @ (np.array(colour) / 255) ** gamma).clip(0, 1)
    levels = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    return tuple(np.rint(levels).astype(int).tolist())


@pytest.mark.parametrize("colour", [(100, 150, 80), (200, 60, 60), (30, 30, 200), (128, 128, 128), (250, 240, 230)])
@pytest.mark.parametrize("columns", [profiles.DISPLAY_P3, profiles.ADOBE_RGB], ids=["P3", "Adobe RGB"])
def test_colours_are_those_of_the_textbook(colour, columns):
    found = colour_of(image("RGB", colour, profiles.matrix(columns)))
    assert np.abs(np.subtract(found, expected(colour, columns))).max() <= 2


@pytest.mark.parametrize(
    ("mode", "colour", "profile", "shown"),
    [
        ("RGBA", (100, 150, 80, 255), P3, "RGB"),
        ("RGBA", (100, 150, 80, 0), P3, (255, 255, 255)),  # what is not there has no colour
        ("L", 100, profiles.grey(1.8), (119, 119, 119)),
        ("LA", (100, 255), profiles.grey(1.8), (119, 119, 119)),
        ("I;16", 100 * 257, profiles.grey(1.8), (119, 119, 119)),
        ("CMYK", (0, 0, 0, 0), profiles.inks(), (255, 255, 255)),
        ("CMYK", (0, 255, 0, 0), profiles.inks(), (0, 0, 0)),  # magenta without the profile
    ],
)
def test_every_mode_is_turned(mode, colour, profile, shown):
    wanted = colour_of(image("RGB", (100, 150, 80), P3)) if shown == "RGB" else shown
    assert colour_of(image(mode, colour, profile)) == pytest.approx(wanted, abs=1)
    assert colour_of(image("RGB", (100, 150, 80), P3)) != (100, 150, 80)


def test_a_palette_is_turned_and_keeps_its_transparency():
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([10, 20, 30, 100, 150, 80])
    palette.putpixel((0, 0), 0)
    palette.info |= {"icc_profile": P3, "transparency": 0}
    pixels = load_image(palette, row=0)[:, 0]
    assert pixels[:, 0].tolist() == [255, 255, 255]
    assert tuple(pixels[:, 1].tolist()) == colour_of(image("RGB", (100, 150, 80), P3))


@pytest.mark.parametrize(
    "profile",
    [
        None,
        b"",
        profiles.srgb(),
        profiles.matrix(((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)), 2.2)[:200],
        b"junk" * 100,
        P3[:300],
        P3 + bytes(MAX_PROFILE_BYTES),
        bytes(128),
        profiles.grey(1.8),  # of another colour space
        profiles.inks(),
        "text",
        7,
    ],
    ids=["none", "empty", "sRGB", "cut", "junk", "P3 cut", "too large", "zeros", "grey", "inks", "text", "number"],
)
def test_what_says_nothing_changes_nothing(profile):
    source = Image.fromarray(PIXELS)
    source.info["icc_profile"] = profile
    assert to_srgb(source) is source
    assert torch.equal(load_image(source, row=0), torch.from_numpy(PIXELS).permute(2, 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_profiles_of_files_are_applied(kind, tmp_path):
    path = tmp_path / "image"
    Image.new("RGB", (16, 16), (100, 150, 80)).save(path, kind, icc_profile=P3)
    assert colour_of_file(path) == pytest.approx(colour_of(image("RGB", (100, 150, 80), P3)), abs=4)
    Image.new("RGB", (16, 16), (100, 150, 80)).save(path, kind, icc_profile=profiles.srgb())
    assert colour_of_file(path) == pytest.approx((100, 150, 80), abs=4)


def colour_of_file(path) -> tuple[int, ...]:
    return tuple(load_image(path, row=0)[:, 0, 0].tolist())


def test_orientation_and_profile_go_together():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG", exif=exif, icc_profile=P3)
    upright = Image.fromarray(np.rot90(PIXELS, -1).copy())
    upright.info["icc_profile"] = P3
    assert torch.equal(load_image(Image.open(buffer), row=0), load_image(upright, row=0))
