# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a task of lm-eval or lmms-eval names in its YAML: how a document and its reply are scored, and all together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any, TypeVar, get_args

from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.formats.common.answer_keys import read_key
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.lmms_eval import Reply, read_reply
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.integrations.record_scores import answer_scores, score_records
from imug_metrics.integrations.samples import sample_record
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.files import Problems
from imug_metrics.suite import Given
from imug_metrics.suite.answers import with_key, with_word_key

NAMES = tuple(
    f"answer_accuracy{end}"
    for end in ("", "_lower", "_upper", "_slope", "_slope_lower", "_slope_upper", "_coverage", "_n")
)
"""What the tasks that are installed report: accuracy, its change per turn, both with their 95 % intervals."""

Doc = Mapping[str, Any]
Field = str | Callable[[Doc], Any]
Docs = TypeVar("Docs", bound=Iterable[Doc])

_OPTIONAL = ("options", "modality")
_GROUPS = tuple(name for name in GROUPS if name != "question")  # in a document that is what is asked


class TaskScores:
    """Scores of a task, for harnesses that ask for a value of each document, and for one number of all values a name.

    A document is one turn of one dialogue. Its value is plain JSON with what a record needs, so that the log of samples
    holds all that a score is made of. The value of the first name alone holds the answer's own `score`: harnesses make
    a standard error of what bears that name, which beside a slope or a bound would say nothing.

    The names of a task share one update of the metrics.

    Args:
        names: of the scores, the primary one first; exactly those of the task's `metric_list`.
        dialogue, turn, prompt, key: fields of a document that hold these, or functions of it. Turns count from 1; None
            where no document has a key.
        options: letters, texts, or texts by letter; where a document has none, those that its prompt lists.
        modality: "text" or "image"; where a document has neither this nor a key, a reply that can hold images says that
            one was to be drawn.
        kind: of answers, see `AnswerAccuracy`.
        metrics: as `ImugSuite` takes them; None: `AnswerAccuracy(kind, detail=True)`.
        encoder: as `ImugSuite` takes it; metrics of images need one.
        images: the folder in which the model leaves its images; no path in a reply is followed out of it.

    Example:
        >>> scores = TaskScores(("answer_accuracy", "answer_accuracy_n"), dialogue="session", key="gold")
        >>> doc = {"session": "a", "turn": 1, "question": "Which? A. red B. blue", "gold": "B"}
        >>> values = [scores.process_results(doc, ["It is blue."])]
        >>> values[0]["answer_accuracy_n"]["text"], values[0]["answer_accuracy"]["score"]
        ('It is blue.', 1.0)
        >>> scores.aggregation("answer_accuracy_n")([value["answer_accuracy_n"] for value in values])
        1.0
    """

    def __init__(
        self,
        names: Sequence[str] = NAMES,
        *,
        dialogue: Field = "dialogue",
        turn: Field = "turn",
        prompt: Field = "question",
        key: Field | None = "answer",
        options: Field = "options",
        modality: Field = "modality",
        kind: Kind = "choice",
        metrics: Given | None = None,
        encoder: Any = None,
        images: Path | str = ".",
    ) -> None:
        self.names, self.encoder = tuple(names), encoder
        self.fields: dict[str, Field | None] = {
            **{"dialogue": dialogue, "turn": turn, "prompt": prompt, "key": key},
            **{"options": options, "modality": modality},
        }
        self.kind: Kind = kind
        self.metrics = [AnswerAccuracy(kind, detail=True)] if metrics is None else metrics
        self.images = ImageSources(Path(images))
        self._digest = b""
        self._scores: dict[str, float] = {}

    def __deepcopy__(self, memo: Any) -> TaskScores:
        """Itself: harnesses copy what a task names, and neither encoder nor what was computed is to be there twice."""
        return self

    def check_docs(self, docs: Docs) -> Docs:
        """The documents as they are (`process_docs` of a task), looked through before the model runs.

        Raises:
            ArgumentError: if one does not say its dialogue and turn, its key names none of its options or, where keys
                are numbers, holds none, or a turn is there twice.
        """
        seen = set[tuple[str, int]]()
        for number, doc in enumerate(docs):
            for record in self.records(self.value(doc, ())):
                if (record.dialogue, record.turn) in seen:
                    raise ArgumentError(
                        ("dialogue", "turn"),
                        f"document {number} is turn {record.turn} of dialogue {record.dialogue!r}, and so is one "
                        "before it: a document is one turn; name the fields that hold its place",
                    )
                seen.add((record.dialogue, record.turn))
                if record.target is not None:
                    self._check_key(record, number)
        return docs

    def process_results(self, doc: Doc, results: Any) -> dict[str, dict[str, Any]]:
        """The value of a document by name: what is scored, for the log and for `aggregation`.

        Args:
            doc: the document.
            results: the reply to it, in a list.

        Raises:
            ArgumentError: if there are several replies, or the document is not as it should be.
        """
        value = self.value(doc, _replies(results))
        values = {name: dict(value) for name in self.names}
        score = self._score(value)
        if score is not None:
            values[self.names[0]]["score"] = score
        return values

    def process_likelihoods(self, doc: Doc, results: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """As `process_results`, of `output_type: multiple_choice` of lm-eval: the likeliest option is the answer.

        Args:
            doc: the document, whose options are in the order of `doc_to_choice`.
            results: log-likelihood, and whether it is the greedy answer, of each option.

        Example:
            >>> doc = {"dialogue": "a", "turn": 1, "question": "Which?", "answer": "B", "options": ["red", "blue"]}
            >>> TaskScores().process_likelihoods(doc, [(-2.5, False), (-0.5, True)])["answer_accuracy"]["text"]
            'B'
        """
        best = max(range(len(results)), key=lambda number: results[number][0])
        return self.process_results(doc, [ascii_uppercase[best]])

    def aggregation(self, name: str) -> Callable[[Sequence[Mapping[str, Any]]], float]:
        """The function from all values of a name to that score; NaN where nothing could be scored.

        Raises:
            ArgumentError: if `names` does not hold it.
        """
        if name not in self.names:
            raise ArgumentError("name", f"expected one of {', '.join(self.names)}, got {name!r}")

        def aggregate(values: Sequence[Mapping[str, Any]]) -> float:
            scores = self.compute(values)
            if scores and name not in scores:
                raise ArgumentError("name", f"expected one of {', '.join(scores)}, got {name!r}")
            return scores.get(name, math.nan)

        return aggregate

    def compute(self, values: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """All scores by name; computed once for values that say the same."""
        said = [{name: part for name, part in value.items() if name != "score"} for value in values]
        digest = hashlib.blake2b(json.dumps(said, sort_keys=True, default=str).encode()).digest()
        if digest != self._digest:
            records = [record for value in said for record in self.records(value)]
            self._scores = score_records(records, self.metrics, encoder=self.encoder)
            self._digest = digest
        return self._scores

    def value(self, doc: Doc, replies: Sequence[Reply]) -> dict[str, Any]:
        """What is scored of a document, as plain JSON; without replies all but those.

        Raises:
            ArgumentError: if there are several replies, or the document is not as it should be.
        """
        if len(replies) > 1:
            cure = "let a filter take one (`take_first`), or leave `repeats` at 1: repeats of a question are no turns"
            raise ArgumentError("results", f"expected one reply to a document, got {len(replies)}: {cure}")
        return self.turn_value(doc, replies[0] if replies else Reply())

    def turn_value(self, doc: Doc, reply: Reply) -> dict[str, Any]:
        """What is scored of one turn, as plain JSON."""
        found = {name: field_of(doc, name, field) for name, field in self.fields.items()}
        key, options, modality = (found.pop(name) for name in ("key", "options", "modality"))
        found |= {name: doc[name] for name in _GROUPS if isinstance(doc.get(name), (str, int))}
        if modality == "image" or (modality is None and key is None and reply.interleaved):
            return {**found, "modality": "image", "image": reply.images[-1] if reply.images else None}
        problems = Problems()
        place = Place(Path("document"), None, problems)
        if self.kind == "choice":
            key, options = read_key(key, options, str(found["prompt"]), place, {})
        else:  # words and numbers are compared as they stand, and not with options
            (key, _), options = read_key(key, None, "", place, {}), None
        wrong = [problem.message for problem in problems if problem.level == "error"]
        if wrong:
            raise ArgumentError("key", f"at turn {found['turn']!r} of dialogue {found['dialogue']!r}: {wrong[0]}")
        text = reply.text if (reply.text or "").strip() else None
        return {**found, "modality": "text", "text": text, "target": key, "options": options}

    def records(self, value: Mapping[str, Any]) -> list[Record]:
        """The records that a value speaks of: one, or that of each of its turns."""
        return [self._record(turn) for turn in value.get("turns", [value])]

    def _check_key(self, record: Record, number: int) -> None:
        """Refuse a key that the kind cannot use: the metrics would leave its turn out."""
        if self.kind == "choice" and not with_key([record], "strict"):
            told, cure = "names no option", "keys that are words or numbers want another `kind`, as in"
        elif self.kind == "numeric" and not any(with_word_key([record], decimal) for decimal in get_args(Decimal)):
            told, cure = "holds no number", "keys that are words want another `kind`, as in"
        else:
            return
        raise ArgumentError("key", f"{record.target!r} of document {number} {told}: {cure} TaskScores(kind='exact')")

    def _record(self, turn: Mapping[str, Any]) -> Record:
        image = turn.get("image")
        if image is not None:
            image = self.images.find(image, Place(Path("reply"), None, Problems()), "images")  # None: counts as absent
        return sample_record({**turn, "image": image}, where="what the task writes of a document")

    def _score(self, value: Mapping[str, Any]) -> float | None:
        """Of an answer that has a key, where answers are what is scored."""
        if self.names[0] != AnswerAccuracy.name or value.get("target") is None:
            return None
        try:
            [score] = answer_scores(self.records(value), self.kind)
        except InputError:  # a key that names nothing: the metrics leave such turns out as well
            return None
        return None if math.isnan(score) else score


def field_of(doc: Doc, name: str, field: Field | None) -> Any:
    """What a field of a document holds, or a function makes of it; `options` and `modality` need not be there.

    Args:
        doc: the document.
        name: the argument of `TaskScores` that names the field.
        field: the field, or the function; None: there is none.

    Raises:
        ArgumentError: if the document has no such field.

    Example:
        >>> field_of({"session": 7}, "dialogue", "session"), field_of({"n": 0}, "turn", lambda doc: doc["n"] + 1)
        (7, 1)
    """
    if not isinstance(field, str):
        return None if field is None else field(doc)
    if field in doc or (name in _OPTIONAL and field == name):
        return doc.get(field)
    fields = ", ".join(map(str, doc))
    cure = f"name the right one in the task's `utils.py`, as in TaskScores({name}='...')"
    raise ArgumentError(name, f"expected {field!r} among the fields of a document, which are {fields}: {cure}")


def _replies(results: Any) -> list[Reply]:
    """The replies in what a harness hands over, which nests them in lists."""
    while len(results) == 1 and isinstance(results[0], (list, tuple)):
        results = results[0]
    place = Place(Path("reply"), None, Problems())
    return [read_reply(reply, place) for reply in results]
