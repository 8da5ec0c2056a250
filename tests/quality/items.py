# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Clean items of every modality, made here or taken from packages; nothing is downloaded."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache

import numpy as np
from PIL import Image
from scipy import signal

RATE = 22_050
FRAMES = 24


@cache
def photograph() -> np.ndarray:
    """A cat, uint8 [300, 451, 3], CC0."""
    from skimage import data

    return data.chelsea()


def image_file(pixels: np.ndarray, kind: str = "PNG", **options: int) -> bytes:
    """An encoded image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@cache
def voice(seconds: float = 2.0) -> np.ndarray:
    """Something like speech: a buzz through four formants in syllables, hisses, and pauses between them."""
    rng, time = np.random.default_rng(0), np.arange(int(RATE * seconds)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time) + 10 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(k * phase) / k**0.8 for k in range(1, 60))
    vowels = sum(
        signal.lfilter(*signal.iirpeak(place, place / width, fs=RATE), buzz) / (k + 1)
        for k, (place, width) in enumerate([(600, 80), (1200, 100), (2500, 150), (3600, 250)])
    )
    hiss = signal.lfilter(*signal.butter(2, [4000, 8000], "band", fs=RATE), rng.normal(0, 0.15, len(time)))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time) + 0.35, 0, 1) * np.clip(np.sin(2.5 * time + 0.5) + 0.8, 0, 1)
    hisses = np.clip(np.sin(2 * np.pi * 3 * time + 2.6) - 0.6, 0, 1)
    wave = vowels / np.abs(vowels).max() * syllables + hiss * hisses
    return (wave / np.abs(wave).max() / 2).astype(np.float32)


def audio_file(wave: np.ndarray, kind: str = "WAV") -> bytes:
    """Encoded samples."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format=kind)
    return file.getvalue()


@cache
def clip() -> np.ndarray:
    """A camera that moves over a photograph, uint8 [24, 96, 128, 3]."""
    from skimage import data

    photo = data.astronaut()
    return np.stack([photo[20 + t : 212 + t : 2, 60 + 2 * t : 316 + 2 * t : 2] for t in range(FRAMES)])


def video_file(
    frames: np.ndarray, codec: str = "libx264", kind: str = "mp4", rate: int = 24, times: list[int] | None = None
) -> bytes:
    """Encoded frames."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, options={} if codec == "libx264" else {"b": "2000000"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.time_base = Fraction(1, rate)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = times[number] if times else number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


TEXT = """The lighthouse stands on a bare rock two miles from the harbour. It was built in 1854, after a storm had
driven three ships onto the reef in a single night. The keeper climbed its stairs every evening, lit the lamp, and
wrote the weather into a book (some of these books are still kept in the town's museum).

Today the lamp turns without him. A small computer switches it on at dusk, and a cable carries its reports to the
coast guard. Visitors may come in summer, when the sea is calm. "You can see the mountains on a clear day," says the
guide, "and on most other days you can see nothing but fog." """

Row = tuple[float, float, float, str]


def pdf_rows(page: int) -> list[Row]:
    """A heading and lines below it: left, bottom, size and text."""
    lines = TEXT.replace("\n\n", "\n").splitlines()
    return [(72, 720, 20, f"Chapter {page + 1}")] + [(72, 680 - 16 * k, 9, line) for k, line in enumerate(lines)]


def pdf_file(
    pages: list[list[Row]] | None = None,
    image: bytes | None = None,
    box: str = "0 0 612 792",
    filters: str = "",
    wrong_place: int = 0,
) -> bytes:
    """A PDF, written by hand so that each of its parts can be damaged; `image` is raw grey 32 x 32."""
    pages = [pdf_rows(0), pdf_rows(1)] if pages is None else pages
    first = 5 if image is not None else 4
    kids = " ".join(f"{first + 2 * k} 0 R" for k in range(len(pages)))
    shared = "/Font << /F1 3 0 R >>" + (" /XObject << /Im 4 0 R >>" if image is not None else "")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    if image is not None:
        kind = (
            f"/Type /XObject /Subtype /Image /Width 32 /Height 32 /ColorSpace /DeviceGray /BitsPerComponent 8 {filters}"
        )
        objects.append(_stream(kind, image))
    for number, rows in enumerate(pages):
        resources = f"<< {shared} >>"
        content = f"{first + 2 * number + 1} 0 R"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Resources {resources} /Contents {content} >>"
        text = "".join(f"BT /F1 {size} Tf {x} {y} Td ({_escaped(line)}) Tj ET\n" for x, y, size, line in rows)
        text += "q 100 0 0 100 400 60 cm /Im Do Q\n" if image is not None else ""
        objects += [page.encode(), _stream("", text.encode("latin-1"))]
    file, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number + 1, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    head = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
    tail = f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{len(file) + wrong_place}\n%%EOF\n"
    return file + (head + tail).encode()


def _stream(kind: str, content: bytes) -> bytes:
    return f"<< {kind} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def docx_file(headings: bool = True, text: str = TEXT, empty: int = 0, cells: bool = True, image: bool = True) -> bytes:
    """A Word file with headings, paragraphs, a table and an image."""
    import docx

    document = docx.Document()
    for number in range(3):
        if headings:
            document.add_heading(f"Chapter {number + 1}", 1)
        for paragraph in text.split("\n\n"):
            document.add_paragraph(paragraph)
    for _ in range(empty):
        document.add_paragraph("")
    table = document.add_table(2, 3)
    for k, cell in enumerate(table._cells):
        cell.text = f"cell {k}" if cells else ""
    if image:
        document.add_picture(io.BytesIO(image_file(photograph()[::4, ::4])))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@cache
def sphere() -> tuple[np.ndarray, np.ndarray]:
    """Vertices [642, 3] and faces [1280, 3] of a sphere."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions=3)
    return np.array(mesh.vertices), np.array(mesh.faces)


def model_file(vertices: np.ndarray, faces: np.ndarray, kind: str) -> bytes:
    """An encoded mesh."""
    import trimesh

    content = trimesh.Trimesh(vertices, faces, process=False).export(file_type=kind)
    return content.encode() if isinstance(content, str) else content


@cache
def cloud() -> np.ndarray:
    """Points [3000, 3] spread over a sphere."""
    points = np.random.default_rng(0).normal(size=(3000, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


PROGRAM = '''"""Counts the words of a text."""

import re
from collections import Counter


class Vocabulary:
    """Words and how often each was seen."""

    def __init__(self, least=1):
        self.least = least
        self.counts = Counter()

    def add(self, text):
        for word in re.findall(r"\\w+", text.lower()):
            self.counts[word] += 1

    def words(self):
        found = [word for word, count in self.counts.items() if count >= self.least]
        return sorted(found, key=lambda word: (-self.counts[word], word))


def longest(words):
    best = ""
    for word in words:
        if len(word) > len(best):
            best = word
    return best


if __name__ == "__main__":
    vocabulary = Vocabulary(least=2)
    vocabulary.add("the cat and the dog")
    print(vocabulary.words(), longest(vocabulary.words()))
'''

SCRIPT = """// Sums the prices of a cart.
function total(items, rate = 0.2) {
  const net = items.map((item) => item.price * item.count).reduce((a, b) => a + b, 0);
  return { net, gross: net * (1 + rate) };
}
module.exports = { total };
"""
