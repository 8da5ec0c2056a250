# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of a sound from its samples: noise, clipping, gaps, clicks, loudness, offset, bandwidth, resolution."""

from __future__ import annotations

import io
import math
import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from imug_metrics._optional import require
from imug_metrics.quality.result import Quality, combined, ramp
from imug_metrics.quality.source import BrokenError, UnjudgedError, as_quality, read_bytes

Samples = npt.NDArray[np.float32]

MAX_BYTES = 256 * 1024 * 1024
"""Largest sound file that is opened."""

MAX_SAMPLES = 48_000 * 600
"""Samples that are measured, all channels together; what follows is not listened to."""

_MP4 = b"ftyp"
_WINDOW = 1024


def audio_quality(source: Any) -> Quality:
    """No-reference quality of a sound from signal measures.

    The value is the product of the sub-scores, of several channels that of the worst. Full scale is 1.

    - ``noise``: estimated signal-to-noise ratio in dB. The noise of a frequency is the tenth percentile over time of
      its power (minimum statistics after Martin, IEEE TSAP 9, 2001; corrected for the exponential distribution), the
      median over 31 frequencies: -5 dB scores 0, 30 dB scores 1.
    - ``flatness``: geometric over arithmetic mean of the mean power spectrum, 1 for white noise: 0.9 scores 0, 0.3
      scores 1.
    - ``clipped``: share of samples in runs of three or more within 0.1 % of the largest magnitude: 0.05 scores 0,
      0.0005 scores 1.
    - ``loudness``: ITU-R BS.1770 integrated loudness (pyloudnorm), in LUFS; the level of the root mean square in dB for
      sounds below 0.4 s: -60 scores 0, -35 scores 1, -6 scores 1, 0 scores 0.
    - ``silence``: share of frames of 20 ms below -60 dB: 0.95 scores 0, 0.4 scores 1.
    - ``gaps``: stretches of 5 ms or more without any change that begin or end abruptly (within 32 samples of a
      magnitude above half of the root mean square), their share of the duration: 0.2 scores 0, 0 scores 1.
    - ``clicks``: places where the second difference is above 0.01 and four times the largest within 20 ms, itself and
      three neighbours on either side left out, per second: 20 scores 0, 0 scores 1.
    - ``offset``: absolute mean: 0.1 scores 0, 0.005 scores 1.
    - ``bandwidth``: highest frequency within 60 dB of the strongest, in Hz: 500 scores 0, 5000 scores 1.
    - ``levels``: logarithm to base 2 of the number of different sample values (at most the number of samples): 3 scores
      0, 9 scores 1.

    Args:
        source: Path or bytes of a WAV, FLAC, OGG, MP3, AIFF or other file that libsndfile reads, or a pair of samples
            ``[T]`` or ``[T, channels]`` in [-1, 1] and their rate in Hz.

    Returns:
        The quality in [0, 1]; 0 for silence and for a file that cannot be decoded; NaN for one that is too large, too
        short to measure (below 1,024 samples) or of the MP4 family, which libsndfile does not read.

    Raises:
        ModuleNotFoundError: If soundfile or pyloudnorm is not installed.
        TypeError: If ``source`` is of another kind.
        ValueError: If samples in memory have another shape, or the rate is not positive.

    Example:
        >>> rng, time = np.random.default_rng(0), np.arange(16000) / 16000
        >>> melody = 0.3 * np.sign(np.sin(2 * np.pi * 3 * time)) * np.sin(2 * np.pi * 440 * time * (1 + time))
        >>> clean, noisy = audio_quality((melody, 16000)), audio_quality((melody + rng.normal(0, 0.1, 16000), 16000))
        >>> clean.value > noisy.value
        True
    """
    if isinstance(source, (str, os.PathLike, bytes, bytearray)):
        return as_quality(lambda: _measured(*_decoded(read_bytes(source, MAX_BYTES))))
    if not (isinstance(source, tuple) and len(source) == 2):
        raise TypeError(
            f"Expected argument `source` to be a path, bytes or a pair (samples, rate), got {type(source).__name__}."
        )
    samples, rate = np.asarray(source[0], dtype=np.float32), int(source[1])
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.ndim != 2 or rate <= 0:
        raise ValueError(
            "Expected argument `source` to hold samples [T] or [T, channels] and a positive rate, got"
            f" {list(samples.shape)} and {rate}."
        )
    return as_quality(lambda: _measured(samples, rate, 0))


