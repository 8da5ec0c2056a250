# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cache of embeddings: in memory up to a number of bytes, and on disk for other processes, now or later."""

from imug_metrics.encoders.cache.disk import CacheUsage, DiskCache
from imug_metrics.encoders.cache.encoder import CachedEncoder, EncodedImages
from imug_metrics.encoders.cache.memory import Key, MemoryCache

__all__ = ["CacheUsage", "CachedEncoder", "DiskCache", "EncodedImages", "Key", "MemoryCache"]
