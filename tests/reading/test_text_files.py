# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Texts that others wrote: read as UTF-8 with or without byte order mark, or refused; opened in one place only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics.reading.encodings import marked_encoding
from imug_metrics.reading.files import Problems, read_json, read_jsonl
from imug_metrics.reading.text_files import TextError, TextStream, decode, read_beginning, read_lines, read_text

PACKAGE = Path(imug_metrics.__file__).parent
MARK = b"\xef\xbb\xbf"

TEXTS = {
    "English": '{"model_response": "The answer is B."}',
    "French": '{"model_response": "La réponse est à gauche, près du café."}',
    "Spanish": '{"model_response": "¿Dónde está la niña?"}',
    "German": '{"model_response": "Die Tür ist größer"}',
    "Polish": '{"model_response": "Żółte drzwi są mniejsze"}',
    "Russian": '{"model_response": "Ответ: красная дверь"}',
    "Japanese": '{"model_response": "答えはBです。赤いドア"}',
    "Chinese": '{"model_response": "答案是B，左边的门"}',
    "Taiwan": '{"model_response": "答案是B，左邊的門"}',
    "Korean": '{"model_response": "정답은 B입니다."}',
    "Thai": '{"model_response": "ประตูสีแดง"}',
    "Arabic": '{"model_response": "باب أحمر"}',
    "emoji": '{"model_response": "👩‍🚀 B 🚪"}',
    "line breaks of Unicode": '{"model_response": "a\u2028b\u2029c\x85d"}',
}
WRONG = [
    ("English", "utf-16", "UTF-16"),
    ("English", "utf-16-le", "UTF-16 (little-endian)"),
    ("English", "utf-16-be", "UTF-16 (big-endian)"),
    ("English", "utf-32", "UTF-32"),
    ("English", "utf-32-le", "UTF-32 (little-endian)"),
    ("English", "utf-32-be", "UTF-32 (big-endian)"),
    ("Chinese", "utf-16-le", "UTF-16 (little-endian)"),
    ("Japanese", "utf-16-be", "UTF-16 (big-endian)"),
    ("French", "latin-1", "Windows-1252 (Latin-1)"),
    ("German", "cp1252", "Windows-1252 (Latin-1)"),
    ("Spanish", "iso-8859-15", "Windows-1252 (Latin-1)"),
    ("Spanish", "mac-roman", "Mac Roman"),
    ("German", "cp850", "code page 850"),
    ("Polish", "cp1250", "Windows-1250"),
    ("Russian", "cp1251", "Windows-1251"),
    ("Russian", "koi8-r", "KOI8-R"),
    ("Japanese", "shift-jis", "Shift-JIS"),
    ("Japanese", "euc-jp", "EUC-JP"),
    ("Japanese", "iso2022-jp", "ISO-2022-JP"),
    ("Chinese", "gb18030", "GB18030"),
    ("Chinese", "gbk", "GB18030"),
    ("Taiwan", "big5", "Big5"),
    ("Korean", "euc-kr", "EUC-KR"),
    ("Thai", "tis-620", "TIS-620"),
]
ENDS = {"LF": "\n", "CRLF": "\r\n"}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("mark", [b"", MARK, MARK + MARK], ids=["no mark", "mark", "two marks"])
@pytest.mark.parametrize("language", TEXTS)
def test_utf8_is_read_with_and_without_mark_and_with_both_ends_of_lines(tmp_path, language, mark, ends) -> None:
    path, lines = tmp_path / "text", [TEXTS[language], "", TEXTS[language]]
    path.write_bytes(mark + ends.join(lines).encode())
    assert read_text(path) == "\n".join(lines)
    assert list(read_lines(path)) == list(enumerate(lines, 1))
    assert read_beginning(path, 10_000) == "\n".join(lines)
    assert decode(path.read_bytes()) == ends.join(lines)
    for size in (1, 2, 3, 7):
        assert stream_of(path, size) == ends.join(lines)


