# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the encoders around a loaded model share: batches, precision, modes, device, fingerprint."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any, Literal, NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import TypedDict

from imug_metrics.encoders.fingerprint import digest_text, digest_weights, weights_version
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing
from imug_metrics.encoders.texts import check_texts, fitting_pieces
from imug_metrics.media.images import MAX_PIXELS, ImageBatch, Images, image_batches

_PRECISIONS: dict[Any, torch.dtype | None] = {
    None: None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    torch.bfloat16: torch.bfloat16,
    torch.float16: torch.float16,
}


class EncoderOptions(TypedDict, total=False):
    """Options of every encoder around a loaded model; `ModelEncoder` says what each means."""

    batch_size: int
    dtype: torch.dtype | str | None
    compile: bool | dict[str, Any]
    channels_last: bool
    long_text: Literal["cut", "average"]
    max_pixels: int
    differentiable: bool


class ModelEncoder:
    """Base of the encoders that hold a ``torch.nn.Module``.

    Subclasses set ``preprocessing`` and fill `_image_forward`, or `_tokenize` and `_text_forward`, or all three;
    `_patch_forward` where the model has patch tokens; `_settings`.

    The model is used in evaluation mode and without gradients; the mode it had before is restored after every call, so
    that a model in training can be handed in. The encoder shares the model; it does not copy it.

    Args:
        model: The model. It stays where it is unless ``device`` is given.
        name: Name for tables and reports.
        dim: Width of the embeddings, ``None`` to learn it from the first call.
        device: Where to run.
        batch_size: Images or texts per forward pass. Halved, with a warning, when the device runs out of memory.
        dtype: ``"bf16"`` or ``"fp16"`` to run under autocast; the weights stay as they are. Default: the model's own.
        compile: True to run the model through ``torch.compile``, or a dict of its options.
        channels_last: Keep pixels and weights in this memory format, which convolutions on GPUs prefer.
        long_text: What happens to a text longer than the model takes: ``"cut"``, keeping the closing token and counted
            in ``truncated_texts``, or ``"average"``: the mean direction of its pieces, weighted by their length.
        max_pixels: Height times width above which an image is refused before it is decoded.
        differentiable: Keep the graph from floating-point images to embeddings, for use as a loss or reward.
    """

    preprocessing: Preprocessing | LibraryPreprocessing | None = None

    def __init__(
        self,
        model: nn.Module,
        *,
        name: str,
        dim: int | None = None,
        device: torch.device | str | None = None,
        batch_size: int = 64,
        dtype: torch.dtype | str | None = None,
        compile: bool | dict[str, Any] = False,
        channels_last: bool = False,
        long_text: Literal["cut", "average"] = "cut",
        max_pixels: int = MAX_PIXELS,
        differentiable: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"Expected argument `batch_size` to be >= 1, got {batch_size}.")
        if dtype not in _PRECISIONS:
            raise ValueError(f"Expected argument `dtype` to be bf16, fp16 or None, got {dtype!r}.")
        if long_text not in ("cut", "average"):
            raise ValueError(f"Expected argument `long_text` to be cut or average, got {long_text!r}.")
        self.model: Any = model  # the methods of a library's models, which share no base class
        self.name = name
        self.dim = dim
        self.batch_size = batch_size
        self.dtype = _PRECISIONS[dtype]
        self.channels_last = channels_last
        self.long_text = long_text
        self.max_pixels = max_pixels
        self.differentiable = differentiable
        self.truncated_texts = 0
        self._compile = {} if compile is True else compile
        self._compiled: dict[str, Callable[[Any], Tensor]] = {}
        self._fingerprint: tuple[Any, str] | None = None
        if channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
        if device is not None:
            self.to(device)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._weight.device

    @property
    def logit_scale(self) -> float | None:
        """Multiplier of the cosine the model was trained with, ``None`` where it has none."""
        logarithm = getattr(self.model, "logit_scale", None)
        return None if logarithm is None else float(logarithm.detach().exp())

    @property
    def logit_bias(self) -> float | None:
        """Bias the model was trained with, ``None`` for all but SigLIP."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach())

    @property
    def fingerprint(self) -> str:
        """Digest of architecture, weights and preprocessing; computed on first use and again when weights change."""
        version = weights_version(self.model)
        if self._fingerprint is None or self._fingerprint[0] != version:
            weights = digest_weights(self.model.state_dict())
            kind = type(self.model).__name__
            settings = f"{self._settings()} {self.dtype} {self.long_text}"
            self._fingerprint = version, f"{kind}-{weights}-{digest_text(kind, str(self.model), settings)}"
        return self._fingerprint[1]

    @property
    def _weight(self) -> Tensor:
        """What says where the model is and in which precision; a function has nothing that would."""
        tensors = chain(self.model.parameters(), self.model.buffers(), (torch.empty(0),))
        found: Tensor = next(tensor for tensor in tensors if tensor.is_floating_point())
        return found

    def to(self, device: torch.device | str) -> ModelEncoder:
        """Move the model and return the encoder itself.

        The model is moved for everyone who shares it.
        """
        self.model.to(device)
        return self

    def encode_images(self, images: Images) -> Tensor:
        """Embed images.

        Args:
            images: See `imug_metrics.media.images`.

        Returns:
            float32 tensor ``[N, D]`` on the encoder's device, not normalised.

        Raises:
            TypeError: If the model has no image side or an image is of a kind not accepted.
            ValueError: If an image is malformed, unreadable or too large; the message names the row.
        """
        self._check_images_supported()
        batches = image_batches(images, self.batch_size, max_pixels=self.max_pixels)
        embeddings = self._encode(batches, self._embed_images)
        self._set_dim(embeddings)
        return embeddings

    def encode_masked(self, images: Sequence[Tensor], masks: Sequence[Tensor]) -> Tensor:
        """Embed the part of each image that lies under a mask: the mean of its patch tokens, weighted by coverage.

        The tokens are those of the last layer, which have seen the whole image and are not projected: they compare with
        each other, not with texts.

        Args:
            images: N tensors ``[3, H, W]``, uint8 or floating point in [0, 1].
            masks: N tensors ``[H, W]``, 1 inside and 0 outside.

        Returns:
            float32 tensor ``[N, D]``, NaN where nothing of the mask is left after the model's crop.

        Raises:
            TypeError: If the model has no patch tokens, or is prepared for by its library's own processor.
        """
        if not (self._has_patches() and isinstance(self.preprocessing, Preprocessing)):
            raise TypeError(f"Encoder {self.name!r} has no patch tokens to pool under a mask. Paint the rest instead.")
        return self._encode([list(zip(images, masks))], partial(self._embed_masked, self.preprocessing))

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts. Those longer than the model takes are cut or averaged, as ``long_text`` says.

        Args:
            texts: N strings.

        Returns:
            float32 tensor ``[N, D]`` on the encoder's device, not normalised.

        Raises:
            TypeError: If the model has no text side or ``texts`` is not a sequence of strings.
        """
        self._check_texts_supported()
        texts = check_texts(texts)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))  # alike lengths need little padding
        rows = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        embeddings = self._encode(([texts[row] for row in batch] for batch in rows), self._embed_texts)
        self._set_dim(embeddings)
        return embeddings[torch.tensor(order, device=embeddings.device, dtype=torch.int64).argsort()]

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelEncoder:
        # Metrics are deep-copied by clone(); hundreds of megabytes of frozen weights should not be.
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_compiled": {}}

    def __repr__(self) -> str:
        backend = getattr(self.preprocessing, "backend", None)
        return (
            f"{type(self).__name__}({self.name!r}, dim={self.dim}, device={str(self.device)!r},"
            f" preprocessing={backend!r})"
        )

    def _image_forward(self, pixels: Any) -> Tensor:
        """Embeddings ``[n, D]`` of prepared images."""
        raise NotImplementedError

    def _patch_forward(self, pixels: Tensor) -> Tensor:
        """Map ``[n, D, h, w]`` of the last layer's patch tokens."""
        raise NotImplementedError

    def _has_patches(self) -> bool:
        return type(self)._patch_forward is not ModelEncoder._patch_forward

    def _tokenize(self, texts: Sequence[str]) -> tuple[Any, Sequence[bool]]:
        """What `_text_forward` takes, and which texts were cut."""
        raise NotImplementedError

    def _text_forward(self, tokens: Any) -> Tensor:
        """Embeddings ``[n, D]`` of tokens."""
        raise NotImplementedError

    def _settings(self) -> str:
        """Everything besides weights and precision that changes embeddings."""
        return str(self.preprocessing)

    def _check_images_supported(self) -> None:
        if type(self)._image_forward is ModelEncoder._image_forward:
            self._raise_unsupported("image")

    def _check_texts_supported(self) -> None:
        if type(self)._text_forward is ModelEncoder._text_forward:
            self._raise_unsupported("text")

    def _raise_unsupported(self, side: str) -> NoReturn:
        raise TypeError(f"Encoder {self.name!r} has no {side} side. Pass an encoder that embeds {side}s.")

    def _encode(self, batches: Iterable[Tensor | Sequence[Any]], embed: Callable[[Any], Tensor]) -> Tensor:
        device = self.device
        # One context for all batches: autocast keeps the weights it has cast for as long as it lasts.
        precision = torch.autocast(device.type, self.dtype, enabled=self.dtype is not None)
        with eval_mode(self.model), torch.set_grad_enabled(self.differentiable), precision:
            parts = [part for batch in batches for part in self._embed_in_parts(batch, embed)]
        return torch.cat(parts) if parts else torch.zeros(0, self.dim or 0, device=device)

    def _embed_in_parts(self, batch: Tensor | Sequence[Any], embed: Callable[[Any], Tensor]) -> Iterator[Tensor]:
        """Embed a batch in parts that fit into memory, and remember their size."""
        start = 0
        while start < len(batch):
            part = batch[start : start + self.batch_size]
            try:
                embedded = embed(part).float()
            except torch.cuda.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self.batch_size = len(part) // 2
                warnings.warn(f"Out of memory: batches of {self.name!r} are of {self.batch_size} now.", stacklevel=4)
                continue  # after the handler, which would keep the failed attempt's tensors alive
            start += len(part)
            yield embedded

    def _embed_images(self, images: ImageBatch) -> Tensor:
        return self._forward("_image_forward", self._pixels(images))

    def _embed_masked(self, preprocessing: Preprocessing, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        images, masks = zip(*pairs)
        patches = self._forward("_patch_forward", self._pixels(images)).float()
        coverage = preprocessing.coverage(masks, self.device)
        weights = F.adaptive_avg_pool2d(coverage, (patches.shape[2], patches.shape[3]))[:, 0]
        total = weights.sum((1, 2))[:, None]
        return (torch.einsum("ndhw,nhw->nd", patches, weights) / total).masked_fill(total < 1e-6, torch.nan)

    def _embed_texts(self, texts: Sequence[str]) -> Tensor:
        tokens, cut = self._tokenize(texts)
        if self.long_text == "average" and any(cut):
            return self._embed_pieces(texts, cut)
        embeddings = self._forward("_text_forward", tokens)
        self.truncated_texts += sum(cut)
        return embeddings

    def _embed_pieces(self, texts: Sequence[str], cut: Sequence[bool]) -> Tensor:
        pieces, rows = fitting_pieces(texts, cut, lambda pieces: self._tokenize(pieces)[1])
        embedded = [
            self._forward("_text_forward", self._tokenize(pieces[start : start + self.batch_size])[0]).float()
            for start in range(0, len(pieces), self.batch_size)
        ]
        return _mean_direction(torch.cat(embedded), pieces, rows, len(texts))

    def _pixels(self, images: ImageBatch) -> Any:
        prepare = self.preprocessing
        if prepare is None:
            self._raise_unsupported("image")
        if self.differentiable and isinstance(prepare, LibraryPreprocessing):
            raise ValueError(f"Expected argument `differentiable` to be False: {prepare.backend} is opaque.")
        prepared = prepare(images, self.device)
        if isinstance(prepared, Mapping):
            return {name: self._cast(values) for name, values in prepared.items()}
        return self._cast(prepared)

    def _cast(self, values: Tensor) -> Tensor:
        """Prepared values in the dtype of the weights, and in the memory format asked for."""
        if not values.is_floating_point():
            return values
        channels_last = self.channels_last and values.ndim == 4
        memory_format = torch.channels_last if channels_last else torch.preserve_format
        return values.to(self._weight.dtype, memory_format=memory_format)

    def _forward(self, name: str, inputs: Any) -> Tensor:
        function: Callable[[Any], Tensor] = getattr(self, name)
        if self._compile is False:
            return function(inputs)
        if name not in self._compiled:
            self._compiled[name] = torch.compile(function, **self._compile)
        return self._compiled[name](inputs)

    def _set_dim(self, embeddings: Tensor) -> None:
        if len(embeddings):
            self.dim = embeddings.shape[1]


def _mean_direction(embeddings: Tensor, pieces: Sequence[str], rows: Sequence[int], count: int) -> Tensor:
    """Mean direction and mean length of the pieces of each text, weighted by their characters: ``[count, D]``."""
    owner = torch.tensor(rows, device=embeddings.device)
    share = torch.tensor([max(1.0, len(piece)) for piece in pieces], device=embeddings.device)
    share = (share / share.new_zeros(count).index_add(0, owner, share)[owner])[:, None]
    norms = embeddings.norm(dim=1, keepdim=True)
    parts = torch.cat([embeddings / norms.clamp_min(1e-12), norms], 1) * share
    sums = parts.new_zeros(count, parts.shape[1]).index_add(0, owner, parts)
    return sums[:, :-1] * sums[:, -1:]


@contextmanager
def eval_mode(*models: nn.Module) -> Iterator[None]:
    """Switch models to evaluation mode, and back to the mode each of their layers had.

    Example:
        >>> layer = torch.nn.Dropout()
        >>> with eval_mode(layer):
        ...     layer.training
        False
        >>> layer.training
        True
    """
    # Flag by flag, because model.train() would also switch on layers their owner keeps frozen.
    training = [module for model in models for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
