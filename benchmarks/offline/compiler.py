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

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
TENSOR_CORE = re.compile(r"\b(?:mma\.sync|wgmma\.mma_async|tcgen05\.mma)\b")
LOAD = re.compile(r"\bld\.global(?:\.[a-z]\w*(?:::\w+)*)*?(?:\.v(?P<lanes>[248]))?\.[bufs](?P<bits>\d+)\b")
COPY = re.compile(r"\bcp\.async\.c[ag]\.shared\.global[^;]*?,\s*(?P<bytes>0x[0-9a-f]+|\d+)\b")
FLOAT32_DOT = re.compile(r"tt\.dot .*?(?:inputPrecision = (?P<how>\w+))?\s*: tensor<\w+xf32>")


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
        constants = {n: v for n, v in self._constants().items() if n != "D" and not n.startswith("STRIDE")}
        shown = {name: value for name, value in {**constants, **self.options}.items() if value is not False}
        aligned = [] if self.aligned else ["unaligned"]
        return (self.name, *self.dtypes, *aligned, *(f"{name}={value}" for name, value in shown.items()))

    @property
    def name(self) -> str:
        """Name of the kernel."""
        return str(self.kernel.fn.__name__)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Types of the tensors, in order: those of embeddings come first."""
        tensors = [value for value in self.arguments.values() if isinstance(value, Tensor)]
        return tuple(str(tensor.dtype).removeprefix("torch.") for tensor in tensors)

    @property
    def aligned(self) -> bool:
        """Whether every row begins and ends at a multiple of 16 bytes and is long enough to be read in such pieces."""
        constants = self._constants()
        sizes = [value for name, value in constants.items() if name == "D" or name.startswith("STRIDE")]
        return all(size % 8 == 0 and size >= 64 for size in sizes)

    def _constants(self) -> dict[str, Any]:
        parameters = {parameter.name: parameter.is_constexpr for parameter in self.kernel.params}
        return {name: value for name, value in self.arguments.items() if parameters[name]}


@dataclass(frozen=True)
class Report:
    """What one kernel became for one architecture; sizes in bytes."""

    kernel: str
    configuration: list[str]
    architecture: int
    registers: int
    stack: int
    shared: int
    warps: int
    has_dot: bool
    tensor_core: int
    plain_tf32: int
    widest_load: int
    two_byte_loads: int
    aligned: bool
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
    assembly, high_level = found.asm["ptx"], found.asm["ttir"]
    usage = _resource_usage(found.asm["cubin"])
    widths = _load_widths(assembly)
    return Report(
        kernel=launch.name,
        configuration=list(launch.configuration[1:]),
        architecture=capability,
        registers=usage["REG"],
        stack=max(usage["STACK"], usage["LOCAL"]),
        shared=found.metadata.shared,
        warps=found.metadata.num_warps,
        has_dot="tt.dot " in high_level,
        tensor_core=len(TENSOR_CORE.findall(assembly)),
        plain_tf32=sum(match["how"] == "tf32" for match in FLOAT32_DOT.finditer(high_level)),
        widest_load=max(widths, default=0),
        two_byte_loads=widths.count(2),
        aligned=launch.aligned,
        seconds=round(seconds, 2),
    )


def _load_widths(assembly: str) -> list[int]:
    """Bytes that a thread reads from global memory by each instruction."""
    loads = [int(match["lanes"] or 1) * int(match["bits"]) // 8 for match in LOAD.finditer(assembly)]
    return loads + [int(match["bytes"], 0) for match in COPY.finditer(assembly)]


def _resource_usage(binary: bytes) -> dict[str, int]:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        command = [str(TOOLS / "cuobjdump"), "--dump-resource-usage", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in re.findall(r"\b(REG|STACK|LOCAL):(\d+)", text)}