def _decoded(content: bytes) -> tuple[Samples, int, int]:
    """Samples ``[T, channels]``, their rate, and how many the header promises beyond those that are there."""
    soundfile = require("soundfile", extra="quality", purpose="Judging audio")
    if content[4:8] == _MP4:
        raise UnjudgedError("Sounds in MP4 files (M4A, AAC) are not read.")
    try:
        with soundfile.SoundFile(_Memory(content)) as file:
            if not 1 <= file.channels <= 64:
                raise UnjudgedError(f"The sound has {file.channels} channels.")
            wanted = min(file.frames, MAX_SAMPLES // file.channels)
            # Blocks: a header that promises more than there is must not reserve memory for it.
            blocks = [block for block in _blocks(file, wanted) if len(block)]
            rate = int(file.samplerate)
    except UnjudgedError:
        raise
    except Exception as error:  # decoders of hostile files raise nearly anything
        raise BrokenError("The file is no readable sound.") from error
    if not blocks:
        raise BrokenError("The file holds no samples.")
    samples = np.concatenate(blocks)
    return samples, rate, max(wanted, _promised(content)) - len(samples)


class _Memory(io.BytesIO):
    """Bytes in which a damaged header may ask for a place before the first."""

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self.tell(), len(self.getbuffer()))[whence]
        return super().seek(max(0, base + offset))


def _blocks(file: Any, wanted: int) -> Any:
    left = wanted
    while left > 0:
        block = file.read(min(left, 65_536), dtype="float32", always_2d=True)
        yield block
        if not len(block):
            return
        left -= len(block)


