# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The adapter of facenet-pytorch: on stand-ins with its interface, and on its own MTCNN."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from imug_metrics.encoders import FaceEncoder, load_encoder
from imug_metrics.encoders.faces import FacenetModel
from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.errors import ArgumentError
from tests.encoders.packaged_faces import mtcnn


class Detector(nn.Module):
    """As MTCNN: None where nothing is found, boxes and probabilities otherwise; cuts out and normalises."""

    def __init__(self, keep_all=False, image_size=8, post_process=True):
        super().__init__()
        self.keep_all, self.image_size, self.post_process = keep_all, image_size, post_process
        self.margin, self.min_face_size, self.thresholds, self.factor = 0, 20, [0.6, 0.7, 0.7], 0.709
        self.device = torch.device("cpu")
        self.weight = nn.Parameter(torch.ones(1))

    def detect(self, image, landmarks=False):
        assert isinstance(image, Image.Image)
        assert not self.training
        if not np.asarray(image).any():
            return None, [None]
        return np.array([[0, 0, 4, 4], [5, 5, 15, 15]], dtype=np.float32), np.array([0.9, 0.6])

    def extract(self, image, boxes, save_path):
        assert boxes.shape == (1, 4)
        crop = image.crop(tuple(boxes[0].astype(int))).resize((self.image_size,) * 2)
        face = (torch.from_numpy(np.array(crop)).permute(2, 0, 1).float() - 127.5) / 128
        return face[None] if self.keep_all else face


class Resnet(nn.Module):
    pretrained = "vggface2"

    def __init__(self):
        super().__init__()
        self.last_linear = nn.Linear(3, 3, bias=False)
        nn.init.eye_(self.last_linear.weight)
        self.dropout = nn.Dropout(0.9)

    def forward(self, pixels):
        return self.last_linear(self.dropout(pixels.mean((2, 3))))


def coloured():
    """Red where its small face is, blue elsewhere."""
    image = torch.zeros(3, 20, 20, dtype=torch.uint8)
    image[2] = 255
    image[:, :4, :4] = torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None]
    return image


NOBODY = torch.zeros(3, 20, 20, dtype=torch.uint8)
HIGH, LOW = (255 - 127.5) / 128, -127.5 / 128


@pytest.mark.parametrize("keep_all", [True, False])
def test_the_face_that_counts_is_cut_out_by_the_detector(keep_all):
    model = FacenetModel(Detector(keep_all), Resnet())
    found = FaceEncoder(model).encode_images([coloured(), NOBODY])
    assert found[0].tolist() == pytest.approx([LOW, LOW, HIGH])
    assert found[1].isnan().all()
    assert FaceEncoder(model, several="score").encode_images([coloured()])[0].tolist() == pytest.approx(
        [HIGH, LOW, LOW]
    )
    assert FaceEncoder(model).count_faces([coloured(), NOBODY]).tolist() == [2, 0]
    assert not found.requires_grad


def test_modules_in_training_are_put_back():
    detector, resnet = Detector(), Resnet()
    detector.train()
    resnet.train()
    FaceEncoder(FacenetModel(detector, resnet)).encode_images([coloured()])
    assert detector.training
    assert resnet.dropout.training


def test_name_width_and_device_are_those_of_the_modules():
    model = FacenetModel(Detector(), Resnet())
    assert (model.name, model.dim, model.device) == ("facenet-vggface2", 3, torch.device("cpu"))
    assert FaceEncoder(model).encode_images([NOBODY]).shape == (1, 3)
    assert FaceEncoder(model).to("meta").device == torch.device("meta")
    assert model.mtcnn.device == torch.device("meta")


