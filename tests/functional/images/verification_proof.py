# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Curves and areas of verification against scikit-learn, case by case: few in the tests, ten thousand in minutes.

`python -m tests.functional.images.verification_proof --cases 10000`
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from sklearn import config_context
from sklearn.metrics import roc_auc_score, roc_curve

from imug_metrics.functional import verification_curve, verification_scores

TOLERANCE = 1e-9


def drawn(seed: int, levels: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 1 to 12 pairs of either kind on few levels, so that most have ties."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 13, 2)
    return generator.integers(2, levels, counts[0]) / levels, generator.integers(0, levels - 2, counts[1]) / levels


def check_case(seed: int) -> None:
    """Raise AssertionError where curve or area of a case are not those of scikit-learn."""
    same, different = drawn(seed)
    labels, scores = np.repeat([1, 0], [len(same), len(different)]), np.concatenate([same, different])
    found = verification_curve(torch.from_numpy(same), torch.from_numpy(different))
    for mine, theirs in zip(found, roc_curve(labels, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, rtol=0, atol=TOLERANCE)
    area = float(verification_scores(same, different).auc)
    np.testing.assert_allclose(area, roc_auc_score(labels, scores), rtol=0, atol=TOLERANCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    cases = parser.parse_args().cases
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for seed in range(cases):
            check_case(seed)
    print(f"{cases:,} curves and areas are those of scikit-learn within {TOLERANCE:g}")


if __name__ == "__main__":
    main()
