# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Call launchers on CPU tensors, note what they would launch, compile it for a GPU that is not there, and inspect it.

The launchers run as they are: block sizes, flags and the specialisation by alignment are those of a real launch. Only
Triton's last step, the launch itself, is left out.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction
from triton.tools.tensor_descriptor import TensorDescriptor

from benchmarks.offline import assembly
from benchmarks.offline.occupancy import bytes_in_flight, resident_blocks

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"


@dataclass(frozen=True)
class Launch:
    """A kernel with the arguments of one launch."""

    kernel: Any
    arguments: dict[str, Any]
    grid: Any
    options: dict[str, Any]

    @property
    def configuration(self) -> tuple[str, ...]:
        """What the machine code depends on: dtypes, flags, block sizes, warps, and whether 16-byte loads are possible.

        Widths and strides are constants too, but change a loop's bound only.
        """
        constants = {n: v for n, v in self.constants.items() if n != "D" and not n.startswith("STRIDE")}
        shown = {name: value for name, value in {**constants, **self.options}.items() if value is not False}
        aligned = [] if self.aligned else ["unaligned"]
        described = ["descriptors"] if self.has_descriptors else []
        return (self.name, *self.dtypes, *aligned, *described, *(f"{name}={value}" for name, value in shown.items()))

    @property
    def name(self) -> str:
        """Name of the kernel."""
        return str(self.kernel.fn.__name__)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Types of the tensors, in order: those of embeddings come first."""
        return tuple(str(tensor.dtype).removeprefix("torch.") for tensor in self._tensors())

    @property
    def itemsize(self) -> int:
        """Bytes of an element of the embeddings."""
        return self._tensors()[0].dtype.itemsize

    @property
    def has_descriptors(self) -> bool:
        """Whether tiles are read by tensor descriptors, which capability 9.0 or newer copies by one instruction."""
        return any(isinstance(value, TensorDescriptor) for value in self.arguments.values())

    @property
    def aligned(self) -> bool:
        """Whether every row begins and ends at a multiple of 16 bytes and is long enough to be read in such pieces."""
        sizes = [value for name, value in self.constants.items() if name == "D" or name.startswith("STRIDE")]
        return all(size % 8 == 0 and size >= 64 for size in sizes)

    @property
    def constants(self) -> dict[str, Any]:
        """Arguments that are compiled in."""
        parameters = {parameter.name: parameter.is_constexpr for parameter in self.kernel.params}
        return {name: value for name, value in self.arguments.items() if parameters[name]}

    def _tensors(self) -> list[Tensor]:
        values = (value.base if isinstance(value, TensorDescriptor) else value for value in self.arguments.values())
        return [value for value in values if isinstance(value, Tensor)]


@dataclass(frozen=True)
class Report:
    """What one kernel became for one architecture; sizes in bytes.

    `products` are its tensor-core instructions by shape, `repeats` how many warps do the same ones; `blocks` and
    `in_flight` are an estimate for one multiprocessor.
    """

    kernel: str
    configuration: list[str]
    architecture: int
    registers: int
    stack: int
    shared: int
    warps: int
    stages: int
    has_dot: bool
    products: dict[str, int]
    repeats: int
    plain_tf32: int
    tile_copies: int
    asynchronous_copies: int
    widest_load: int
    two_byte_loads: int
    aligned: bool
    has_descriptors: bool
    blocks: int
    in_flight: int
    seconds: float


class _AbsentDevice:
    """Answers the questions that Triton asks a driver before it compiles."""

    def __init__(self, capability: int) -> None:
        self.capability = capability

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self) -> int:
        return self.capability  # Triton keeps compiled kernels by device, so every architecture is a device of its own

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")


@contextmanager
def _compiling_for(capability: int) -> Iterator[None]:
    before = dict(vars(driver))  # to ask for the active one would look for a device
    driver.set_active(_AbsentDevice(capability))
    try:
        yield
    finally:
        vars(driver).update(before)


def record(call: Callable[[], object], capability: int = 90) -> list[Launch]:
    """Return the launches of one call, none of which is carried out. Outputs nobody wrote are zero."""
    launches: list[Launch] = []

    def note(self: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> None:
        names = [parameter.name for parameter in self.params]
        given = {name: options.pop(name) for name in list(options) if name in names}
        launches.append(Launch(self, inspect.signature(self.fn).bind(*args, **given).arguments, grid, options))

    with (
        _compiling_for(capability),
        mock.patch.object(JITFunction, "run", note),
        mock.patch("torch.empty", torch.zeros),
    ):
        call()
    return launches


def compile_launch(launch: Launch, capability: int) -> Report:
    """Compile one launch and read its registers, memory and instructions."""
    start = time.process_time()
    with _compiling_for(capability):
        found = launch.kernel.run(**launch.arguments, grid=launch.grid, warmup=True, **launch.options)
    seconds = time.process_time() - start
    ptx, ttir, made = found.asm["ptx"], found.asm["ttir"], found.metadata
    usage, widths = _resource_usage(found.asm["cubin"]), assembly.load_widths(ptx)
    tiles, copies = assembly.tile_copies(ptx), assembly.asynchronous_copies(ptx)
    blocks = resident_blocks(capability, made.num_warps, usage["REG"], made.shared, made.tmem_size)
    return Report(
        kernel=launch.name,
        configuration=list(launch.configuration[1:]),
        architecture=capability,
        registers=usage["REG"],
        stack=max(usage["STACK"], usage["LOCAL"]),
        shared=made.shared,
        warps=made.num_warps,
        stages=made.num_stages,
        has_dot="tt.dot " in ttir,
        products=assembly.products(ptx),
        repeats=assembly.repeats(found.asm["ttgir"]),
        plain_tf32=assembly.plain_tf32_products(ttir),
        tile_copies=tiles,
        asynchronous_copies=copies,
        widest_load=max(widths, default=0),
        two_byte_loads=widths.count(2),
        aligned=launch.aligned,
        has_descriptors=launch.has_descriptors,
        blocks=blocks,
        in_flight=bytes_in_flight(launch.constants, launch.itemsize, blocks, made.num_stages, tiles + copies > 0),
        seconds=round(seconds, 2),
    )


def _resource_usage(binary: bytes) -> dict[str, int]:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        command = [str(TOOLS / "cuobjdump"), "--dump-resource-usage", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in re.findall(r"\b(REG|STACK|LOCAL):(\d+)", text)}
