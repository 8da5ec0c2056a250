# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a video: of its frames as images, and over time: flicker, flashes, frozen, blank and lost frames."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from einops import rearrange

from imug_metrics._optional import require
from imug_metrics.quality.image import MAX_MEASURED, frame_quality
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality, read_bytes

MAX_BYTES = 512 * 1024 * 1024
"""Largest video file that is opened."""

MAX_FRAMES = 600
"""Frames that are decoded, from the start; what follows is not decoded."""

MAX_PIXELS = 8192 * 4320
"""Largest frame that is decoded, in pixels."""

MAX_DECODED = 1_500_000_000
"""Pixels that are decoded, all frames together."""

_DEMUXERS = {  # by the first bytes
    b"\x1a\x45\xdf\xa3": "matroska",
    b"OggS": "ogg",
    b"GIF8": "gif",
    b"FLV\x01": "flv",
    b"\0\0\1\xba": "mpeg",
}
_SAMPLED = 8  # frames that are judged as images
_SMALL = 96  # longer side of the frames that are compared over time
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def video_quality(source: Any) -> Quality:
    """No-reference quality of a video from signal measures.

    The value is the product of the sub-scores. All but ``image`` are taken from grey frames of at most 96 x 96
    pixels with levels in [0, 1]; a difference is the mean absolute one.

    - ``image``: mean `image_quality` of at most eight frames spread evenly.
    - ``smooth``: median difference of next frames over that of frames two apart; about 0.5 in steady motion, 1 in noise
      and among shuffled frames: 1.05 scores 0, 0.85 scores 1.
    - ``flicker``: mean absolute second difference of the mean level, halved: 0.05 scores 0, 0.003 scores 1.
    - ``flashes``: share of frames that differ from both neighbours by 0.02 more than three times what these differ from
      each other: 0.1 scores 0, 0 scores 1.
    - ``frozen``: share of neighbours that differ by less than 0.0005: 1 scores 0, 0.1 scores 1.
    - ``blank``: share of frames that are of one colour (standard deviation below 0.01) or black (95th percentile below
      0.08): 0.5 scores 0, 0 scores 1.
    - ``dropped``: share of frames missing by the time stamps, where a step of 1.5 medians or more has lost some: 0.3
      scores 0, 0 scores 1.
    - ``errors``: share of packets and frames that the decoder complains about: 0.2 scores 0, 0 scores 1.
    - ``rate``: frames a second: 2 scores 0, 12 scores 1.

    A file that ends early has its value multiplied by the share of announced frames that are there.

    Args:
        source: Path or bytes of a file (MP4, MOV, WebM, MKV, AVI, OGG, GIF, FLV, MPEG), or an array uint8
            ``[T, H, W, 3]``, whose time stamps, rate and decoding are taken as faultless.

    Returns:
        The quality in [0, 1]; 0 for a file without a frame that can be decoded; NaN for one that is too large or has
        fewer than three frames.

    Raises:
        ModuleNotFoundError: If PyAV is not installed.
        TypeError: If ``source`` is of another kind.
        ValueError: If an array has another shape or type.

    Example:
        >>> y, x, _ = np.mgrid[:96, :120, :3]
        >>> scene = 128 + 60 * np.sin(x / 3 + y / 9) * np.sin(y / 4 - x * y / 700)
        >>> clean = np.stack([scene[:96, t : t + 96] for t in range(12)]).astype(np.uint8)
        >>> flickering = (clean * (0.5 + 0.5 * (np.arange(12) % 2))[:, None, None, None]).astype(np.uint8)
        >>> video_quality(clean).value > video_quality(flickering).value
        True
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray)):
        return as_quality(lambda: _of_file(read_bytes(source, MAX_BYTES)))
    if not isinstance(source, np.ndarray):
        raise TypeError(f"Expected argument `source` to be a path, bytes or an array, got {type(source).__name__}.")
    if source.dtype != np.uint8 or source.ndim != 4 or source.shape[-1] != 3 or 0 in source.shape:
        raise ValueError(
            f"Expected argument `source` to be an array uint8 [T, H, W, 3], got {source.dtype} {list(source.shape)}."
        )
    video = _DecodedVideo()
    for frame in source[:MAX_FRAMES]:
        video.add(frame, _small(frame))
    return as_quality(lambda: _measured(video))


@dataclass
class _DecodedVideo:
    """Decoded frames: all of them small, a few of them whole."""

    small: list[npt.NDArray[np.float32]] = field(default_factory=list)
    whole: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    errors: int = 0
    announced: int = 0
    stride: int = 1

    def wants_whole(self) -> bool:
        return len(self.small) % self.stride == 0

    def add(self, whole: npt.NDArray[np.uint8] | None, small: npt.NDArray[np.float32]) -> None:
        if self.wants_whole() and whole is not None:
            self.whole.append(whole)
            if len(self.whole) == 2 * _SAMPLED:  # twice too many: every other one goes
                self.whole, self.stride = self.whole[::2], 2 * self.stride
        self.small.append(small)


def _of_file(content: bytes) -> Quality:
    av = require("av", extra="quality", purpose="Judging a video")
    demuxer = _demuxer(content)
    try:
        # The demuxer is named, so that no playlist in disguise is opened, which would read other files.
        with av.open(io.BytesIO(content), format=demuxer, metadata_errors="ignore") as container:
            video = _decoded(av, container)
    except (BrokenError, UnjudgedError):
        raise
    except Exception as error:  # decoders of hostile files raise nearly anything
        raise BrokenError(f"The file is no readable video: {type(error).__name__}.") from error
    if not video.small:
        raise BrokenError("The video holds no frame that can be decoded.")
    return _measured(video)


def _demuxer(content: bytes) -> str:
    head = content[:189]
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[0] == 0x47 and head[188:189] == b"\x47":
        return "mpegts"
    if head[:4] not in _DEMUXERS:
        raise BrokenError("The file is no readable video: its beginning fits none of the formats that are read.")
    return _DEMUXERS[head[:4]]


def _decoded(av: Any, container: Any) -> _DecodedVideo:
    if not container.streams.video:
        raise BrokenError("The file holds no video stream.")
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec is None:
        raise UnjudgedError("The video is in a code that cannot be decoded here.")
    _check_pixels(codec.width, codec.height)
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    codec.thread_count = 1
    video = _DecodedVideo(announced=_announced(stream, container))
    pixels = 0
    for frame in _frames(av, container, stream, video):
        pixels += frame.width * frame.height
        _add(frame, video)
        if len(video.small) >= MAX_FRAMES or pixels > MAX_DECODED:
            video.announced = 0  # not read to the end
            break
    return video


def _announced(stream: Any, container: Any) -> int:
    if stream.frames:
        return min(int(stream.frames), MAX_FRAMES)
    rate = stream.average_rate
    if not (rate and container.duration):
        return 0
    return min(int(container.duration / 1e6 * rate), MAX_FRAMES)


def _frames(av: Any, container: Any, stream: Any, video: _DecodedVideo) -> Iterator[Any]:
    packets = container.demux(stream)
    # Each packet costs work even where it holds nothing, and a file may hold millions.
    for _ in range(20 * MAX_FRAMES):
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            return
        except av.FFmpegError:
            video.errors += 1
            if video.errors > MAX_FRAMES:
                return
            continue
        yield from frames


def _add(frame: Any, video: _DecodedVideo) -> None:
    _check_pixels(frame.width, frame.height)
    video.errors += bool(frame.is_corrupt)
    if frame.time is not None:
        video.times.append(float(frame.time))
    scale = min(1.0, _SMALL / max(frame.width, frame.height))
    size = {"width": max(1, round(scale * frame.width)), "height": max(1, round(scale * frame.height))}
    small = frame.reformat(**size, format="gray", interpolation="AREA").to_ndarray()
    whole = _whole(frame) if video.wants_whole() else None
    video.add(whole, small.astype(np.float32) / 255)


def _whole(frame: Any) -> npt.NDArray[np.uint8]:
    scale = min(1.0, math.sqrt(MAX_MEASURED / (frame.width * frame.height)))  # sixteen of them are kept
    size = {"width": max(1, int(scale * frame.width)), "height": max(1, int(scale * frame.height))}
    pixels: npt.NDArray[np.uint8] = frame.reformat(**size, format="rgb24", interpolation="AREA").to_ndarray()
    return pixels


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnjudgedError(f"The video has frames of {width} x {height} pixels, more than {MAX_PIXELS}.")


def _small(frame: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    step = math.ceil(max(frame.shape[:2]) / _SMALL)
    height, width = (size // step * step for size in frame.shape[:2])
    if step > 1 and min(height, width) > 0:
        cells = rearrange(frame[:height, :width], "(h a) (w b) c -> h a w b c", a=step, b=step)
        frame = cells.mean((1, 3), dtype=np.float32)
    grey: npt.NDArray[np.float32] = frame.astype(np.float32) @ _GREY / np.float32(255)
    return grey


def _measured(video: _DecodedVideo) -> Quality:
    shape = video.small[0].shape
    frames = [frame for frame in video.small if frame.shape == shape]
    if len(frames) < 3 and video.announced > 3:
        raise BrokenError(f"The file ends early: {len(frames)} of {video.announced} frames are there.")
    if len(frames) < 3:
        raise UnjudgedError(f"The video has {len(frames)} frames of one size, too few to measure.")
    images = [frame_quality(whole.astype(np.float32) / 255).value for whole in video.whole]
    measurable = [value for value in images if not math.isnan(value)]
    if not measurable:
        raise UnjudgedError("The frames are too small to be measured.")
    measured = {"image": float(np.mean(measurable)), **_motion(np.stack(frames)), **_timing(video.times)}
    measured["errors"] = (video.errors + len(video.small) - len(frames)) / (video.errors + len(video.small))
    quality = combined(measured, _scores(measured))
    parts = quality.parts | {"frames": float(len(video.small))}
    share = len(video.small) / max(video.announced, len(video.small))
    if share > 0.97 or video.announced - len(video.small) <= 2:
        return Quality(quality.value, None, parts)
    return Quality(quality.value * share, f"The file ends early: {share:.0%} of its frames are there.", parts)


def _scores(measured: dict[str, float]) -> dict[str, float]:
    return {
        "image": measured["image"],
        "smooth": ramp(measured["smooth"], 1.05, 0.85),
        "flicker": ramp(measured["flicker"], 0.05, 0.003),
        "flashes": ramp(measured["flashes"], 0.1, 0.0),
        "frozen": ramp(measured["frozen"], 1.0, 0.1),
        "blank": ramp(measured["blank"], 0.5, 0.0),
        "dropped": ramp(measured["dropped"], 0.3, 0.0),
        "errors": ramp(measured["errors"], 0.2, 0.0),
        "rate": ramp(measured["rate"], 2.0, 12.0),
    }


def _motion(frames: npt.NDArray[np.float32]) -> dict[str, float]:
    near = np.abs(np.diff(frames, axis=0)).mean((1, 2))
    far = np.abs(frames[2:] - frames[:-2]).mean((1, 2))
    level = frames.mean((1, 2), dtype=np.float64)
    dark = np.percentile(frames, 95, axis=(1, 2)) < 0.08
    return {
        "smooth": float((np.median(near) + 1e-4) / (np.median(far) + 2e-4)),
        "flicker": float(np.abs(np.diff(level, 2)).mean() / 2),
        "flashes": float((np.minimum(near[:-1], near[1:]) > 3 * far + 0.02).mean()),
        "frozen": float((near < 5e-4).mean()),
        "blank": float((dark | (frames.std((1, 2)) < 0.01)).mean()),
    }


def _timing(times: list[float]) -> dict[str, float]:
    steps = np.diff(np.array(times))
    steps = steps[steps > 0]
    if not steps.size:
        return {"dropped": 0.0, "rate": math.inf}
    median = float(np.median(steps))
    lost = float((np.round(steps / median) - 1)[steps >= 1.5 * median].clip(max=1e6).sum())
    return {"dropped": lost / (lost + len(steps)), "rate": 1 / median}
