# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A CPU-only torch beside a torchvision built for CUDA."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch

from imug_metrics import _torchvision


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def fake_torchvision(folder, version: str) -> str:
    """A torchvision that fails to import as the real one does where its operators are absent."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "version.py").write_text(f"__version__ = {version!r}\n")
    (package / "__init__.py").write_text(
        "import torch\n"
        "for name in ('nms', 'qnms'):\n"
        "    torch.library.register_fake(f'torchvision::{name}')(lambda dets, scores, iou_threshold: scores)\n"
    )
    return f"import sys; sys.path.insert(0, {str(folder)!r}); "


def cure() -> str:
    """The module by its file, without the package around it."""
    return (
        "import importlib.util; "
        f"spec = importlib.util.spec_from_file_location('cure', {_torchvision.__file__!r}); "
        "cure = importlib.util.module_from_spec(spec); spec.loader.exec_module(cure); "
        "done = cure.define_missing_torchvision_ops(); assert 'torchvision' not in sys.modules; "
    )


@pytest.mark.skipif(bool(torch.version.cuda or torch.version.hip), reason="torch is not a CPU-only build")
def test_gpu_build_imports_beside_cpu_torch(tmp_path):
    prelude = fake_torchvision(tmp_path, "0.28.0+cu130")
    assert "torchvision::nms does not exist" in run(prelude + "import torchvision").stderr
    result = run(prelude + cure() + "assert done; import torchvision; print('imported')")
    assert result.stdout == "imported\n", result.stderr


@pytest.mark.parametrize(
    ("version", "built_for_gpu"),
    [("0.28.0", False), ("0.28.0+cpu", False), ("0.28.0+cu130", True), ("0.28+rocm7", True)],
)
def test_build_is_read_without_importing(tmp_path, monkeypatch, version, built_for_gpu):
    fake_torchvision(tmp_path, version)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    assert _torchvision._torchvision_is_built_for_gpu() is built_for_gpu
    assert "torchvision" not in sys.modules


def test_operators_that_exist_are_not_declared_again(tmp_path):
    prelude = fake_torchvision(tmp_path, "0.28.0+cu130") + (
        "import torch; library = torch.library.Library('torchvision', 'FRAGMENT'); "
        "library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'); "
    )
    result = run(prelude + cure() + "print(done)")
    assert result.stdout == "False\n", result.stderr


def test_nothing_happens_without_torchvision(monkeypatch):
    monkeypatch.setattr(_torchvision, "_library", None)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert _torchvision.define_missing_torchvision_ops() is False


def test_torchmetrics_and_torchvision_import_after_the_package():
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    result = run(
        "import imug_metrics, torchmetrics, torchvision; from torchvision.transforms import v2; print('imported')"
    )
    assert result.stdout == "imported\n", result.stderr
