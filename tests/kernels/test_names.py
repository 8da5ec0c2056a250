# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The operations under the name of the package that users know."""

from __future__ import annotations

import imug_kernels

import imug_metrics.kernels


def test_both_names_give_the_same_operations() -> None:
    assert len(imug_kernels.__all__) >= 14
    assert imug_metrics.kernels.__all__ == imug_kernels.__all__
    for name in imug_kernels.__all__:
        assert getattr(imug_metrics.kernels, name) is getattr(imug_kernels, name)
