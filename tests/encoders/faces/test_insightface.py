# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The adapter of insightface, on a stand-in with the interface of its FaceAnalysis."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from imug_metrics.encoders import FaceEncoder, load_encoder, sources
from imug_metrics.encoders.faces import InsightFaceModel
from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.errors import ArgumentError


class Face(dict):
    """As in insightface.app.common: what was not found is None, not an error."""

    def __getattr__(self, name):
        return self.get(name)

    @property
    def normed_embedding(self):
        return None if self.embedding is None else self.embedding / np.linalg.norm(self.embedding)


class FaceAnalysis:
    """Two faces in every image that is not black: their embeddings are the blue, green and red of its first pixel."""

    det_size, det_thresh, model_dir = (640, 640), 0.5, "/models/buffalo_x/"

    def __init__(self, folder=None, *, embeds=True):
        names = ("detection", "recognition")
        files = {name: None if folder is None else str(folder / f"{name}.onnx") for name in names}
        self.models = {name: SimpleNamespace(model_file=files[name]) for name in names}
        self.models["recognition"].output_shape = [1, 3]
        self.embeds, self.seen = embeds, []

    def get(self, image, max_num=0):
        assert isinstance(image, np.ndarray)
        assert (image.dtype, image.flags.c_contiguous, image.shape[2]) == (np.uint8, True, 3)
        self.seen.append(image[0, 0].tolist())
        if not image.any():
            return []
        boxes = ([0.0, 0.0, 4.0, 4.0], [5.0, 5.0, 15.0, 15.0])
        embeddings = (image[0, 0].astype(np.float32), np.ones(3, np.float32))
        return [
            Face(
                bbox=np.array(box, np.float32),
                kps=np.zeros((5, 2), np.float32),
                det_score=np.float32(score),
                **({"embedding": embedding} if self.embeds else {}),
            )
            for box, score, embedding in zip(boxes, (0.9, 0.6), embeddings)
        ]


@pytest.fixture
def files(tmp_path):
    for name in ("detection", "recognition"):
        (tmp_path / f"{name}.onnx").write_bytes(name.encode())
    return tmp_path


def red(height=20, width=20):
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[0] = 200
    return image


NOBODY = torch.zeros(3, 20, 20, dtype=torch.uint8)


def test_images_arrive_as_blue_green_red_and_embeddings_have_unit_length():
    app = FaceAnalysis()
    encoder = FaceEncoder(InsightFaceModel(app), several="score")
    found = encoder.encode_images([red(), NOBODY])
    assert app.seen[0] == [0, 0, 200]
    assert found[0].tolist() == [0, 0, 1]
    assert found[1].isnan().all()
    largest = FaceEncoder(InsightFaceModel(app)).encode_images([red()])
    torch.testing.assert_close(largest, torch.full((1, 3), 3**-0.5))


def test_its_scores_and_boxes_serve_the_policies():
    model = InsightFaceModel(FaceAnalysis())
    assert FaceEncoder(model).count_faces([red(), NOBODY]).tolist() == [2, 0]
    assert FaceEncoder(model, min_score=0.8).count_faces([red()]).tolist() == [1]
    assert FaceEncoder(model, min_size=5).count_faces([red()]).tolist() == [1]
    assert FaceEncoder(model, several="none").encode_images([red()]).isnan().all()


def test_name_and_width_are_those_of_its_models():
    model = InsightFaceModel(FaceAnalysis())
    assert (model.name, model.dim) == ("buffalo_x", 3)
    assert FaceEncoder(model).encode_images([NOBODY]).shape == (1, 3)
    plain = InsightFaceModel(SimpleNamespace(get=FaceAnalysis().get))
    assert (plain.name, plain.dim) == ("insightface", None)
    assert FaceEncoder(plain).encode_images([red()]).shape == (1, 3)