def _promised(content: bytes) -> int:
    """Frames that the header of a WAV file announces; libsndfile tacitly believes the file's length instead."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0
    align, position = 0, 12
    while position + 8 <= len(content):
        name, size = content[position : position + 4], int.from_bytes(content[position + 4 : position + 8], "little")
        if name == b"fmt ":
            align = int.from_bytes(content[position + 20 : position + 22], "little")
        if name == b"data":
            streamed = size in (0, 0xFFFFFFFF, 0x7FFFFFFF)  # written by programs that could not seek
            return 0 if streamed or align == 0 else min(size // align, MAX_SAMPLES)
        position += 8 + size + size % 2
    return 0


def _measured(samples: Samples, rate: int, missing: int) -> Quality:
    if not np.isfinite(samples).all():
        raise BrokenError("The sound holds samples that are no numbers.")
    if np.abs(samples).max(initial=0) > 1000:
        raise BrokenError("The sound holds samples far beyond full scale.")
    if not 1000 <= rate <= 1_000_000:
        raise BrokenError(f"The sound has a rate of {rate} Hz.")
    if len(samples) < _WINDOW:
        raise UnjudgedError(f"The sound has {len(samples)} samples, too few to measure.")
    if np.ptp(samples, axis=0).max() < 1e-5:
        raise BrokenError("The sound is silent.")
    channels = [_channel(samples[:, k], rate) for k in range(samples.shape[1])]
    worst = min(channels, key=lambda quality: quality.value)
    parts = worst.parts | {"seconds": len(samples) / rate}
    if missing <= len(samples) // 1000:
        return Quality(worst.value, None, parts)
    share = len(samples) / (len(samples) + missing)
    return Quality(worst.value * share, f"The file ends early: {share:.0%} of its samples are there.", parts)


def _channel(wave: Samples, rate: int) -> Quality:
    _, _, spectrogram = signal.stft(
        wave - wave.mean(), nperseg=_WINDOW, noverlap=_WINDOW // 2, boundary=None, padded=False
    )
    power = np.abs(spectrogram[1:]) ** 2 + 1e-16  # without the constant part
    mean = power.mean(1)
    measured = {
        "snr_db": _snr(power),
        "flatness": float(np.exp(np.log(mean).mean()) / mean.mean()),
        "clipped": _clipped(wave),
        "loudness": _loudness(wave, rate),
        "silence": _silence(wave, rate),
        "gaps": _gaps(wave, rate),
        "clicks_per_second": _clicks(wave, rate) * rate / len(wave),
        "offset": abs(float(wave.mean(dtype=np.float64))),
        "bandwidth_hz": float((np.flatnonzero(mean > 1e-6 * mean.max()).max() + 1) * rate / _WINDOW),
        "levels": math.log2(len(np.unique(wave))),
    }
    scores = {
        "noise": ramp(measured["snr_db"], -5.0, 30.0),
        "flatness": ramp(measured["flatness"], 0.9, 0.3),
        "clipped": ramp(measured["clipped"], 0.05, 0.0005),
        "loudness": min(ramp(measured["loudness"], -60.0, -35.0), ramp(measured["loudness"], 0.0, -6.0)),
        "silence": ramp(measured["silence"], 0.95, 0.4),
        "gaps": ramp(measured["gaps"], 0.2, 0.0),
        "clicks": ramp(measured["clicks_per_second"], 20.0, 0.0),
        "offset": ramp(measured["offset"], 0.1, 0.005),
        "bandwidth": ramp(measured["bandwidth_hz"], 500.0, 5000.0),
        "levels": ramp(measured["levels"], 3.0, 9.0),
    }
    return combined(measured, scores)


def _snr(power: npt.NDArray[Any]) -> float:
    floor = np.percentile(power, 10, axis=1) / -math.log(0.9)
    noise = float(np.minimum(ndimage.median_filter(floor, 31, mode="reflect"), power.mean(1)).sum())
    total = float(power.mean(1).sum())
    return 10 * math.log10(max(total - noise, 1e-6 * total) / noise)


def _clipped(wave: Samples) -> float:
    magnitude = np.abs(wave)
    at_peak = np.where(magnitude >= 0.999 * magnitude.max(), np.sign(wave), 0)
    starts, lengths = _runs(at_peak)
    return float(lengths[(at_peak[starts] != 0) & (lengths >= 3)].sum() / len(wave))


def _gaps(wave: Samples, rate: int) -> float:
    starts, lengths = _runs(wave)
    long = lengths >= max(16, rate // 200)
    starts, ends = starts[long], (starts + lengths)[long]
    magnitude = np.pad(np.abs(wave), 32)
    abrupt = 0.5 * float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))
    lost = 0
    for start, end in zip(starts, ends):  # positions in the padded array lie 32 further
        if magnitude[start : start + 32].max() > abrupt or magnitude[end + 32 : end + 64].max() > abrupt:
            lost += int(end - start)
    return lost / len(wave)


def _runs(values: Samples) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Starts and lengths of the stretches of equal values."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    return starts, np.diff(starts, append=len(values))


def _loudness(wave: Samples, rate: int) -> float:
    level = 20 * math.log10(float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))) + 1e-10)
    if len(wave) < 0.4 * rate + 1:
        return level
    pyloudnorm = require("pyloudnorm", extra="quality", purpose="Judging audio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the logarithm of silent blocks
        integrated = float(pyloudnorm.Meter(rate).integrated_loudness(wave.astype(np.float64)))
    return integrated if math.isfinite(integrated) else level


def _silence(wave: Samples, rate: int) -> float:
    frame = min(max(1, rate // 50), len(wave))
    frames = wave[: len(wave) // frame * frame].reshape(-1, frame)
    return float((np.sqrt(np.mean(frames.astype(np.float64) ** 2, 1)) < 1e-3).mean())


def _clicks(wave: Samples, rate: int) -> int:
    bend = np.abs(np.diff(wave, 2))
    reach = max(8, rate // 50)
    largest = ndimage.maximum_filter1d(bend, reach, mode="constant", origin=0)
    shift = reach // 2 + 4  # windows that end, or begin, four samples away
    before = np.concatenate([np.zeros(shift, dtype=bend.dtype), largest])[: len(bend)]
    after = np.concatenate([largest, np.zeros(shift, dtype=bend.dtype)])[shift : shift + len(bend)]
    places = np.flatnonzero(bend > np.maximum(4 * np.maximum(before, after), 0.01))
    return int((np.diff(places, prepend=-9) > 3).sum())  # one click bends the wave at three samples
