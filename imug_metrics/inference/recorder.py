# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to the model: each is made once, and its reply is on disk before anything is made of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from imug_metrics.inference.asked_model import AskedModel
from imug_metrics.inference.costs import Costs
from imug_metrics.inference.limits import Spending, StoppedError
from imug_metrics.inference.model import MAX_REASON, History, ImageFile, Model, ModelError, Reply, Want
from imug_metrics.inference.reply_images import ReplyImages
from imug_metrics.inference.run_folder import RunFolder
from imug_metrics.inference.turn import Step
from imug_metrics.judges.journal import Address, Answer, Journal


@dataclass(frozen=True)
class Place:
    """The turn that requests are made for.

    Attributes:
        dialogue: its id.
        turn: its number.
        sample: which of several runs, from 0.
    """

    dialogue: str
    turn: int
    sample: int


class Recorder:
    """Asks the model what is not recorded, and records it.

    Args:
        model: whom to ask.
        name: the model and all that changes its replies; recorded replies are found by it.
        folder: keeps journal.jsonl and the images of replies, each under the digest of its content.
        concurrency: requests at a time to the model.
        seed: of the run.
        spending: what may be spent.
        retry_errors: ask again where an earlier run had a failure.
        roles: other models that are asked in its place, by the role in which a strategy asks.

    Raises:
        JournalLockedError: if another process is writing to the journal.
        OSError: if the folder cannot be written.
    """

    def __init__(
        self,
        model: Model,
        name: str,
        folder: RunFolder,
        *,
        concurrency: int,
        seed: int,
        spending: Spending,
        retry_errors: bool = False,
        roles: Mapping[str, AskedModel] | None = None,
    ) -> None:
        self.seed, self.spending = seed, spending
        self._model = AskedModel(model, name, concurrency)
        self._roles = {role: self._model if asked.model is model else asked for role, asked in (roles or {}).items()}
        folder.root.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(folder.journal)
        folder.make()  # empties the scratch folder, which nobody else writes into once the journal is ours
        self.images, self._retry = ReplyImages(folder.images, folder.scratch), retry_errors
        self._new: set[Address] = set()
        self._locks: WeakValueDictionary[Address, asyncio.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """Bring everything to the disk; functions that still run are not waited for."""
        for asked in (self._model, *self._roles.values()):
            asked.close()
        self.journal.close()

    async def ask(
        self, place: Place, costs: Costs, history: History, want: Want, step: Step, *, role: str | None = None
    ) -> Reply:
        """The reply to a request, recorded or new.

        Raises:
            ModelError: if there is none.
            StoppedError: if nothing more may be asked.
        """
        model = self._model if role is None else self._roles[role]
        address = self._address(place, model.identity, history, want, step)
        async with self._locks.setdefault(address, asyncio.Lock()):
            answer = self._recorded(address)
            if answer is None:
                async with model.slots:
                    answer = await self._new_answer(address, model, place, history, want, step)
        row = json.loads(answer.reply or "{}")
        usage = {str(name): float(amount) for name, amount in row.get("usage", {}).items()}
        if address not in costs.counted:
            costs.counted.add(address)
            costs.add(usage, replied=answer.error is None)
        if answer.error is not None:
            raise ModelError(answer.error, told=row.get("told"))
        image = await asyncio.to_thread(self.images.read, row) if "image" in row else None
        return Reply(row.get("text"), image, usage)

    def _recorded(self, address: Address) -> Answer | None:
        answer = self.journal.find(address)
        if answer is None or (answer.error is not None and self._retry and address not in self._new):
            return None
        return answer if self.images.has(json.loads(answer.reply or "{}")) else None

    async def _new_answer(
        self, address: Address, model: AskedModel, place: Place, history: History, want: Want, step: Step
    ) -> Answer:
        self.spending.begin()
        begin = time.monotonic()
        error: ModelError | None = None
        reply = Reply()
        try:
            reply = await model.call(history, want, self._seed(place, step), place.dialogue, place.turn)
            reply.wanted(want)
        except ModelError as problem:
            error = problem
        except (StoppedError, asyncio.CancelledError):
            raise
        except Exception as problem:  # of a model: whatever it raises, its turn has failed
            error = ModelError(_told(problem))
        counted = {"seconds": time.monotonic() - begin, "images": float(reply.image is not None)}
        usage = {**counted, **reply.usage}  # a model knows better what it used
        if error is None:
            self.spending.end(usage)
        else:
            if error.__cause__ is not None:
                error.told = f"{error.reason} ({_told(error.__cause__)[:MAX_REASON]})"
            self.spending.fail(error.told, usage, is_final=error.is_final)
        return self._record(address, replace(reply, usage=usage), error)

    def _seed(self, place: Place, step: Step) -> int:
        text = json.dumps([self.seed, place.sample, place.dialogue, place.turn, step])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF

    def _address(self, place: Place, identity: str, history: History, want: Want, step: Step) -> Address:
        said = [[message.role, [_shown(part) for part in message.parts]] for message in history]
        prompt = hashlib.sha256(json.dumps([want, self.seed, said]).encode()).hexdigest()
        images = [part for message in history for part in message.parts if isinstance(part, ImageFile)]
        digests = tuple(hashlib.sha256(image.data).hexdigest() for image in images)
        return Address((place.dialogue, place.turn, *step), prompt, digests, identity, place.sample)

    def _record(self, address: Address, reply: Reply, error: ModelError | None) -> Answer:
        row: dict[str, Any] = {"usage": dict(reply.usage)}
        if error is not None:
            row["told"] = error.told
        if error is None and reply.text is not None:
            row["text"] = reply.text
        if error is None and reply.image is not None:
            row |= self.images.keep(reply.image)
        before = self.journal.find(address)
        reason = None if error is None else error.reason
        answer = Answer(1 if before is None else before.asked + 1, json.dumps(row), reason)
        self.journal.add(address, answer)
        self._new.add(address)
        return answer


def _told(error: BaseException) -> str:
    """What an error is and says."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # one that cannot even be told
        return name


def _shown(part: str | ImageFile) -> Any:
    """A part of a message without its image's content, which has a digest of its own."""
    return part if isinstance(part, str) else {"image": None if part.as_sent is None else part.as_sent[:64]}
