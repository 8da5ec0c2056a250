# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What stands in the text of a compiled kernel: its tensor-core instructions, copies and loads."""

from __future__ import annotations

import re
from collections import Counter

PRODUCT = re.compile(
    r"\b(?:(?P<unit>mma\.sync|wgmma)(?:\.mma_async\.sync)?\.aligned\.(?P<shape>m\d+n\d+k\d+)"
    r"|tcgen05\.mma\.[\w:.]*?kind::(?P<kind>\w+))"
)
TILE_COPY = re.compile(r"\bcp\.async\.bulk\.tensor\.\dd\.shared::\w+\.global\b")
COPY = re.compile(r"\bcp\.async\.c[ag]\.shared\.global[^;]*?,\s*(?P<bytes>0x[0-9a-f]+|\d+)\b")
LOAD = re.compile(r"\bld\.global(?:\.[a-z]\w*(?:::\w+)*)*?(?:\.v(?P<lanes>[248]))?\.[bufs](?P<bits>\d+)\b")
MMA_LAYOUT = re.compile(
    r"^(?P<name>#\w+) = #ttg\.nvidia_mma<\{versionMajor = 3,.*?warpsPerCTA = \[(?P<down>\d+), (?P<across>\d+)\]"
    r".*?instrShape = \[(?P<rows>\d+), (?P<columns>\d+)",
    re.MULTILINE,
)
WARP_GROUP_DOT = re.compile(r"warp_group_dot .*-> tensor<(?P<rows>\d+)x(?P<columns>\d+)xf32, (?P<layout>#\w+)>")
FLOAT32_DOT = re.compile(r"tt\.dot .*?(?:inputPrecision = (?P<how>\w+))?\s*: tensor<\w+xf32>")


def products(ptx: str) -> dict[str, int]:
    """Number of tensor-core instructions by name and shape; that of tcgen05 stands in no text, but its operands do."""
    found = Counter(
        f"tcgen05 {match['kind']}" if match["kind"] else f"{match['unit']} {match['shape']}"
        for match in PRODUCT.finditer(ptx)
    )
    return dict(found.most_common())


def tile_copies(ptx: str) -> int:
    """Number of instructions that copy a whole tile to shared memory (TMA)."""
    return len(TILE_COPY.findall(ptx))


def asynchronous_copies(ptx: str) -> int:
    """Number of instructions by which each thread copies its part of a tile to shared memory (cp.async)."""
    return len(COPY.findall(ptx))


def load_widths(ptx: str) -> list[int]:
    """Bytes that a thread reads from global memory by each instruction, whole tiles left out."""
    loads = [int(match["lanes"] or 1) * int(match["bits"]) // 8 for match in LOAD.finditer(ptx)]
    return loads + [int(match["bytes"], 0) for match in COPY.finditer(ptx)]


def plain_tf32_products(ttir: str) -> int:
    """Number of dots of float32 that are cut to TF32."""
    return sum(match["how"] == "tf32" for match in FLOAT32_DOT.finditer(ttir))


def repeats(ttgir: str) -> int:
    """How many warps make the same part of a wgmma product: 1, unless more warps stand on a tile than it has room for.

    Of three TF32 products two are laid out by the rows alone: eight warps of 16 rows make each of 64 rows twice.
    """
    tiles = {
        match["name"]: (int(match["down"]) * int(match["rows"]), int(match["across"]) * int(match["columns"]))
        for match in MMA_LAYOUT.finditer(ttgir)
    }
    most = 1
    for match in WARP_GROUP_DOT.finditer(ttgir):
        rows, columns = tiles[match["layout"]]
        most = max(most, -(-rows // int(match["rows"])) * -(-columns // int(match["columns"])))
    return most
