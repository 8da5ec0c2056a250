# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of images on sounds: a musician calls, a model responds, turn by turn.

`python docs/audio_example.py` prints the numbers of guides/any_modality.md. The encoder is that of the package
silero-vad (`pip install --no-deps silero-vad`, MIT licence), a voice detector whose weights come with it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay

Sound = NDArray[np.float64]

RATE, NOTE, NOTES, TURNS = 16_000, 0.25, 4, 6
PATIENCE = 0.1  # seconds of lag after which a response is worth 1/e
_FRAME, _HOP = 576, 512  # what the detector hears at a time
_STEP = 0.01  # seconds, of the envelopes of onsets


@dataclass(frozen=True)
class Musician:
    """How a model responds: what becomes of its sound and of its entry from turn to turn."""

    brighter: float = 0.0  # of the upper harmonics, a turn
    later: float = 0.0  # seconds, a turn


MODELS = {"holding": Musician(), "drifting": Musician(brighter=0.15, later=0.02)}


class DetectorFeatures:
    """Embeddings of sounds: mean and spread over time of what a voice detector makes of them, `[N, 256]`."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("silero_vad")
        if found is None or found.origin is None:
            raise ModuleNotFoundError("Expected the package silero-vad: pip install --no-deps silero-vad")
        self.model = torch.jit.load(str(Path(found.origin).parent / "data" / "silero_vad.jit")).eval()._model

    def encode(self, sounds: list[Sound]) -> Tensor:
        """One embedding a sound of 16,000 samples a second."""
        return torch.stack([self._one(torch.tensor(sound, dtype=torch.float32)) for sound in sounds])

    def _one(self, sound: Tensor) -> Tensor:
        with torch.no_grad():
            frames = self.model.encoder(self.model.stft(sound.unfold(0, _FRAME, _HOP)))
        return torch.cat([frames.mean(0).flatten(), frames.std(0).flatten()])


def note(pitch: float, harmonics: Sound) -> Sound:
    """One plucked note; harmonics are the strengths of the first, second, ... multiple of its pitch."""
    time = np.arange(int(NOTE * RATE)) / RATE
    waves = np.sin(2 * np.pi * pitch * np.outer(np.arange(1, len(harmonics) + 1), time))
    envelope = np.minimum(1, time / 0.01) * np.exp(-12 * time)
    return np.asarray(0.3 * envelope * (harmonics @ waves) / harmonics.sum())


def phrase(pitches: Sound, harmonics: Sound, lag: float = 0.0) -> Sound:
    """Notes one after another, after so many seconds of silence."""
    notes = [np.zeros(round(lag * RATE)), *(note(pitch, harmonics) for pitch in pitches)]
    return np.concatenate([*notes, np.zeros(RATE // 2)])[: RATE * 3 // 2]


def dialogue(musician: Musician, draw: np.random.Generator) -> tuple[list[Sound], list[Sound]]:
    """Calls and responses of one dialogue: the response repeats the notes a third higher."""
    calls, responses = [], []
    for turn in range(TURNS):
        pitches = 220 * 2 ** (draw.choice([0, 2, 4, 5, 7, 9, 11], NOTES) / 12)
        strengths = 0.5 ** np.arange(7)
        brightened = strengths + musician.brighter * turn * np.linspace(0, 1, 7) + 0.02 * draw.random(7)
        lag = max(0.0, 0.02 + musician.later * turn + 0.01 * draw.standard_normal())
        calls.append(phrase(pitches, strengths))
        responses.append(phrase(pitches * 2 ** (4 / 12), brightened, lag))
    return calls, responses


def lag_of(call: Sound, response: Sound) -> float:
    """Seconds that the response lies behind the call, where their onsets go together best."""
    one, other = onsets(call), onsets(response)
    together = signal.correlate(other, one)
    return float(signal.correlation_lags(len(other), len(one))[together.argmax()] * _STEP)


def onsets(sound: Sound) -> Sound:
    """How much louder each hundredth of a second is than the one before."""
    loudness = np.abs(sound[: len(sound) // 160 * 160]).reshape(-1, 160).mean(1)
    return np.maximum(np.diff(loudness, prepend=0.0), 0)


def scores(musician: Musician, dialogues: int = 24, seed: int = 0) -> dict[str, float]:
    """Consistency of the sound, alignment with the call, and promptness, over many dialogues."""
    draw = np.random.default_rng(seed)
    played = [dialogue(musician, draw) for _ in range(dialogues)]
    encoder = DetectorFeatures()
    heard = torch.stack([encoder.encode(responses) for _, responses in played])  # [B, T, D]
    asked = torch.stack([encoder.encode(calls) for calls, _ in played])
    prompt = [[float(np.exp(-abs(lag_of(*pair)) / PATIENCE)) for pair in zip(*one, strict=True)] for one in played]
    consistency = TurnConsistency(mode="anchor", detail=True)
    alignment = TurnAlignment(variant="cosine", detail=True)
    promptness = TurnDecay(score_range=(0, 1), detail=True)
    consistency.update(heard)
    alignment.update(heard, asked)
    promptness.update(prompt)
    found: dict[str, Any] = {**consistency.compute(), **alignment.compute(), **promptness.compute()}
    return {key: float(value) for key, value in found.items()}


def main() -> None:
    """Print what changes per turn, by model."""
    for name, musician in MODELS.items():
        found = scores(musician)
        print(name)
        for key in ("turn_consistency_slope", "turn_alignment_slope", "turn_decay"):
            low, high = (found[f"{key}_{end}"] for end in ("lower", "upper"))
            print(f"  {key:24} {found[key]:+.4f}  ({low:+.4f} to {high:+.4f})")


if __name__ == "__main__":
    main()
