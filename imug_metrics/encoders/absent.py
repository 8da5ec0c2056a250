# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The name of an encoder that is not here."""

from __future__ import annotations

from typing import Any, NoReturn

from imug_metrics.errors import InputError


class AbsentEncoder:
    """Stands for the encoder of a metric whose state came from elsewhere, and embeds nothing.

    A metric that holds it computes, merges and takes embeddings like one that holds the encoder itself.

    Args:
        name: of the encoder.
        fingerprint: of the encoder, None where it had none that lasts.
        dim: width of its embeddings, None where it is not known.
        logit_scale, logit_bias: as in `Encoder`, None where it has none.

    Example:
        >>> AbsentEncoder("ViT-B-32").encode_texts(["a red star"])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `encoder` to be given again: the state that was read names
        ViT-B-32 and does not hold it.
    """

    def __init__(
        self,
        name: str | None,
        fingerprint: str | None = None,
        dim: int | None = None,
        logit_scale: float | None = None,
        logit_bias: float | None = None,
    ) -> None:
        self.name, self.fingerprint = name, fingerprint
        self.dim, self.logit_scale, self.logit_bias = dim, logit_scale, logit_bias

    def encode_images(self, images: Any) -> NoReturn:
        """Raise InputError."""
        self._refuse()

    def encode_texts(self, texts: Any) -> NoReturn:
        """Raise InputError."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        told = f"to be given again: the state that was read names {self.name or 'one'} and does not hold it"
        raise InputError("encoder", told)
