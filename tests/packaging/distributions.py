# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The wheel and the source distribution: what has to be in them, what must not, and which version they bear."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from imug_metrics import __version__
from tests.integrations.environments import ROOT

MOST_BYTES = 2 * 2**20
_PACKAGES = {"imug_metrics", "imug_kernels", "imug_benchmarks"}
_IN_SOURCES = (
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "constraints.txt"),
    *("docs/index.md", "docs/images/page_curves.png", "kernels/imug_kernels/gram.py", "tests/conftest.py"),
    *("benchmarks/__main__.py", ".ci/run", "mkdocs.yml", "imug_metrics/__init__.py"),
)


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with the distributions in a folder, which hold nothing else."""
    wheels, sources = [*folder.glob("*.whl")], [*folder.glob("*.tar.gz")]
    if len(wheels) != 1 or len(sources) != 1:
        yield f"expected one wheel and one source distribution in {folder}"
        return
    yield from _wheel_faults(wheels[0])
    yield from _source_faults(sources[0])
    yield from version_faults()


def package_files() -> set[str]:
    """What the packages hold, code and data alike, by the names that it has in a wheel."""
    return {
        path.relative_to(root).as_posix()
        for root, package in ((ROOT, "imug_metrics"), (ROOT / "kernels", "imug_kernels"))
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def version_faults() -> Iterator[str]:
    """Where the version is said otherwise than in the package: the citation, the changelog, a tag of this commit."""
    if f"\nversion: {__version__}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        yield f"CITATION.cff does not say version {__version__}"
    git = subprocess.run(["git", "tag", "--points-at", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    for tag in (name for name in git.stdout.split() if re.fullmatch(r"v\d+(\.\d+)*", name)):
        if tag != f"v{__version__}":
            yield f"the tag {tag} is on version {__version__}"
        if f"\n## [{tag[1:]}]" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
            yield f"CHANGELOG.md has no section {tag[1:]}"


def _wheel_faults(wheel: Path) -> Iterator[str]:
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        yield f"{wheel.name} has {size:,} bytes, {MOST_BYTES:,} are the most"
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        described = file.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    top = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    if top != _PACKAGES:
        yield f"{wheel.name} installs {sorted(top)}"
    yield from (f"{wheel.name} lacks {name}" for name in sorted(package_files() - {*names}))
    strange = [name for name in names if name.startswith("imug_metrics/") and not (ROOT / name).is_file()]
    yield from (f"{wheel.name} holds {name}, which is no file of the sources" for name in strange)
    for link in re.findall(r"\]\((?!https?:|#)[^)]*\)", described):
        yield f"the README of {wheel.name} has a link that leads nowhere there: {link}"


def _source_faults(sources: Path) -> Iterator[str]:
    with tarfile.open(sources) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    yield from (f"{sources.name} lacks {name}" for name in _IN_SOURCES if name not in names)
    yield from (f"{sources.name} holds {name}" for name in sorted(names) if "__pycache__" in name or ".venv" in name)