def test_a_face_that_was_not_embedded_is_absent():
    """Its check of liveness leaves faces without an embedding."""
    app = FaceAnalysis(embeds=False)
    encoder = FaceEncoder(InsightFaceModel(app))
    assert encoder.encode_images([red()]).isnan().all()
    assert encoder.count_faces([red()]).tolist() == [2]
    app.embeds = True
    seen = iter((True, False, True))
    get = app.get

    def sometimes(image):
        app.embeds = next(seen)
        return get(image)

    app.get = sometimes
    assert encoder.encode_images([red()] * 3).isnan().all(1).tolist() == [False, True, False]


def test_faces_that_bring_only_what_is_normed_will_do():
    faces = [SimpleNamespace(bbox=[0, 0, 5, 5], det_score=0.5, normed_embedding=np.array([0.6, 0.8]))]
    found = FaceEncoder(InsightFaceModel(SimpleNamespace(get=lambda image: faces))).encode_images([red()])
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8]]))


def test_the_fingerprint_is_that_of_files_and_settings(files):
    app = FaceAnalysis(files)
    first = FaceEncoder(InsightFaceModel(app))
    assert lasting_fingerprint(first) is not None
    assert FaceEncoder(InsightFaceModel(FaceAnalysis(files))).fingerprint == first.fingerprint
    before = first.fingerprint
    app.det_thresh = 0.3
    assert first.fingerprint != before
    app.det_thresh = 0.5
    (files / "recognition.onnx").write_bytes(b"other")
    assert FaceEncoder(InsightFaceModel(FaceAnalysis(files))).fingerprint != before
    assert InsightFaceModel(app, fingerprint="mine").fingerprint == "mine"


def test_without_files_a_fingerprint_does_not_outlive_the_process():
    for app in (FaceAnalysis(), SimpleNamespace(get=len)):
        assert lasting_fingerprint(FaceEncoder(InsightFaceModel(app))) is None
        assert InsightFaceModel(app).fingerprint != InsightFaceModel(app).fingerprint


def test_what_cannot_serve_is_refused():
    with pytest.raises(TypeError, match=r"`app`.*`get`.*got list"):
        InsightFaceModel([])
    app = FaceAnalysis()
    del app.models["recognition"]
    with pytest.raises(ValueError, match=r"`app`.*recognition, got detection"):
        InsightFaceModel(app)


@pytest.fixture
def library(files, monkeypatch):
    """A stand-in for the package; its models are in a home of their own."""
    made = []

    def analysis(name, **options):
        app = FaceAnalysis(files)
        app.prepare = lambda **settings: made.append((name, options, settings))
        return app

    module = ModuleType("insightface.app")
    module.FaceAnalysis = analysis
    monkeypatch.setitem(sys.modules, "insightface", ModuleType("insightface"))
    monkeypatch.setitem(sys.modules, "insightface.app", module)
    monkeypatch.setattr(sources, "INSIGHTFACE", files)
    return made


def test_a_pack_is_loaded_by_name_or_by_folder(files, library):
    pack = files / "buffalo_l"
    pack.mkdir()
    (pack / "recognition.onnx").write_bytes(b"network")
    for spec in ("insightface:buffalo_l", f"insightface:{pack}"):
        encoder = load_encoder(spec, batch_size=3)
        assert (encoder.batch_size, encoder.encode_images([red()]).shape) == (3, (1, 3))
        folder, options, settings = library.pop()
        assert folder == str(pack)
        assert options == {"allowed_modules": ["detection", "recognition"], "providers": ["CPUExecutionProvider"]}
        assert settings == {"ctx_id": -1, "det_size": (640, 640)}


def test_a_pack_that_is_not_here_is_told_and_not_downloaded(files, library):
    (files / "buffalo_l").mkdir()
    for spec, message in {
        "insightface:buffalo_s": "did you mean .*buffalo_l.*insightface-cli model.download buffalo_s.*licence",
        "insightface:buffalo_l": r"expected a folder with models \(.onnx\)",
        f"insightface:{files}/none": "there is no folder .*none",
    }.items():
        with pytest.raises(ArgumentError, match=message):
            load_encoder(spec)
    assert not library


def test_without_the_package_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    with pytest.raises(ModuleNotFoundError, match="InsightFaceModel needs insightface"):
        load_encoder("insightface:buffalo_l")
