# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the small files of chats: each form of each format, all of the same dialogues."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from imug_metrics import Record
from imug_metrics.dialogues.record import by_dialogue
from imug_metrics.formats import write_records
from tests.formats.dialogues import MODEL, source_records

Row = dict[str, Any]


def _said(record: Record, **more: Any) -> Row:
    """What the user's message holds beside its content, the model's name and groups apart."""
    known = {"target": record.target, "options": record.options}
    there = {name: value for name, value in known.items() if value is not None}
    return {"modality": record.modality, "scores": dict(record.scores), **there, **more}


def _line(dialogue: list[Record], messages: Iterable[Row], **more: Any) -> Row:
    return {"id": dialogue[0].dialogue, "model": MODEL, **dialogue[0].groups, **more, "messages": list(messages)}


def _file(record: Record, folder: Path) -> str:
    """The name of a record's image, which is written into the folder."""
    number = [found.dialogue for found in source_records()].index(record.dialogue)
    name = f"images/{number}_{record.turn}.png"
    (folder / "images").mkdir(exist_ok=True)
    assert isinstance(record.image, bytes)
    (folder / name).write_bytes(record.image)
    return name


def _data_url(record: Record) -> str:
    assert isinstance(record.image, bytes)
    return "data:image/png;base64," + base64.b64encode(record.image).decode()


def _lines(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _chat(folder: Path, answer: Callable[[Record], Row | list[Row]], name: str = "chat.jsonl", **more: Any) -> Path:
    """Chat JSON lines whose answers are written in some way."""

    def messages(dialogue: list[Record]) -> Iterable[Row]:
        yield {"role": "system", "content": "You draw and answer."}
        for record in dialogue:
            yield {"role": "user", "content": record.prompt, **_said(record)}
            found = answer(record)
            yield from found if isinstance(found, list) else [found]

    return _lines(folder / name, (_line(found, messages(found), **more) for found in by_dialogue(source_records())))


def openai_data_urls(folder: Path) -> Path:
    def answer(record: Record) -> Row:
        shown = [{"type": "image_url", "image_url": {"url": _data_url(record)}}] if record.image else record.text
        return {"role": "assistant", "content": shown}

    return _chat(folder, answer)


def openai_files(folder: Path) -> Path:
    def answer(record: Record) -> Row:
        if record.image is None:
            return {"role": "assistant", "content": [{"type": "text", "text": record.text}]}
        return {"role": "assistant", "content": [{"type": "image_url", "image_url": _file(record, folder)}]}

    return _chat(folder, answer)


def openai_tools(folder: Path) -> Path:
    """Images come from a tool that the model calls."""

    def answer(record: Record) -> Row | list[Row]:
        if record.image is None:
            return {"role": "assistant", "content": record.text}
        called = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "draw"}}]}
        shown = [{"type": "text", "text": "done"}, {"type": "image_url", "image_url": {"url": _data_url(record)}}]
        return [called, {"role": "tool", "tool_call_id": "1", "content": shown}]

    return _chat(folder, answer)


def openai_message_images(folder: Path) -> Path:
    """Images stand beside the content, as some servers give them."""

    def answer(record: Record) -> Row:
        images = [{"type": "image_url", "image_url": {"url": _data_url(record)}}] if record.image else []
        return {"role": "assistant", "content": record.text, **({"images": images} if images else {})}

    return _chat(folder, answer)


def openai_responses(folder: Path) -> Path:
    """Items of responses: texts as `output_text`, images as what a call of the image tool gave."""

    def rows() -> Iterable[Row]:
        for dialogue in by_dialogue(source_records()):
            items: list[Row] = []
            for record in dialogue:
                items.append(
                    {"role": "user", "content": [{"type": "input_text", "text": record.prompt}], **_said(record)}
                )
                if record.image is None:
                    content = [{"type": "output_text", "text": record.text}]
                    items += [{"type": "reasoning", "summary": []}, {"role": "assistant", "content": content}]
                else:
                    items.append({"type": "image_generation_call", "result": _data_url(record).partition(",")[2]})
            row = _line(dialogue, [])
            del row["messages"]
            yield {**row, "input": items[:1], "output": items[1:]}

    return _lines(folder / "responses.jsonl", rows())


def openai_own(folder: Path) -> Path:
    """What `write_records` writes."""
    return write_records({MODEL: source_records()}, folder / "own.jsonl")


def sharegpt_array(folder: Path) -> Path:
    """LLaVA: one array, with `<image>` for each of the line's images; what is known of turns is in lists."""
    rows = [_conversation(dialogue, folder) for dialogue in by_dialogue(source_records())]
    path = folder / "llava.json"
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def sharegpt_lines(folder: Path) -> Path:
    return _lines(folder / "sharegpt.jsonl", (_conversation(found, folder) for found in by_dialogue(source_records())))


