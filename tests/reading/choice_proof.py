# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Read at least so many inputs of every property, in several processes, and say how many; a failing one is printed."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.reading.choice_properties import try_any, try_decorated

PROPERTIES = {"any text": try_any, "decorated letter": try_decorated}
EXAMPLES = 100
"""In one batch: few enough that the batches end at about the number asked for."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reading.choice_proof", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs in all, half for each property")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    options = parser.parse_args(arguments)
    begin, share = time.monotonic(), -(-options.inputs // (len(PROPERTIES) * options.jobs))
    inputs: Counter[str] = Counter()
    with ProcessPoolExecutor(options.jobs) as pool:
        for counted in pool.map(partial(prove, share), range(options.jobs)):
            inputs += counted
    for name, count in inputs.items():
        print(f"{name}: {count:,} inputs")
    print(f"{inputs.total():,} inputs in {time.monotonic() - begin:.0f} seconds, no failure")


def prove(share: int, job: int) -> Counter[str]:
    """Batches of both properties, each from a seed of its own, until each has had its share of inputs."""
    inputs: Counter[str] = Counter()
    for name, attempt in PROPERTIES.items():
        batch = 0
        while inputs[name] < share:
            attempt(EXAMPLES, inputs, start=1_000_000 * job + batch)
            batch += 1
    return inputs


if __name__ == "__main__":
    main()
