# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to a video. Damaged frames are encoded like the clean ones, where it matters in the file as well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from tests.quality.items import FRAMES, clip, video_file

T = np.arange(FRAMES)


def clean() -> bytes:
    return video_file(clip())


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _u8(frames: np.ndarray) -> np.ndarray:
    return np.clip(frames, 0, 255).astype(np.uint8)


def _of_frames(where: np.ndarray) -> np.ndarray:
    return where[:, None, None, None]


def _flipped_bytes(file: bytes) -> bytes:
    content = bytearray(file)
    for place in range(len(content) // 4, 3 * len(content) // 4, 97):
        content[place] ^= 255
    return bytes(content)


def _without(*numbers: int) -> bytes:
    kept = [t for t in range(FRAMES) if t % 6 not in numbers]
    return video_file(clip()[kept], times=kept)


FRAMEWISE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "noise": lambda x: _u8(x + _rng().normal(0, 25, x.shape)),
    "blur": lambda x: _u8(ndimage.gaussian_filter(x.astype(float), (0, 2, 2, 0))),
    "underexposed": lambda x: _u8(x * 0.1),
    "large-pixels": lambda x: x[:, ::6, ::6].repeat(6, 1).repeat(6, 2)[:, :96, :128],
    "striped": lambda x: np.where((np.arange(96) % 2)[None, :, None, None], x, x // 3).astype(np.uint8),
    "shuffled-frames": lambda x: _rng().permutation(x),
    "flicker": lambda x: _u8(x * _of_frames(0.7 + 0.3 * (T % 2))),
    "weak-flicker": lambda x: _u8(x * _of_frames(0.95 + 0.05 * (T % 2))),
    "random-brightness": lambda x: _u8(x * _of_frames(_rng().uniform(0.6, 1, FRAMES))),
    "frozen-end": lambda x: x[np.minimum(T, 12)],
    "one-image": lambda x: x[0 * T],
    "each-frame-twice": lambda x: x[T // 2 * 2],
    "each-frame-four-times": lambda x: x[T // 4 * 4],
    "one-white-frame": lambda x: np.where(_of_frames(T == 12), 255, x).astype(np.uint8),
    "black-frames": lambda x: np.where(_of_frames(T % 6 == 0), 0, x).astype(np.uint8),
    "black-end": lambda x: np.where(_of_frames(T > 17), 0, x).astype(np.uint8),
    "all-black": lambda x: 0 * x,
    "one-colour": lambda x: np.full_like(x, 90),
    "glitches": lambda x: np.where(_of_frames(T % 7 == 3), x[:, ::-1], x),
    "foreign-frames": lambda x: np.where(_of_frames(T % 5 == 3), 255 - x, x).astype(np.uint8),
    "back-and-forth": lambda x: x[np.clip(T + 8 * (T % 2) - 4, 0, FRAMES - 1)],
    "white-noise": lambda x: _rng().integers(0, 256, x.shape, dtype=np.uint8),
}

FILES: dict[str, Callable[[], bytes]] = {
    "lost-frames": lambda: _without(2, 3),
    "one-lost-frame-in-six": lambda: _without(2),
    "three-frames-a-second": lambda: video_file(clip(), rate=3),
    "truncated-mp4": lambda: clean()[: len(clean()) // 2],
    "truncated-webm": lambda: _half(video_file(clip(), "libvpx", "webm")),
    "truncated-avi": lambda: _half(video_file(clip(), "mpeg4", "avi")),
    "flipped-bytes-mp4": lambda: _flipped_bytes(clean()),
    "flipped-bytes-avi": lambda: _flipped_bytes(video_file(clip(), "mpeg4", "avi")),
    "no-signature": lambda: bytes(16) + clean()[16:],
    "empty": lambda: b"",
    "random-bytes": lambda: _rng().bytes(2000),
    "playlist-instead": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
}


def _half(file: bytes) -> bytes:
    return file[: len(file) // 2]


DAMAGES: dict[str, Callable[[], bytes]] = {
    name: (lambda make=make: video_file(make(clip()))) for name, make in FRAMEWISE.items()
}
DAMAGES |= FILES
