# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images and texts to embeddings, behind one protocol. The model libraries are imported when an encoder is made."""

from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.callable import CallableEncoder
from imug_metrics.encoders.faces import FaceEncoder
from imug_metrics.encoders.loading import as_encoder, load_encoder
from imug_metrics.encoders.lpips import LpipsEncoder
from imug_metrics.encoders.openclip import OpenClipEncoder
from imug_metrics.encoders.preprocessing import Preprocessing
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.encoders.regions import RegionEncoder
from imug_metrics.encoders.style import GramEncoder
from imug_metrics.encoders.timm import TimmEncoder
from imug_metrics.encoders.transformers import TransformersEncoder
from imug_metrics.media.images import ImageRegion

__all__ = [
    "CachedEncoder",
    "CallableEncoder",
    "Encoder",
    "FaceEncoder",
    "GramEncoder",
    "ImageRegion",
    "LpipsEncoder",
    "OpenClipEncoder",
    "Preprocessing",
    "RegionEncoder",
    "TimmEncoder",
    "TransformersEncoder",
    "as_encoder",
    "load_encoder",
]
