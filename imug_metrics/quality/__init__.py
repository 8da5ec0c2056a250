# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of single items by modality, without a reference.

`item_quality` measures an item of any modality; the functions of the modalities lie in modules of their own,
which are imported when they are needed.
"""

from imug_metrics.quality.item_quality import MODALITIES, Modality, Scorer, item_quality
from imug_metrics.quality.result import Quality, ramp

__all__ = ["MODALITIES", "Modality", "Quality", "Scorer", "item_quality", "ramp"]
