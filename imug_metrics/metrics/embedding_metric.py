# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics on embeddings that take images and texts as well when they hold an encoder."""

from collections.abc import Collection, Mapping
from typing import Any

from torchmetrics import Metric
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Pixels
from imug_metrics.dialogues.columns import Column, check_widths, embedding_column, is_embedding
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.errors import InputError
from imug_metrics.functional.images.pixel_columns import pixel_column
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.metrics.saved_arguments import ENCODER
from imug_metrics.metrics.state_file import SavedState


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

    of_encoder: Mapping[str, str] = {}
    """Attributes of an encoder that the metric reads when it is made, and the metric's own that then hold them."""

    _width: int | None = None  # of the embeddings of former updates, as far as this process has seen any

    def __init__(self, *, encoder: Any = None, **kwargs: Unpack[MetricOptions]) -> None:
        if encoder is not None:
            from imug_metrics.encoders import as_encoder

            encoder = as_encoder(encoder)
        self.encoder = encoder
        self.encoder_name = getattr(encoder, "name", None)
        super().__init__(**kwargs)

    def reset(self) -> None:
        """Forget all records, and how wide their embeddings were."""
        super().reset()
        self._width = None

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add another metric's state, of the same class and configuration, to this one.

        Args:
            incoming_state: the other metric, or its `metric_state`, which does not say how wide its embeddings were.

        Raises:
            ValueError: if class or configuration differ, it is no such state, or embeddings are of another width or of
                an encoder of the same name with other weights. Nothing is added then.
        """
        super().merge_state(incoming_state)
        self._width = self._width or _width_of(incoming_state)

    def check_mergeable(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Raise ValueError where `merge_state` does."""
        super().check_mergeable(incoming_state)
        width = _width_of(incoming_state)
        if None not in (width, self._width) and width != self._width:
            raise ValueError(f"Expected the state of embeddings of width {self._width}, got {width}.")
        if isinstance(incoming_state, EmbeddingMetric) and incoming_state.encoder is not self.encoder:
            mine, theirs = self._fingerprint(), incoming_state._fingerprint()
            if None not in (mine, theirs) and mine != theirs:
                raise ValueError(f"Expected the state of embeddings of {_SAME.format(self.encoder_name)}.")

    def _saved(self) -> SavedState:
        """What travels: of the encoder name and fingerprint, and what was read of it."""
        saved = super()._saved()
        read = {name: getattr(self, own) for name, own in self.of_encoder.items()}
        known = {"name": self.encoder_name, "fingerprint": self._fingerprint(), **read}
        saved.content.update({ENCODER: known, "width": self._width})
        return saved

    @classmethod
    def _arguments_of(cls, saved: SavedState, given: Mapping[str, Any], classes: Collection[type]) -> dict[str, Any]:
        """What to make the metric with: the encoder that is given again, or its name."""
        found = super()._arguments_of(saved, given, classes)
        known = saved.get(ENCODER, dict)
        if ENCODER in saved.get("others", list) and found.get(ENCODER) is None:
            from imug_metrics.encoders.absent import AbsentEncoder

            if not known.keys() <= {"name", *_READ} or not all(map(_is_plain, known.values())):
                raise InputError("data", "to name an encoder", "something else")
            found[ENCODER] = AbsentEncoder(known.get("name"), **{name: known.get(name) for name in _READ})
        return found

    def _restore(self, saved: SavedState, updates: int) -> None:
        expected = saved.get(ENCODER, dict).get("name")
        if self.encoder_name != expected:
            told = "to be absent: the state is that of embeddings" if expected is None else f"to be {expected!r}"
            raise InputError(ENCODER, told, repr(self.encoder_name))
        before, now = saved.get(ENCODER, dict).get("fingerprint"), self._fingerprint()
        if None not in (before, now) and before != now:
            raise InputError(ENCODER, f"to be {_SAME.format(expected)}", "others")
        super()._restore(saved, updates)
        self._width = saved.get("width", int, type(None))

    def _pack(self, columns: Mapping[str, Column], *places: Any, **options: Any) -> PackedInputs:
        """Pack the arguments of one update, whose embeddings are as wide as those of the updates before."""
        width = check_widths(**columns)
        known = self._width if self._update_count > 1 else None  # this update is counted, and goes if it is refused
        if known is not None and width not in (None, known):
            name = next(name for name, column in columns.items() if column.width)
            raise InputError(name, "to hold embeddings of one width in all updates", f"{width} after {known}")
        packed = super()._pack(columns, *places, **options)
        self._width = width or known
        return packed

    def _fingerprint(self) -> str | None:
        """What tells the encoder from others of its name."""
        if self.encoder is None:
            return None
        from imug_metrics.encoders.fingerprint import lasting_fingerprint

        return lasting_fingerprint(self.encoder)

    def _images(self, images: Any, argument: str = "images") -> Column:
        return embedding_column(argument, images, self.encoder and self.encoder.encode_images)

    def _pixels(self, images: Any, pixels: Pixels | None, argument: str = "pixels") -> dict[str, Column]:
        """Small versions of images, in which copies are found: those given, or made of what the encoder gets."""
        if pixels is not None:
            return {argument: pixel_column(argument, pixels)}
        if images is None or self.encoder is None or is_embedding(images):
            return {}
        from imug_metrics.media.thumbnails import thumbnails

        return {argument: embedding_column(argument, images, thumbnails)._replace(width=None)}

    def _texts(self, texts: Any) -> Column:
        return embedding_column("texts", texts, self.encoder and self.encoder.encode_texts)


_READ = ("fingerprint", "dim", "logit_scale", "logit_bias")
_SAME = "{!r} with the same weights and preprocessing"


def _width_of(state: dict[str, Any] | Metric) -> int | None:
    return state._width if isinstance(state, EmbeddingMetric) else None


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, float)