@pytest.mark.parametrize(("language", "encoding", "name"), WRONG, ids=[f"{row[0]} {row[1]}" for row in WRONG])
def test_another_encoding_is_refused_and_named(tmp_path, language, encoding, name) -> None:
    path, content = tmp_path / "text.jsonl", (TEXTS[language] + "\n").encode(encoding)
    path.write_bytes(content)
    for read in (read_text, lambda path: read_beginning(path, 10_000), stream_of):
        with pytest.raises(TextError, match=r"text\.jsonl(:\d+)?: expected UTF-8") as caught:
            read(path)
        assert name in str(caught.value)
        assert "save it as UTF-8" in str(caught.value)
    for rows in (lambda problems: list(read_jsonl(path, problems)), lambda problems: read_json(path, problems)):
        problems = Problems()
        assert not rows(problems)
        assert [name in problem.message and problem.level == "error" for problem in problems] == [True]


def stream_of(path: Path, size: int = 5) -> str:
    with TextStream(path) as stream:
        return "".join(iter(lambda: stream.read(size), ""))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("naïve déjà vu".encode() + b"\xe9 x", "is damaged, or mixes encodings"),
        ("日本語".encode()[:-1], "ends within a character"),
        ("a\nb\ncafé".encode("latin-1"), "byte 0xe9 at 7 (line 3)"),
        (b"\x80", "byte 0x80 at 0"),
        (b"\xff" * 100_000, "byte 0xff at 0"),
        (b"a" * 100_000 + b"\xe9", "byte 0xe9 at 100000"),
        (b"\xed\xa0\x80", "expected UTF-8"),  # half of a pair
        (b"\xc0\xaf", "expected UTF-8"),  # more bytes than it takes
        (b"\xf4\x90\x80\x80", "expected UTF-8"),  # beyond Unicode
        (b"\xff\xfea,b\n", "byte 0xff at 0"),  # the mark of UTF-16 before what is none
    ],
)
def test_damage_is_told_from_another_encoding(content, message) -> None:
    with pytest.raises(TextError) as caught:
        decode(content)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1, 2]", b"a\0b", b"\0", "一".encode(), b"\x1b[31mred", b"+/v8-", b"\r"]
)
def test_what_is_utf8_shows_no_other_encoding(content) -> None:
    assert marked_encoding(content) is None
    assert decode(content) == content.decode()


def test_one_damaged_line_does_not_cost_the_others(tmp_path) -> None:
    path, problems = tmp_path / "rows.jsonl", Problems()
    path.write_bytes(b'{"a": 1}\n' + '{"a": "é"}\n'.encode("latin-1") + MARK + b'{"a": 3}\r\n{"a": 4, "a": 5}\n')
    assert list(read_jsonl(path, problems)) == [(1, {"a": 1}), (3, {"a": 3}), (4, {"a": 5})]
    assert [(problem.line, problem.level, problem.field) for problem in problems] == [
        (2, "error", ""),
        (4, "warning", "a"),
    ]
    assert "Windows-1252" in problems[0].message


@pytest.mark.parametrize(
    ("content", "cure"), [(b'{"a": 1}\r{"a": 2}\r', "in CR alone"), (b'[{"a": 1},\n{"a": 2}]', "not an array")]
)
def test_a_file_of_another_form_says_what_to_write(tmp_path, content, cure) -> None:
    path, problems = tmp_path / "rows.jsonl", Problems()
    path.write_bytes(content)
    assert list(read_jsonl(path, problems)) == []
    assert cure in problems[0].message


def test_what_is_too_large_is_refused(tmp_path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"12345\n123\n1234567\n12")
    with pytest.raises(TextError, match="at most 19 bytes"):
        read_text(path, max_bytes=19)
    lines = list(read_lines(path, max_bytes=5))
    assert [number for number, _ in lines] == [1, 2, 3, 4]
    assert [str(line) for _, line in lines[1:]] == ["123", "expected a line of at most 5 bytes", "12"]
    assert read_beginning(path, 3) == "123"