def _conversation(dialogue: list[Record], folder: Path) -> Row:
    said = []
    for record in dialogue:
        answer = "<image>" if record.image else record.text
        said += [{"from": "human", "value": record.prompt}, {"from": "gpt", "value": answer}]
    row = _line(dialogue, said, images=[_file(record, folder) for record in dialogue if record.image])
    return {
        **{name: value for name, value in row.items() if name != "messages"},
        "conversations": row["messages"],
        "target": [record.target for record in dialogue],
        "options": [record.options for record in dialogue],
        "scores": {name: [record.scores[name] for record in dialogue] for name in ("clip", "judge")},
    }


def messages_qwen(folder: Path) -> Path:
    """Parts of type `image` with a path or a file: URL."""

    def answer(record: Record) -> Row:
        if record.image is None:
            return {"role": "assistant", "content": [{"type": "text", "text": record.text}]}
        file = _file(record, folder)
        named = file if record.turn > 1 else (folder.resolve() / file).as_uri()
        return {"role": "assistant", "content": [{"type": "image", "image": named}]}

    return _chat(folder, answer, "qwen.jsonl")


def messages_with_images(folder: Path) -> Path:
    """As trainers take them: `images` beside messages whose parts say only where each belongs."""

    def rows() -> Iterable[Row]:
        for dialogue in by_dialogue(source_records()):
            said: list[Row] = []
            for record in dialogue:
                asked = [{"type": "text", "text": record.prompt}]
                shown = [{"type": "image"}] if record.image else [{"type": "text", "text": record.text}]
                said += [
                    {"role": "user", "content": asked, **_said(record)},
                    {"role": "assistant", "content": shown},
                ]
            images = [{"bytes": None, "path": _file(record, folder)} for record in dialogue if record.image]
            yield _line(dialogue, said, images=images)

    return _lines(folder / "trainer.jsonl", rows())


def messages_completions(folder: Path) -> Path:
    """As trainers take them: the last answer apart from what came before it."""

    def rows() -> Iterable[Row]:
        for dialogue in by_dialogue(source_records()):
            said: list[Row] = []
            for record in dialogue:
                shown = [{"type": "image", "image": _file(record, folder)}] if record.image else record.text
                said += [{"role": "user", "content": record.prompt, **_said(record)}]
                said += [{"role": "assistant", "content": shown}]
            row = _line(dialogue, [])
            del row["messages"]
            yield {**row, "prompt": said[:-1], "completion": said[-1:]}

    return _lines(folder / "completions.jsonl", rows())


def messages_queries(folder: Path) -> Path:
    """`query`, `response` and `history`, with `<image>` for each of the line's images."""

    def rows() -> Iterable[Row]:
        for dialogue in by_dialogue(source_records()):
            row = _conversation(dialogue, folder)
            del row["conversations"]
            pairs = [[record.prompt, "<image>" if record.image else record.text] for record in dialogue]
            yield {**row, "query": pairs[-1][0], "response": pairs[-1][1], "history": pairs[:-1]}

    return _lines(folder / "queries.jsonl", rows())


def openai_over_lines(folder: Path) -> Path:
    """Objects over several lines, one after the other."""
    path = openai_data_urls(folder)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(json.dumps(row, indent=2) for row in rows), encoding="utf-8")
    return path


def webdataset_plain(folder: Path) -> Path:
    """Images named by the messages."""
    return _shard(folder / "shard-000.tar", "w", named=True)


def webdataset_packed(folder: Path) -> Path:
    """Images in the order of their members, packed with gzip."""
    return _shard(folder / "shard-001.tar.gz", "w:gz", named=False)


def _shard(path: Path, mode: Any, *, named: bool) -> Path:
    with tarfile.open(path, mode) as archive:
        for number, dialogue in enumerate(by_dialogue(source_records())):
            images = [record for record in dialogue if record.image]
            said: list[Row] = []
            for record in dialogue:
                shown: Any = record.text
                if record.image:
                    place = images.index(record)
                    shown = [{"type": "image", "image": f"{number:03}.{place}.png"}] if named else "<image>"
                said += [{"role": "user", "content": record.prompt, **_said(record)}]
                said += [{"role": "assistant", "content": shown}]
            add_member(archive, f"data/{number:03}.json", json.dumps(_line(dialogue, said)).encode())
            for place, record in enumerate(images):
                assert isinstance(record.image, bytes)
                add_member(archive, f"data/{number:03}.{place}.png", record.image)
    return path


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put a file into an archive."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


CHAT_FILES: dict[str, Callable[[Path], Path]] = {
    "openai.data-urls": openai_data_urls,
    "openai.files": openai_files,
    "openai.tools": openai_tools,
    "openai.message-images": openai_message_images,
    "openai.responses": openai_responses,
    "openai.own": openai_own,
    "sharegpt.array": sharegpt_array,
    "sharegpt.lines": sharegpt_lines,
    "messages.qwen": messages_qwen,
    "messages.with-images": messages_with_images,
    "messages.completions": messages_completions,
    "messages.queries": messages_queries,
    "openai.over-lines": openai_over_lines,
    "webdataset.plain": webdataset_plain,
    "webdataset.packed": webdataset_packed,
}
"""Makes a file in a folder; what stands before the point of its name is the format's."""
