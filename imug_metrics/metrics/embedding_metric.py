# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics on embeddings that take images and texts as well when they hold an encoder."""

from typing import Any

from imug_metrics.dialogues.inputs import Rows, embedding_rows
from imug_metrics.metrics.dialogue_metric import DialogueMetric


class EmbeddingMetric(DialogueMetric):
    """A dialogue metric whose images and texts may come as embeddings or as items for an encoder.

    The encoder is no submodule: it is neither in `state_dict()` nor in `parameters()`, and `clone()` shares it.

    Args:
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None.
        kwargs: those of `DialogueMetric`.
    """

    configuration = (*DialogueMetric.configuration, "encoder_name")

    def __init__(self, *, encoder: Any = None, **kwargs: Any) -> None:
        if encoder is not None:
            from imug_metrics.encoders import as_encoder

            encoder = as_encoder(encoder)
        self.encoder = encoder
        self.encoder_name = getattr(encoder, "name", None)
        super().__init__(**kwargs)

    def _images(self, images: Any) -> Rows:
        return embedding_rows("images", images, self.encoder and self.encoder.encode_images)

    def _texts(self, texts: Any) -> Rows:
        return embedding_rows("texts", texts, self.encoder and self.encoder.encode_texts)
