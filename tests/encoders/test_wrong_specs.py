# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Specifications and devices that cannot be: what is said, before anything is loaded and without waiting."""

from __future__ import annotations

import socket
import time
import urllib.error
from pathlib import Path

import pytest
import torch

import imug_metrics
from imug_metrics.dialogues.record import Record
from imug_metrics.encoders import as_encoder, devices, downloads, load_encoder
from imug_metrics.encoders.devices import check_device
from imug_metrics.encoders.downloads import is_reached, why_not_downloaded
from imug_metrics.errors import ArgumentError

# A specification ({} is a folder with what `places` makes), and what is said of it.
WRONG = [
    ("openclip:ViT-B-32:openai", "did you mean open_clip:...?"),
    ("open-clip:ViT-B-32:openai", "did you mean open_clip:...?"),
    ("OPEN_CLIP:ViT-B-32:openai", "did you mean open_clip:...?"),
    ("huggingface:org/model", "did you mean hf:...?"),
    ("tim:vit_small", "did you mean timm:...?"),
    ("scenes", "did you mean scene?"),
    ("org/model", "did you mean hf:org/model?"),
    ("{}/clip", "did you mean hf:{}/clip?"),
    ("{}/open", "did you mean open_clip:local-dir:{}/open?"),
    ("lpips:vgg16", "did you mean lpips:vgg?"),
    ("lpips:", "lpips:TRUNK with one of alex, vgg, squeeze"),
    ("open_clip:ViT-B-23:openai", "did you mean ViT-B-32"),
    ("open_clip:vit_b_32:openai", "did you mean ViT-B-32"),
    ("open_clip:{}/open", "did you mean open_clip:local-dir:{}/open?"),
    ("open_clip:ViT-B-32", "expected weights as well, open_clip:ViT-B-32:WEIGHTS, as a tag (openai,"),
    ("open_clip:ViT-B-32:opanai", "did you mean openai?"),
    ("open_clip:ViT-B-32:laion2b", "got 'laion2b'; did you mean laion2b_"),
    ("open_clip:ViT-B-32:{}/none.pt", "{}/none.pt does not exist"),
    ("open_clip:ViT-B-32:{}/clip", "is a folder"),
    ("open_clip:local-dir:{}/opan", "there is no folder {}/opan; did you mean {}/open?"),
    ("open_clip:local-dir:{}/clip", "did you mean hf:{}/clip?"),
    ("open_clip:local-dir:{}", "{} has none; did you mean open_clip:local-dir:{}/open?"),
    ("open_clip:local-dir:{}/bare", "{}/bare has no weights"),
    ("hf:{}/clap", "there is no folder {}/clap; did you mean {}/clip?"),
    ("hf:{}", "expected a folder with config.json, {} has none; did you mean hf:{}/clip?"),
    ("hf:{}/open", "did you mean open_clip:local-dir:{}/open?"),
    ("hf:{}/unweighted", "expected a folder with config.json and weights"),
    ("hf:{}/clip/config.json", "is a file"),
    ("hf:./models/clip", "there is no folder models/clip"),
    ("hf:org/model/extra", "there is no folder org/model/extra"),
    ("timm:vit_smal_patch14_dinov2", "did you mean vit_small_patch14_dinov2"),
    ("timm:vit_small_patch14_dinov2.lvd142", "did you mean vit_small_patch14_dinov2.lvd142m?"),
    ("timm:test_vit:{}/none.pth", "{}/none.pth does not exist"),
    ("timm:local-dir:{}/none", "there is no folder {}/none"),
    ("insight_face:buffalo_l", "did you mean insightface:...?"),
    ("facenet:vggface", "expected vggface2, casia-webface or a file of weights, got 'vggface'; did you mean vggface2?"),
    ("facenet:{}/none.pt", "{}/none.pt does not exist"),
]


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Folders of transformers and of open_clip, whole and without weights."""
    for name, files in {
        "clip": ("config.json", "model.safetensors"),
        "unweighted": ("config.json", "README.md"),
        "open": ("open_clip_config.json", "open_clip_model.safetensors"),
        "bare": ("open_clip_config.json",),
    }.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text("{}")
    return tmp_path


@pytest.fixture
def unreached(monkeypatch: pytest.MonkeyPatch) -> None:
    """No host can be reached, and nothing may wait for one."""

    def refuse(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    def wait(seconds: float) -> None:
        raise AssertionError(f"waited {seconds} s")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(time, "sleep", wait)
    downloads._connects.cache_clear()


@pytest.mark.parametrize(("spec", "said"), WRONG)
def test_a_wrong_specification_is_told_with_what_is_meant(places: Path, spec: str, said: str, unreached: None) -> None:
    for library in ("open_clip", "timm", "transformers"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    with pytest.raises(ArgumentError) as caught:
        load_encoder(spec.replace("{}", str(places)))
    assert caught.value.arguments == ("spec",)
    assert said.replace("{}", str(places)) in caught.value.message


@pytest.mark.parametrize(
    ("spec", "library", "instead"),
    [
        ("hf:org/model", "transformers", "hf:/path/to/folder"),
        ("hf:model", "transformers", "hf:/path/to/folder"),
        ("open_clip:ViT-B-32:laion2b_s34b_b79k", "open_clip", "open_clip:local-dir:/path"),
        ("open_clip:ViT-B-32:openai", "open_clip", "open_clip:MODEL:/path/to/weights"),
        ("open_clip:ViT-B/16:datacomp_xl_s13b_b90k", "open_clip", "open_clip:MODEL:/path/to/weights"),
        ("open_clip:hf-hub:org/model", "open_clip", "open_clip:local-dir:/path"),
        ("timm:vit_small_patch14_dinov2", "timm", "timm:MODEL:/path/to/weights"),
        ("timm:vit_small_patch14_dinov2.lvd142m", "timm", "timm:MODEL:/path/to/weights"),
        ("timm:hf-hub:org/model", "timm", "timm:MODEL:/path/to/weights"),
        ("lpips:alex", "lpips", "torch.hub.get_dir()"),
    ],
)
def test_what_cannot_be_downloaded_says_how_to_do_without(
    spec: str, library: str, instead: str, unreached: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ArgumentError) as caught:
        load_encoder(spec)
    said = caught.value.message
    assert f"{spec} could not be downloaded: the host cannot be reached from here" in said
    assert instead in said
    assert "http" not in said
    assert not [line for line in caplog.messages if "Retrying" in line or "Failed to download" in line]


def test_the_hub_is_asked_again_once_it_is_reached(unreached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="huggingface_hub is not installed")
    assert not is_reached("https://hub.example")
    with downloads.brief_downloads():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    assert socket.getdefaulttimeout() is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.undo()
        assert is_reached(f"http://127.0.0.1:{server.getsockname()[1]}")


class RepositoryNotFoundError(Exception):
    """As the hub's client calls it."""


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RepositoryNotFoundError("404"), "none of this name"),
        (urllib.error.HTTPError("https://x", 404, "Not Found", None, None), "none of this name"),  # type: ignore[arg-type]
        (urllib.error.HTTPError("https://x", 503, "Busy", None, None), "cannot be reached"),  # type: ignore[arg-type]
        (urllib.error.URLError("unknown"), "cannot be reached"),
        (ConnectionResetError("reset"), "cannot be reached"),
        (TimeoutError(), "cannot be reached"),
        (ValueError("shape"), None),
        (OSError(28, "No space left on device"), None),
        (FileNotFoundError("weights"), None),
    ],
)
def test_why_something_was_not_downloaded(error: Exception, why: str | None) -> None:
    for one in (error, _from(error)):
        found = why_not_downloaded(one)
        assert found is None if why is None else why in (found or "")


