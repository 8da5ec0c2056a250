# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the small files of tables and logs: each form of each format, all of the same dialogues."""

from __future__ import annotations

import base64
import csv
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imug_metrics import Record
from imug_metrics.dialogues.record import by_dialogue
from tests.formats.dialogues import MODEL, source_records

Row = dict[str, Any]


def image_file(number: int, record: Record, folder: Path) -> str | None:
    """The name of a record's image, which is written into the folder."""
    if record.image is None:
        return None
    assert isinstance(record.image, bytes)
    name = f"drawn_{number}.png"
    (folder / name).write_bytes(record.image)
    return name


def data_url(record: Record) -> str:
    assert isinstance(record.image, bytes)
    return "data:image/png;base64," + base64.b64encode(record.image).decode()


def flat_rows(folder: Path) -> list[Row]:
    """One row a turn, under usual names; options as an object, images as files."""
    return [
        {
            **{"dialogue_id": record.dialogue, "Turn": record.turn, "modality": record.modality, "model": MODEL},
            **{"question": record.prompt, "prediction": record.text, "generated_image": image_file(n, record, folder)},
            **{"answer": record.target, "options": None if record.options is None else dict(record.options)},
            **record.groups,
            **{f"score.{name}": score for name, score in record.scores.items()},
        }
        for n, record in enumerate(source_records())
    ]


def written_options(rows: Iterable[Row]) -> list[Row]:
    """Rows whose options are text, for files whose cells are."""
    return [{**row, "options": row["options"] and json.dumps(row["options"], ensure_ascii=False)} for row in rows]


