# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The style of images: Gram matrices of feature maps, whatever makes these."""

from imug_metrics.encoders.style.filters import FilterBank
from imug_metrics.encoders.style.gram import GramEncoder, gram_descriptors

__all__ = ["FilterBank", "GramEncoder", "gram_descriptors"]