def _from(error: Exception) -> Exception:
    """As libraries wrap it."""
    try:
        try:
            raise error
        except Exception as inner:
            raise OSError("does not load") from inner
    except OSError as outer:
        return outer


def test_a_file_that_does_not_load_is_told_in_few_words(places: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(ArgumentError, match=r"`spec`: hf:.*/clip does not load: ") as caught:
        load_encoder(f"hf:{places / 'clip'}")
    assert len(caught.value.message) < 500


def test_a_home_folder_is_found(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(clip_folder.parent))
    assert load_encoder(f"hf:~/{clip_folder.name}").name == f"hf:{clip_folder.name}"


DEVICES = [
    ("cuda", "built without CUDA"),
    ("cuda:0", "built without CUDA"),
    ("cuda:7", "built without CUDA"),
    (0, "expected one of cpu"),
    ("mps", "expected one of cpu, got 'mps'"),
    ("cdua", "did you mean `cuda`?"),
    ("CUDA", "did you mean `cuda`?"),
    ("gpu", "did you mean `cuda`?"),
    ("cpuu", "did you mean `cpu`?"),
    ("cuda:first", "did you mean `cuda`?"),
    ("", "expected one of cpu"),
    ("meta", "expected one of cpu"),
    ("hpu", "expected one of cpu"),
]


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)


@pytest.mark.parametrize(("device", "said"), DEVICES)
def test_a_device_that_is_not_there_is_told_before_the_encoder(only_cpu: None, device, said: str) -> None:
    records = [Record("a", 1, "text", "Which?", text="A", target="A")]
    calls = (
        lambda: check_device(device),
        lambda: load_encoder("hf:no such/model", device),
        lambda: imug_metrics.evaluate(records, encoder="hf:no such/model", device=device),
    )
    for call in calls:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.arguments == ("device",)
        assert said in caught.value.message


@pytest.mark.parametrize(("device", "there"), [("cuda", True), ("cuda:1", True), ("cuda:2", False), ("cuda:7", False)])
def test_of_several_devices_those_there_are_listed(monkeypatch: pytest.MonkeyPatch, device: str, there: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices.devices()[:3] == ["cpu", "cuda:0", "cuda:1"]
    if there:
        check_device(device)
        return
    with pytest.raises(ArgumentError, match=f"expected one of cpu, cuda:0, cuda:1.*, got '{device}'"):
        check_device(device)


@pytest.mark.parametrize("device", [None, "cpu", "cpu:0", torch.device("cpu")])
def test_the_cpu_is_always_there(device) -> None:
    check_device(device)


def test_whoever_takes_an_encoder_names_its_own_argument() -> None:
    records = [Record("a", 1, "text", "Which?", text="A", target="A")]
    for call in (lambda: as_encoder("clip"), lambda: imug_metrics.evaluate(records, encoder="clip")):
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.arguments == ("encoder",)