def write_csv(path: Path, rows: list[Row], separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_workbook(path: Path, rows: list[Row]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append([*rows[0]])
    for row in rows:
        book.active.append([*row.values()])
    book.save(path)
    return path


def table_commas(folder: Path) -> Path:
    return write_csv(folder / "mine.csv", written_options(flat_rows(folder)))


def table_semicolons(folder: Path) -> Path:
    """As spreadsheets of many countries write it: semicolons and a byte order mark."""
    return write_csv(folder / "mine.csv", written_options(flat_rows(folder)), ";", "utf-8-sig")


def table_tabs(folder: Path) -> Path:
    return write_csv(folder / "mine.tsv", written_options(flat_rows(folder)), "\t")


def table_pandas(folder: Path) -> Path:
    """With the index that pandas writes, and `sample_id` beside the names of its domain."""
    rows = written_options(flat_rows(folder))
    for row in rows:
        row["sample_id"] = row.pop("dialogue_id").rpartition("/")[2]
    pd.DataFrame(rows).to_csv(folder / "frame.csv")
    return folder / "frame.csv"


def table_lines(folder: Path) -> Path:
    """JSON lines that hold only what there is."""
    rows = ({name: value for name, value in row.items() if value is not None} for row in flat_rows(folder))
    return write_lines(folder / "mine.jsonl", rows)


def table_array(folder: Path) -> Path:
    """One JSON array, with options as a list, images as data: URLs and scores as an object."""
    rows = []
    for record in source_records():
        shown = {"image": {"url": data_url(record)}} if record.image else {"response": record.text}
        key = {"target": record.target, "choices": [*record.options.values()]} if record.options else {}
        place = {"conversation_id": record.dialogue, "round": record.turn, "prompt": record.prompt}
        rows.append({**place, **shown, **key, **record.groups, "scores": dict(record.scores)})
    (folder / "mine.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return folder / "mine.json"


def table_workbook(folder: Path) -> Path:
    return write_workbook(folder / "mine.xlsx", written_options(flat_rows(folder)))


def parquet_pandas(folder: Path) -> Path:
    pd.DataFrame(written_options(flat_rows(folder))).to_parquet(folder / "mine.parquet")
    return folder / "mine.parquet"


def parquet_structs(folder: Path) -> Path:
    """Two files of a folder, with images as structures of bytes and path, and options as a list."""
    rows = flat_rows(folder)
    for row, record in zip(rows, source_records()):
        name = row.pop("generated_image")
        row["image"] = name and {"bytes": record.image, "path": name}
        row["options"] = record.options and [*record.options.values()]
    (folder / "data").mkdir()
    for number, part in enumerate((rows[:4], rows[4:])):
        pq.write_table(pa.Table.from_pylist(part), folder / "data" / f"train-0000{number}-of-00002.parquet")
    return folder


def parquet_messages(folder: Path) -> Path:
    """A conversation a row, its messages a list of structures."""
    pq.write_table(pa.Table.from_pylist(conversations()), folder / "chats.parquet")
    return folder / "chats.parquet"


def conversations() -> list[Row]:
    """A dialogue a row, with what is known of its turns in lists."""
    return [
        {
            **{"dialogue": dialogue[0].dialogue, **dialogue[0].groups},
            "messages": [message for record in dialogue for message in _said(record)],
            "target": [record.target for record in dialogue],
            "options": [record.options and [*record.options.values()] for record in dialogue],
            "scores": {name: [record.scores[name] for record in dialogue] for name in ("clip", "judge")},
        }
        for dialogue in by_dialogue(source_records())
    ]


def _said(record: Record) -> list[Row]:
    image = {"type": "image", "text": None, "image": {"bytes": record.image, "path": None}}
    text = {"type": "text", "text": record.text, "image": None}
    asked = {"type": "text", "text": record.prompt, "image": None}
    return [
        {"role": "user", "content": [asked]},
        {"role": "assistant", "content": [image if record.image else text]},
    ]


def parquet_saved(folder: Path) -> Path:
    """A dataset of two splits as the Hugging Face library saves it to disk: streams of arrow beside their state."""
    rows = written_options(flat_rows(folder))
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for split, part in (("train", rows[:4]), ("test", rows[4:])):
        (folder / split).mkdir()
        table = pa.Table.from_pylist(part)
        path = str(folder / split / "data-00000-of-00001.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": split}
        (folder / split / "state.json").write_text(json.dumps(state))
        (folder / split / "dataset_info.json").write_text('{"features": {}}')
    return folder


def lmms_samples(folder: Path) -> Path:
    """Samples of lmms-eval: no `doc`, so the task has written dialogue and turn into a metric's value."""
    return write_lines(folder / "20260102_030405_samples_imug.jsonl", map(lmms_sample, range(9), [folder] * 9))


def lmms_sample(number: int, folder: Path) -> Row:
    record = source_records()[number]
    images = [image_file(number, record, folder)] if record.image else []
    reply = json.dumps({"text": "", "images": images}) if images else record.text
    found = {"dialogue": record.dialogue, "turn": record.turn, "options": record.options, **record.groups}
    return {
        **{"doc_id": number, "target": str(record.target or ""), "filtered_resps": reply, "doc_hash": "0" * 64},
        **{"token_counts": [None], "input": record.prompt, "input_media": []},
        "clip": {**found, "score": record.scores["clip"]},
        "judge": {**found, "score": record.scores["judge"]},
    }


def lm_eval_samples(folder: Path) -> Path:
    """Samples of lm-evaluation-harness, whose `doc` holds the question's fields, with the rows of a second filter."""
    rows = []
    for number, record in enumerate(source_records()):
        doc = {"conversation_id": record.dialogue, "turn": record.turn, "choices": record.options, **record.groups}
        images = [image_file(number, record, folder)] if record.image else []
        reply = json.dumps({"text": "", "images": images}) if images else record.text
        arguments = {"gen_args_0": {"arg_0": record.prompt, "arg_1": {"until": []}}}
        rows.append(
            {
                **{"doc_id": number, "doc": doc, "target": str(record.target), "arguments": arguments},
                **{
                    "resps": [[reply]],
                    "filtered_resps": ["[invalid]"],
                    "filter": "strict",
                    "metrics": ["clip", "judge"],
                },
                **{"doc_hash": "0", "prompt_hash": "0", "target_hash": "0", **record.scores},
            }
        )
    return write_lines(folder / "samples_imug_2026-01-02T03-04-05.jsonl", rows)


def inspect_turns(folder: Path) -> Path:
    """An archive whose samples are single turns, which their metadata name; images are attachments."""
    return write_archive(folder / "turns.eval", [_sample_of_turn(*each) for each in enumerate(source_records(), 1)])


def _sample_of_turn(number: int, record: Record) -> Row:
    shown = [{"type": "image", "image": "attachment://0123"}] if record.image else record.text
    return {
        **{"id": f"{number}", "epoch": 1, "input": record.prompt, "target": record.target or ""},
        "choices": [*record.options.values()] if record.options else None,
        "messages": [
            {"role": "system", "content": "You draw and answer."},
            {"role": "user", "content": record.prompt, "source": "input"},
            {"role": "assistant", "content": shown, "model": MODEL},
        ],
        "metadata": {"dialogue": record.dialogue, "turn": record.turn, "modality": record.modality, **record.groups},
        "scores": {name: {"value": score, "answer": record.text} for name, score in record.scores.items()},
        "attachments": {"0123": data_url(record)} if record.image else {},
    }


def inspect_dialogues(folder: Path) -> Path:
    """A log in JSON whose samples are whole dialogues; what is known of a turn is in its message's metadata."""
    samples = [_sample_of_dialogue(dialogue) for dialogue in by_dialogue(source_records())]
    path = folder / "dialogues.json"
    path.write_text(json.dumps({**log_header(), "samples": samples}, indent=2, ensure_ascii=False), encoding="utf-8")
    return path


def _sample_of_dialogue(dialogue: list[Record]) -> Row:
    messages: list[Row] = []
    for record in dialogue:
        known = {"target": record.target, "options": record.options, "scores": dict(record.scores)}
        shown: Any = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": record.text}]
        if record.image:
            shown = [{"type": "image", "image": data_url(record), "detail": "auto"}]
        messages += [
            {"role": "user", "content": [{"type": "text", "text": record.prompt}], "metadata": known},
            {"role": "assistant", "content": shown},
        ]
    last = dialogue[-1]
    return {
        **{"id": last.dialogue, "epoch": 1, "input": messages[:1], "target": last.target or "", "messages": messages},
        **{"metadata": dict(last.groups), "scores": {}, "attachments": {}},
    }


def inspect_zstandard(folder: Path) -> Path:
    """An archive packed as Inspect packs it today."""
    samples = [_sample_of_dialogue(dialogue) for dialogue in by_dialogue(source_records())]
    return write_archive(folder / "today.eval", samples, zstandard=True)


def log_header() -> Row:
    return {"version": 2, "status": "success", "eval": {"task": "imug", "model": MODEL}, "plan": {"name": "plan"}}


def write_archive(path: Path, samples: list[Row], *, zstandard: bool = False) -> Path:
    """Write a log as an archive."""
    members = {
        "_journal/start.json": {**log_header()},
        **{f"samples/{sample['id']}_epoch_{sample['epoch']}.json": sample for sample in samples},
        "summaries.json": [],
        "header.json": log_header(),
    }
    packed = {name: json.dumps(value, ensure_ascii=False).encode() for name, value in members.items()}
    if zstandard:
        path.write_bytes(zstandard_archive(packed))
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in packed.items():
            archive.writestr(name, content)
    return path


def zstandard_archive(members: dict[str, bytes]) -> bytes:
    """A zip archive by Zstandard, which Python's module writes from 3.14 on."""
    out, directory = io.BytesIO(), b""
    for name, content in members.items():
        packed = pa.compress(content, codec="zstd", asbytes=True)
        raw = name.encode()
        common = struct.pack(
            "<5H3I2H", 63, 0x800, 93, 0, 33, zlib.crc32(content), len(packed), len(content), len(raw), 0
        )
        directory += b"PK\x01\x02" + struct.pack("<H", 63) + common
        directory += struct.pack("<3H2I", 0, 0, 0, 0, out.tell()) + raw
        out.write(b"PK\x03\x04" + common + raw + packed)
    begin = out.tell()
    out.write(directory + b"PK\x05\x06")
    out.write(struct.pack("<4H2IH", 0, 0, len(members), len(members), len(directory), begin, 0))
    return out.getvalue()


def evalscope_turns(folder: Path) -> Path:
    """Reviews of single turns, with the history that the model was shown and thoughts before its answer."""
    rows = []
    for number, record in enumerate(source_records()):
        thought = {"type": "reasoning", "reasoning": "hm", "signature": None}
        shown: Row = {"type": "text", "text": record.text, "refusal": None}
        if record.image:
            shown = {"type": "image", "image": data_url(record), "detail": "auto"}
        messages = [_message("user", "Hello."), _message("assistant", "Hello!")] if record.turn > 1 else []
        messages += [_message("user", record.prompt), _message("assistant", [thought, shown])]
        metadata = {"dialogue": record.dialogue, "turn": record.turn, **record.groups}
        rows.append(_review(number, messages, metadata, target=record.target, value=dict(record.scores)))
    path = folder / "reviews" / MODEL / "imug_default.jsonl"
    path.parent.mkdir(parents=True)
    return write_lines(path, rows)


def _review(number: int, messages: list[Row], metadata: Row, *, target: str | None, value: Row) -> Row:
    said = messages[-1]["content"][-1].get("text")
    score = {"value": value, "status": "success", "extracted_prediction": said, "prediction": said, "metadata": {}}
    of_sample = {"sample_id": number, "group_id": number, "generation_index": 0, "sample_metadata": metadata}
    return {
        **{"index": number, "target": [target] if target else None, "messages": messages, "agent_trace": None},
        "sample_score": {"score": score, **of_sample},
    }


def _message(role: str, content: Any) -> Row:
    return {"id": "0", "content": content, "source": None, "metadata": None, "perf_metrics": None, "role": role}


def deepeval_turns(folder: Path) -> Path:
    """A test run of DeepEval whose cases are turns; images stand beside the text that names them."""
    cases = []
    for number, record in enumerate(source_records()):
        image = {"dataBase64": data_url(record).partition(",")[2], "mimeType": "image/png"} if record.image else None
        cases.append(
            {
                **{"name": f"test_case_{number}", "input": record.prompt, "expectedOutput": record.target},
                **{"actualOutput": f"[DEEPEVAL:IMAGE:{number:032x}]" if image else record.text, "success": True},
                "metricsData": [{"name": name, "score": score} for name, score in record.scores.items()],
                "metadata": {"dialogue": record.dialogue, "turn": record.turn, **record.groups},
                "imagesMapping": {f"{number:032x}": image} if image else {},
            }
        )
    run = {"testCases": cases, "conversationalTestCases": [], "metricsScores": []}
    path = folder / "test_run_20260102_030405.json"
    path.write_text(json.dumps(run, ensure_ascii=False), encoding="utf-8")
    return path


def vlmevalkit_rows() -> list[Row]:
    """Options in columns of their own, and images in base64."""
    rows = []
    for number, record in enumerate(source_records()):
        texts = dict(record.options) if record.options else {}
        image = data_url(record).partition(",")[2] if record.image else None
        rows.append(
            {
                **{"index": number, "dialogue": record.dialogue, "turn": record.turn, "modality": record.modality},
                **{"question": record.prompt, **{letter: texts.get(letter) for letter in "ABC"}},
                **{"answer": record.target, **record.groups, "image": image, "prediction": record.text},
                **{f"score.{name}": score for name, score in record.scores.items()},
            }
        )
    return rows


def vlmevalkit_tabs(folder: Path) -> Path:
    pd.DataFrame(vlmevalkit_rows()).to_csv(folder / "model_imug.tsv", sep="\t", index=False)
    return folder / "model_imug.tsv"


def vlmevalkit_workbook(folder: Path) -> Path:
    pd.DataFrame(vlmevalkit_rows()).to_excel(folder / "model_imug.xlsx", index=False, engine="openpyxl")
    return folder / "model_imug.xlsx"


TABLE_FILES: dict[str, Callable[[Path], Path]] = {
    "table.commas": table_commas,
    "table.semicolons": table_semicolons,
    "table.tabs": table_tabs,
    "table.pandas": table_pandas,
    "table.lines": table_lines,
    "table.array": table_array,
    "table.workbook": table_workbook,
    "parquet.pandas": parquet_pandas,
    "parquet.structs": parquet_structs,
    "parquet.messages": parquet_messages,
    "parquet.saved": parquet_saved,
    "lmms-eval.lmms": lmms_samples,
    "lmms-eval.lm": lm_eval_samples,
    "inspect.turns": inspect_turns,
    "inspect.dialogues": inspect_dialogues,
    "inspect.zstandard": inspect_zstandard,
    "evalscope.turns": evalscope_turns,
    "deepeval.turns": deepeval_turns,
    "vlmevalkit.tabs": vlmevalkit_tabs,
    "vlmevalkit.workbook": vlmevalkit_workbook,
}
"""Makes a file in a folder; what stands before the point of its name is the format's."""
