# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet and arrow files: types as writers choose them, folders and splits, and files that are damaged."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imug_metrics import read_records
from imug_metrics.errors import ArgumentError
from tests.formats.dialogues import source_records
from tests.formats.table_files import TABLE_FILES, flat_rows, written_options

ROW: dict[str, Any] = {"dialogue": "a", "turn": 1, "score": 0.5}


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (0.5, 0.5),
        (1, 1.0),
        (True, 1.0),
        (decimal.Decimal("0.25"), 0.25),
        ("0.75", 0.75),
        (math.nan, math.nan),
        (None, "told"),
        (math.inf, "told"),
        (b"0.5", "told"),
        (datetime.date(2026, 1, 1), "told"),
        ([0.5], "told"),
    ],
)
def test_scores_of_every_type_are_read_or_told(tmp_path, value, score) -> None:
    rows = [{**ROW, "score": value}, {**ROW, "turn": 2, "score": value}]
    found = read_records(write(tmp_path / "a.parquet", rows))
    for record in found["a"]:
        assert record.scores == pytest.approx({"score": math.nan if score == "told" else score}, nan_ok=True)
    told = [(1, "score"), (2, "score")] if score == "told" else []
    assert [(problem.line, problem.field) for problem in found.problems] == told


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint64(), pa.float32(), pa.string(), pa.dictionary(pa.int8(), pa.string())]
)
def test_turns_of_every_type_are_read(tmp_path, kind) -> None:
    table = pa.table({"dialogue": ["a", "a"], "turn": pa.array(["1", "2"]).cast(kind), "score": [0.0, 1.0]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert [record.turn for record in read_records(tmp_path / "a.parquet")["a"]] == [1, 2]


def test_classes_are_read_by_the_names_that_the_dataset_gives_them(tmp_path) -> None:
    features = {
        "label": {"names": ["red", "blue"], "_type": "ClassLabel"},
        "turn": {"dtype": "int64", "_type": "Value"},
    }
    schema = pa.schema(
        [("dialogue", pa.string()), ("turn", pa.int64()), ("response", pa.string()), ("label", pa.int64())],
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    rows = [{"dialogue": "a", "turn": 1, "response": "blue", "label": 1}]
    [record] = read_records(write(tmp_path / "a.parquet", rows, schema))["a"]
    assert record.target == "blue"


def test_images_may_be_bytes_structures_or_paths(tmp_path) -> None:
    (tmp_path / "c.png").write_bytes(b"third")
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = [
        {"bytes": b"first", "path": None},
        {"bytes": b"second", "path": "gone.png"},
        {"bytes": None, "path": "c.png"},
    ]
    table = pa.table({"dialogue": ["a"] * 3, "turn": [1, 2, 3], "image": pa.array(images, kind)})
    pq.write_table(table, tmp_path / "a.parquet")
    first, second, third = (record.image for record in read_records(tmp_path / "a.parquet")["a"])
    assert (first, second) == (b"first", b"second")
    assert isinstance(third, Path)
    assert third.read_bytes() == b"third"


def test_no_path_leads_out_of_the_folder(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.png").write_bytes(b"secret")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "out.png")
    rows = [{"dialogue": "a", "turn": n, "image": path} for n, path in enumerate(("../out.png", "link.png"), 1)]
    found = read_records(write(tmp_path / "in" / "a.parquet", rows))
    assert [record.image for record in found["a"]] == [None, None]
    assert [problem.line for problem in found.problems] == [1, 2]


def test_rows_of_many_files_are_told_by_file_and_row(tmp_path) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.parquet", [{"dialogue": name, "turn": turn, "score": turn} for turn in (1, -1)])
    found = read_records(tmp_path)
    assert [record.dialogue for record in found[tmp_path.name[:50]]] == ["a", "b"]
    assert [(Path(problem.file).name, problem.line) for problem in found.problems] == [
        ("a.parquet", 2),
        ("b.parquet", 2),
    ]


def test_the_order_of_a_saved_dataset_is_that_of_its_state_and_what_is_gone_is_told(tmp_path) -> None:
    path = TABLE_FILES["parquet.saved"](tmp_path)
    (path / "dataset_dict.json").write_text('{"splits": ["test", "train", "validation"]}')
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}, {"filename": "../../other.arrow"}]}
    (path / "train" / "state.json").write_text(json.dumps(state))
    found = read_records(path)
    [records] = found.values()
    assert [record.turn for record in records] == [
        record.turn for record in (*source_records()[4:], *source_records()[:4])
    ]
    assert sorted(Path(problem.file).name for problem in found.problems) == ["other.arrow", "validation"]


def test_arrow_files_of_both_forms_are_read(tmp_path) -> None:
    table = pa.Table.from_pylist([ROW, {**ROW, "turn": 2}])
    for name, writer in (("stream", pa.ipc.new_stream), ("file", pa.ipc.new_file)):
        with pa.OSFile(str(tmp_path / f"{name}.arrow"), "wb") as sink, writer(sink, table.schema) as out:
            out.write_table(table)
        assert len(read_records(tmp_path / f"{name}.arrow")[name]) == 2


def test_the_datasets_library_writes_what_is_read(tmp_path) -> None:
    datasets = pytest.importorskip(
        "datasets", reason="datasets is not installed: its layout is made by pyarrow instead"
    )
    rows = written_options(flat_rows(tmp_path))
    for row in rows:
        name = row.pop("generated_image")
        row["image"] = name and str(tmp_path / name)
    saved = datasets.Dataset.from_list(rows).cast_column("image", datasets.Image())
    saved.save_to_disk(str(tmp_path / "saved"))
    [records] = read_records(tmp_path / "saved").values()
    assert [record.turn for record in records] == [record.turn for record in source_records()]


@pytest.mark.parametrize(("turn", "message"), [(0, "turn 0"), (None, None)])
def test_mistakes_are_those_of_tables(tmp_path, turn, message) -> None:
    path = write(tmp_path / "a.parquet", [ROW, {**ROW, "turn": turn}])
    if message is None:
        assert [problem.line for problem in read_records(path).problems] == [2]
        return
    with pytest.raises(ArgumentError, match=message):
        read_records(path)


def test_columns_are_named_as_in_tables(tmp_path) -> None:
    path = write(tmp_path / "a.parquet", [{"k": "a", "t": 1, "s": 0.5}])
    with pytest.raises(ArgumentError, match="its columns are k, t, s"):
        read_records(path)
    [record] = read_records(path, columns={"dialogue": "k", "turn": "t", "score": "s"})["a"]
    assert record.scores == {"score": 0.5}


def test_missing_pyarrow_is_named_with_its_extra(tmp_path, monkeypatch) -> None:
    path = write(tmp_path / "a.parquet", [ROW])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs pyarrow, .*imug_metrics\[formats\]"):
        read_records(path)


def test_what_pandas_writes_for_missing_cells_is_absent(tmp_path) -> None:
    frame = pd.DataFrame([{**ROW, "reply": "B", "target": None}, {**ROW, "turn": None, "reply": None, "target": "A"}])
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_records(tmp_path / "a.parquet")
    [record] = found["a"]
    assert (record.turn, record.text, record.target) == (1, "B", None)
    assert [problem.field for problem in found.problems] == ["turn"]