def test_the_fingerprint_follows_weights_and_settings():
    detector, resnet = Detector(), Resnet()
    encoder = FaceEncoder(FacenetModel(detector, resnet))
    fingerprints = [encoder.fingerprint]
    assert lasting_fingerprint(encoder) is not None
    assert FaceEncoder(FacenetModel(Detector(), Resnet())).fingerprint == fingerprints[0]
    detector.margin = 14
    fingerprints.append(encoder.fingerprint)
    with torch.no_grad():
        resnet.last_linear.weight.mul_(2)
    fingerprints.append(encoder.fingerprint)
    with torch.no_grad():
        detector.weight.add_(1)
    fingerprints.append(encoder.fingerprint)
    assert len(set(fingerprints)) == 4
    assert FacenetModel(detector, resnet, fingerprint="mine").fingerprint == "mine"


def test_functions_in_place_of_modules_have_no_lasting_fingerprint():
    plain = SimpleNamespace(detect=Detector().eval().detect, extract=Detector().extract)
    encoder = FaceEncoder(FacenetModel(plain, lambda pixels: pixels.mean((2, 3))))
    assert lasting_fingerprint(encoder) is None
    assert encoder.encode_images([coloured()]).shape == (1, 3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FacenetModel(Resnet(), Resnet()), TypeError, "`mtcnn`.*`extract`, got Resnet"),
        (lambda: FacenetModel(Detector(), "vggface2"), TypeError, "`resnet`.*got str"),
        (lambda: FacenetModel(Detector(post_process=False), Resnet()), ValueError, "`mtcnn`.*post_process"),
        (lambda: FacenetModel(Detector(), SimpleClassifier()), ValueError, "`resnet`.*classify"),
    ],
)
def test_what_cannot_serve_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


class SimpleClassifier(Resnet):
    classify = True


def test_its_own_detector_finds_the_astronaut_and_cuts_her_out(photographs):
    """The real MTCNN, with the weights its package carries."""
    detector = mtcnn()
    model = FacenetModel(detector, lambda pixels: pixels.flatten(1))
    encoder = FaceEncoder(model, min_score=0.9)
    faces = encoder.find_faces([photographs["astronaut"], photographs["chelsea"]])
    assert [len(found) for found in faces] == [1, 0]
    left, top, right, bottom = faces[0].boxes[0].tolist()
    assert (left, top) < (224, 115) < (right, bottom)
    assert 60 < right - left < 140
    expected = detector(Image.fromarray(photographs["astronaut"]))
    found = encoder.encode_images([photographs["astronaut"], photographs["chelsea"]])
    torch.testing.assert_close(found[0], expected.flatten())
    assert found[1].isnan().all()


def test_weights_are_loaded_by_name_or_by_file(photographs, tmp_path, monkeypatch):
    """A network with the weights of a file, of which the layer that tells classes is left out."""
    mtcnn()
    library = pytest.importorskip("facenet_pytorch", reason="facenet-pytorch is not installed")
    torch.manual_seed(0)
    resnet = library.InceptionResnetV1(classify=True, num_classes=3).eval()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ArgumentError, match=r"20180402-114759-vggface2.pt does not exist.*mind its licence"):
        load_encoder("facenet:vggface2")
    file = tmp_path / "checkpoints" / "20180402-114759-vggface2.pt"
    file.parent.mkdir()
    torch.save(resnet.state_dict(), file)
    resnet.classify = False
    images = [photographs["astronaut"], photographs["chelsea"]]
    expected = FaceEncoder(FacenetModel(library.MTCNN(), resnet)).encode_images(images)
    for spec in ("facenet:vggface2", f"facenet:{file}"):
        encoder = load_encoder(spec, batch_size=2)
        assert (encoder.name, encoder.dim, encoder.batch_size) == ("facenet-20180402-114759-vggface2", 512, 2)
        torch.testing.assert_close(encoder.encode_images(images), expected, equal_nan=True)
    with pytest.raises(ValueError, match="`dtype` to be batch_size or max_pixels"):
        load_encoder("facenet:vggface2", dtype="bf16")
    torch.save({"other": torch.zeros(1)}, file)
    with pytest.raises(ArgumentError, match="facenet:vggface2 does not load"):
        load_encoder("facenet:vggface2")
