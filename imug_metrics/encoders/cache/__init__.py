# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings that are kept: in memory up to a number of bytes, and on disk for other runs and other processes."""

from imug_metrics.encoders.cache.disk import DiskCache, Holding
from imug_metrics.encoders.cache.encoder import CachedEncoder, EncodedImages
from imug_metrics.encoders.cache.memory import Key, MemoryCache

__all__ = ["CachedEncoder", "DiskCache", "EncodedImages", "Holding", "Key", "MemoryCache"]
