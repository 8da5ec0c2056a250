# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics on embeddings that take images and texts as well when they hold an encoder."""

from typing import Any

from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import Column, embedding_column
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions


class EmbeddingMetric(DialogueMetric):
    """A dialogue metric whose images and texts may come as embeddings or as items for an encoder.

    The encoder is no submodule: it is neither in `state_dict()` nor in `parameters()`, and `clone()` shares it.

    Args:
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None.
        kwargs: those of all metrics, see `MetricOptions`.
    """

    configuration = (*DialogueMetric.configuration, "encoder_name")

    # An encoder may be part of a model in training, where what it keeps from inference mode would be of no use.
    in_inference_mode = False

    def __init__(self, *, encoder: Any = None, **kwargs: Unpack[MetricOptions]) -> None:
        if encoder is not None:
            from imug_metrics.encoders import as_encoder

            encoder = as_encoder(encoder)
        self.encoder = encoder
        self.encoder_name = getattr(encoder, "name", None)
        super().__init__(**kwargs)

    def _images(self, images: Any) -> Column:
        return embedding_column("images", images, self.encoder and self.encoder.encode_images)

    def _texts(self, texts: Any) -> Column:
        return embedding_column("texts", texts, self.encoder and self.encoder.encode_texts)
