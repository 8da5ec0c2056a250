# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one protocol of models: a history in, a text or an image out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from imug_metrics.dialogues.record_fields import as_image
from imug_metrics.errors import InputError
from imug_metrics.protocols.imug.usage import COUNTED, cost_fault

Want: TypeAlias = Literal["text", "image"]
Role: TypeAlias = Literal["system", "user", "assistant"]

MAX_TEXT = 2**18
"""Characters of a text that a model may reply with."""
MAX_IMAGE_BYTES = 2**26
"""Bytes of an image that a model may reply with."""
MAX_REASON = 2000
"""Characters that are kept of the reason of a failure."""
_COUNTED = ("requests", COUNTED)  # kinds of cost that a model does not tell


class ModelError(RuntimeError):
    """A model has no usable reply: the turn has failed, and the dialogue goes on.

    Attributes:
        reason: what is recorded of it.
        is_final: whether asking again would change nothing.
        told: the reason with what is behind it, for messages; by default the reason.
    """

    def __init__(self, reason: str, *, is_final: bool = False, told: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.is_final = reason[:MAX_REASON], is_final
        self.told = self.reason if told is None else told[: 2 * MAX_REASON]


@dataclass(frozen=True)
class ImageFile:
    """An image as it is sent: the content of a file, of whatever format.

    Attributes:
        data: the bytes.
        as_sent: the text under which a server sent it, which it is sent back as; None: there is none.
    """

    data: bytes
    as_sent: str | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"ImageFile({len(self.data)} bytes)"

    @property
    def media_type(self) -> str:
        r"""By what the content begins with: image/png unless it is another of the usual formats.

        Example:
            >>> ImageFile(b"\xff\xd8\xff\xe0").media_type
            'image/jpeg'
        """
        data = self.data
        if data.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return "image/webp"
        return "image/gif" if data.startswith((b"GIF87a", b"GIF89a")) else "image/png"


Part: TypeAlias = "str | ImageFile"


@dataclass(frozen=True)
class Message:
    """What one side said.

    Attributes:
        role: "system", "user" or "assistant".
        parts: texts and images in their order.
    """

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        r"""The texts, joined by line breaks.

        Example:
            >>> Message("user", ("draw it", ImageFile(b""), "in green")).text
            'draw it\nin green'
        """
        return "\n".join(part for part in self.parts if isinstance(part, str))


History: TypeAlias = Sequence[Message]


@dataclass(frozen=True)
class Reply:
    """What a model said or drew, and what it cost.

    Attributes:
        text: the words; None: there are none.
        image: the content of an image file, or None. What `Record` takes as an image in memory is turned into it.
        usage: what the reply cost by name, such as "tokens", "seconds", "images": numbers from 0.

    Raises:
        ModelError: if a part is of another type, too large, or no image that can be written.

    Example:
        >>> Reply("B", usage={"tokens": 12}).usage["tokens"]
        12.0
    """

    text: str | None = None
    image: ImageFile | None = None
    usage: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.text is not None and not isinstance(self.text, str):
            raise ModelError(f"The model's text must be text, not {type(self.text).__name__}")
        if self.text is not None and len(self.text) > MAX_TEXT:
            raise ModelError(f"The model's text has {len(self.text)} characters, more than {MAX_TEXT}")
        if self.image is not None and not isinstance(self.image, ImageFile):
            object.__setattr__(self, "image", ImageFile(_content(self.image)))
        if self.image is not None and len(self.image.data) > MAX_IMAGE_BYTES:
            raise ModelError(f"The model's image has {len(self.image.data)} bytes, more than {MAX_IMAGE_BYTES}")
        object.__setattr__(self, "usage", _usage(self.usage))

    def wanted(self, want: Want) -> Part:
        """The part that was asked for.

        Raises:
            ModelError: if there is none, or it is empty.
        """
        found: Part | None = self.text if want == "text" else self.image
        if not found or (isinstance(found, ImageFile) and not found.data):
            raise ModelError(f"The reply of the model holds no {want}", is_final=True)
        return found


@runtime_checkable
class Model(Protocol):
    """Anything that answers at a turn: a function, or an object that can be called, plain or asynchronous.

    It may also have a `name`, which is the default name of its folder; `settings`, a text that changes with whatever
    changes its replies, by which recorded replies are found again; `concurrency`, how many requests it takes at a time
    (1 unless it says more); and a coroutine `aclose()`, which is awaited at the end.

    Args:
        history: all that was said before, ending with the user's message of this turn.
        want: what the reply has to be, "text" or "image".
        seed: of random numbers: the same for the same turn, candidate and seed of the run.

    Returns:
        A `Reply`, or a text or image alone, or an awaitable of one of these.

    Raises:
        ModelError: where there is none; any other exception is recorded likewise.
    """

    def __call__(self, history: History, *, want: Want, seed: int) -> Any:
        """Reply to the history."""
        ...


def as_reply(found: Any) -> Reply:
    """A model's reply, whatever form it has.

    Raises:
        ModelError: if it has none of them.

    Example:
        >>> as_reply("B")
        Reply(text='B', image=None, usage={})
    """
    if isinstance(found, Reply):
        return found
    if found is None:
        raise ModelError("The model returned nothing")
    return Reply(text=found) if isinstance(found, str) else Reply(image=found)


def _content(image: Any) -> bytes:
    """The content of the file of an image in memory; a path is not followed: it would be the model's word."""
    if isinstance(image, (bytes, bytearray)):
        return bytes(image)
    if isinstance(image, str) or hasattr(image, "__fspath__"):
        raise ModelError("The model's image must be an image or the content of a file, not a path")
    try:
        found = as_image("image", image)
    except InputError as error:
        raise ModelError(f"The model's image cannot be written: {error}") from error
    assert isinstance(found, bytes)
    return found


def _usage(usage: Any) -> dict[str, float]:
    if not isinstance(usage, Mapping):
        raise ModelError(f"The model's usage must be numbers by name, not {type(usage).__name__}")
    for name, amount in usage.items():
        why = cost_fault(name, amount) if isinstance(name, str) else "expected names that are text"
        if why is not None or name in _COUNTED:
            raise ModelError(f"The model's usage {name!r}: {why or 'is counted, not told'}")
    return {name: float(amount) for name, amount in usage.items()}