@pytest.mark.parametrize("size", range(1, 15))
def test_a_beginning_ends_with_a_whole_character(tmp_path, size) -> None:
    path = tmp_path / "text"
    path.write_bytes("aé日👩b".encode())
    found = read_beginning(path, size)
    assert found == "aé日👩b".encode()[:size].decode("utf-8", "ignore")


def test_a_stream_says_where_it_stops(tmp_path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"abc\n" * 2000 + b"caf\xe9 " + b"x" * 5000)
    for size in (7, 1000, 2**16):
        with pytest.raises(TextError, match=r"text: .*byte 0xe9 at 8003 \(line 2001\): .*1252"):
            stream_of(path, size)


# What opens or decodes texts elsewhere, and why it may.
ALLOWED = {
    "reading/encodings.py": "looks at what a text would be in other encodings",
    "_torchvision.py": "a file of an installed package",
    "report/pages/render.py": "templates that come with this package",
    "judges/http_client.py": "the body of a server's reply, which is no file",
    "judges/journal.py": "its own lines: a damaged one is found by its bytes, and json knows the mark",
    "encoders/cache/shards.py": "the header of a binary file that it has written itself",
    "quality/video.py": "frames of a video",
    "reading/tables.py": "lines that have been decoded",
    "formats/common/zip_members.py": "members of an archive, as bytes",
}


NO_TEXT = ("Image", "av", "os", "wave", "tarfile")


def opened(source: str) -> Iterator[str]:
    """Calls that open a text or decode bytes otherwise than through `reading.text_files`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [ast.unparse(call.func) for call in calls]
    reads_bytes = any(name.rpartition(".")[2] in ("open", "read_bytes") for name in names)
    for call, name in zip(calls, names, strict=True):
        owner, _, method = name.rpartition(".")
        if method == "open" and owner not in NO_TEXT and not _is_binary_or_written(call):
            yield f"line {call.lineno}: {name} in text mode"
        elif (owner and method in ("read_text", "decode") and not _was_encoded(owner)) or name == "json.load":
            yield f"line {call.lineno}: {name}"
        elif name in ("csv.reader", "csv.DictReader") and "StringIO" not in ast.unparse(call):
            yield f"line {call.lineno}: {name} of a file"
        elif method in ("TextIOWrapper", "getincrementaldecoder", "getreader", "read_csv", "loadtxt", "genfromtxt"):
            yield f"line {call.lineno}: {name}"
        elif name == "json.loads" and reads_bytes and not _is_decoded(call):
            yield f"line {call.lineno}: {name} where bytes are read"


def _is_binary_or_written(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("bwax") for mode in modes)


def _was_encoded(owner: str) -> bool:
    return "encode(" in owner  # and is decoded at once: no file is near


def _is_decoded(call: ast.Call) -> bool:
    given = call.args[0]
    return isinstance(given, ast.Call) and ast.unparse(given.func) in ("decode", "read_text")


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "open(path, encoding='utf-8', newline='')",
        "open(path, 'r')",
        "path.open()",
        "path.open('rt', encoding='utf-8-sig')",
        "path.read_text('utf-8')",
        "path.read_bytes().decode()",
        "content.decode('utf-8', errors='replace')",
        "json.load(file)",
        "json.loads(path.read_bytes())",
        "csv.DictReader(file)",
        "io.TextIOWrapper(file)",
        "codecs.getincrementaldecoder('utf-8-sig')()",
        "pandas.read_csv(path)",
    ],
)
def test_the_check_sees_what_it_looks_for(source) -> None:
    assert list(opened(source))


@pytest.mark.parametrize(
    "source",
    ["path.open('rb')", "open(path, 'w')", "Image.open(path)", "base64.b64encode(data).decode()", "json.loads(reply)"],
)
def test_the_check_passes_over_what_opens_no_text(source) -> None:
    assert not list(opened(source))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_texts_are_opened_in_one_place_only(path: Path) -> None:
    name, found = path.relative_to(PACKAGE).as_posix(), list(opened(path.read_text(encoding="utf-8")))
    if name == "reading/text_files.py" or name in ALLOWED:
        assert found, "the reason in the list is that of nothing"
    else:
        assert found == []
