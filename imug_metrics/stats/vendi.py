# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How diverse a set of unit rows is, from the matrix of their cosines."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_NO_SHARE = 1e-14  # eigenvalues of cosines up to here are remainders of rounding; x log x of them is below 1e-12


def vendi_score(gram: Tensor, order: float = 1) -> Tensor:
    """Effective number of different rows `[...]`: 1 where all are alike, n where all are orthogonal. Differentiable.

    With the eigenvalues p of K / n, which add up to 1, it is the exponential of their Rényi entropy:
    `exp(-sum p log p)` for order 1 (Friedman and Dieng, TMLR 2023, arXiv 2210.02410), `1 / sum p^2` for order 2, which
    needs no eigenvalues, and `1 / max p` for order inf (Pasarkar and Dieng, arXiv 2310.12952). The higher the order,
    the less rare kinds of rows count. k clusters of equal size, orthogonal to each other, give k, whatever the order.

    Args:
        gram: cosines K `[..., n, n]` of unit rows, float64; rows and columns of zeros are of rows that are not there.
        order: 1, 2 or inf.

    Returns:
        `[...]`, NaN with fewer than two rows, of which nobody can say that they are alike.

    Example:
        >>> clusters = torch.block_diag(*[torch.ones(3, 3)] * 2).double()
        >>> [round(float(vendi_score(clusters, order)), 9) for order in (1, 2, math.inf)]
        [2.0, 2.0, 2.0]
    """
    count = row_count(gram)
    several = count > 1
    count = torch.where(several, count, torch.nan)
    if order == 2:
        found: Tensor = count * count / gram.square().sum((-2, -1))
        return found
    shares: Tensor = torch.linalg.eigvalsh(gram) / torch.where(several, count, 1)[..., None]
    if math.isinf(order):
        return 1 / (shares.amax(-1) + 0 * count)
    some = shares > _NO_SHARE
    shares = torch.where(some, shares, 1)  # whose term is 0, and has a slope
    return torch.exp(-(shares * shares.log()).sum(-1)) + 0 * count


def mean_distance(gram: Tensor) -> Tensor:
    """Mean of 1 - cosine `[...]` over the pairs of two rows; 0 where all are alike. It does not grow with n.

    Args:
        gram: as in `vendi_score`.

    Example:
        >>> mean_distance(torch.eye(3).double())
        tensor(1., dtype=torch.float64)
    """
    count = row_count(gram)
    pairs = count * (count - 1)
    return 1 - (gram.sum((-2, -1)) - count) / torch.where(count > 1, pairs, torch.nan)


def row_count(gram: Tensor) -> Tensor:
    """Number of rows `[...]` that are there: the diagonal holds 1 for each."""
    return gram.detach().diagonal(dim1=-2, dim2=-1).sum(-1).round()
