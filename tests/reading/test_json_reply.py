# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The object of a reply is read through all that leaves no doubt, and refused with the right reason elsewhere."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.errors import ReplyError
from imug_metrics.reading.json_reply import read_reply, whole_number
from imug_metrics.reading.lenient_json import decode_lenient_object, decode_object


def read(text: str) -> Any:
    return read_reply(text, "answer", lambda found: found["answer"])


def refusal(text: str) -> str:
    with pytest.raises(ReplyError) as caught:
        read(text)
    assert len(str(caught.value)) < 400
    return caught.value.kind


GOOD = '{"answer": [{"id": 1, "score": 4, "reason": "R"}, {"id": 2, "score": 3}]}'
ROWS = [(1, 4), (2, 3)]


def with_reason(reason: str) -> str:
    return GOOD.replace('"R"', reason)


BREAKS = {
    "control characters": ['"one\ntwo"', '"a\tb"', '"a\r\n\r\nb"', '"ein\u2028zwei\n"', '"一\n二"'],
    "lone backslashes": [
        r'"angle \alpha"',
        r'"\(x\)"',
        r'"C:\dir\file"',
        r'"50\% \& \_"',
        r'"\u00 \x41"',
        r'"\frac{1}{2}"',
        r'"don\'t"',
        r'"\["',
        r'"\pi\cdot r^2"',
        r'"\sqrt{2} \unit"',
    ],
    "quotes in a string": [
        '"the "red" cup"',
        '"says "stop", and "go""',
        '""red" is there"',
        '"is "red""',
        '"5" wide"',
        '"it says "A: b", c"',
        '"das "Tor" ist rot"',
        '"写着"你好"，红色"',
        '"le mot "oui" manque"',
        '"""red"""',
        '"a "b" "c""',
    ],
    "other quotes": [
        "'red'",
        "'it's red'",
        "“red”",
        "‘red’",
        "`red`",
        "„rot“",
        "'say \"hi\"'",
        "“il dit 'oui'”",
        "'l'été'",
        "“a” b”",
    ],
    "words of Python": ["None", "True", "False", "[None, True]", "{'a': None}", "red", "null", "[]", "{}", "-1.5e3"],
    "comments": [
        '"R" // ok',
        '"R" # ok',
        '"R" /* ok */',
        '/* a */ "R"',
        '// a\n "R"',
        '"R", // b',
        '"R" /* a, } */',
        '"R" //',
    ],
}


@pytest.mark.parametrize("reason", [reason for reasons in BREAKS.values() for reason in reasons])
def test_breaks_in_a_field_that_is_not_used_are_passed_over(reason):
    text = with_reason(reason + "\n")
    assert [(row["id"], row["score"]) for row in read(text)] == ROWS


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"', "'"),
        GOOD.replace('"', "“"),
        GOOD.replace('"', '\\"'),
        json.dumps(GOOD),
        GOOD.replace("}]", "},]"),
        GOOD.replace("}]", "}],"),
        GOOD.replace('"R"', '"R",'),
        GOOD.replace("}, {", "}\n{"),
        GOOD.replace("}, {", "} {"),
        GOOD.replace("1, ", "1\n"),
        GOOD.replace('4, "reason"', '4\n  "reason"'),
        GOOD.replace('"R"', '"R"\n').replace("}, {", "}\n{"),
        GOOD.replace('"answer"', "answer").replace('"score"', "score"),
        GOOD.replace('"score"', "“score”"),
        GOOD.replace('"answer"', "'answer'"),
        GOOD.replace(": ", "："),
        GOOD.replace(", ", "，"),
        GOOD.replace('"score"', '"score" ').replace("4", "\n4\n"),
    ],
)
def test_breaks_between_fields_are_passed_over(text):
    assert [(row["id"], row["score"]) for row in read(text)] == ROWS


def test_an_underscore_may_be_escaped():
    assert read_reply(r'{"point\_id": 1}', "point_id", lambda found: found["point_id"]) == 1


@pytest.mark.parametrize("length", range(1, len(GOOD)))
def test_an_object_that_is_cut_off_is_refused_wherever_it_is(length):
    assert refusal(GOOD[:length]) in ("cut_off", "json")
    assert refusal("Sure:\n```json\n" + GOOD.replace('"', "'")[:length]) in ("cut_off", "json")


@pytest.mark.parametrize("length", range(20, len(GOOD), 7))
def test_an_object_that_is_cut_off_beside_a_whole_one_is_refused(length):
    assert refusal(f"{GOOD}\nOn reflection:\n{GOOD[:length]}") in ("cut_off", "json")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "no_object"),
        ("4 and 5", "no_object"),
        ("I choose {B}", "json"),
        ('{"other": 1}', "missing_field"),
        ('{"wrapped": ' + GOOD + "}", "missing_field"),
        (GOOD.replace("4", "NaN"), "json"),
        (GOOD.replace("4", "05"), "json"),
        (GOOD.replace("4", "8/10"), "json"),
        (GOOD.replace("4", "4 of 5"), "json"),
        (GOOD.replace("4", "4,5"), "json"),
        (GOOD.replace("4", "<4>"), "json"),
        (GOOD.replace("4", ""), "json"),
        (GOOD.replace("}]", "}, ...]"), "json"),
        (GOOD.replace("}]}", "]}}"), "json"),
        (GOOD.replace('"R"', "a red cup"), "json"),
        (GOOD.replace("}, {", ", "), "repeated_field"),
        (GOOD.replace("4", '4, "score": 5'), "repeated_field"),
        (GOOD.replace('"R"', "'R', 'score': 5"), "repeated_field"),
        (GOOD.replace('"R"', '"a "b", "score": 5, c"'), "json"),
        (GOOD + GOOD.replace("4", "5"), "several_objects"),
        (GOOD + "\nNo:\n" + GOOD.replace('"', "'").replace("3", "2"), "several_objects"),
        (GOOD + '\n{"answer": 4 or 5}', "json"),
        ('"answer": 4, or as JSON ' + GOOD, "json"),
        ("<think>" + GOOD, "cut_off"),
        ("x" * 300_000 + GOOD, "too_long"),
        ("{" * 10**5, "cut_off"),
        ('{"answer": ' * 9000, "json"),
    ],
)
def test_what_is_in_doubt_is_refused_with_its_reason(text, kind):
    assert refusal(text) == kind


def test_the_same_said_twice_is_said_once():
    assert read('{"answer": 4, "why": "a"}\nFinal: {"answer": 4, "why": "b"}') == 4
    assert read("{'answer': 4}" + '```json\n{"answer": 4}\n```') == 4


def test_whole_numbers_are_whole_in_any_form():
    assert [whole_number(value) for value in (4, 4.0, "4", " 4 ", "4.0", -4, "-4", "007")] == [4, 4, 4, 4, 4, -4, -4, 7]
    for value in (
        4.5,
        "4.5",
        "8/10",
        "4 of 5",
        "four",
        "",
        True,
        None,
        [4],
        {},
        float("inf"),
        float("nan"),
        "٤",
        "1e3",
    ):
        assert whole_number(value) is None


DECORATIONS = [
    "{}",
    "\ufeff{}",
    "\n\n  {}\n",
    "```json\n{}\n```",
    "```\n{}```",
    "~~~json\n{}\n~~~",
    "```python\nprint({1: 2})\n```\n{}",
    "**answer:**\nanswer:\n{}",
    "Of course {as you wish}: {} and that is {all}.",
    "Hier ist die Bewertung:\n{}\nViele Grüße",
    "评分如下：\n{}\n参考文献：[1]",
    "Voici :{}\n\nNote : le point {2} est faible.",
    "Вот ответ: {} Готово.",
    "[{}]",
    "<pre>{}</pre>",
    "<answer>{}</answer>",
    "**{}**",
    "`{}`",
    "$\\boxed{}$ is the set {x}: {}",
    "<think>first {'answer': [0]}, no</think>{}",
    'a draft {"answer": 1}\n</think>\n{}',
    '<thinking>\n```json\n{"answer": 1}\n```\n</thinking>\n```json\n{}\n```',
    '[THINK]{"answer": 1[/THINK]{}',
    "◁think▷hm◁/think▷{}",
    '<|channel|>analysis<|message|>{"answer": 1}<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>',
    "<unused94>thought\nhm<unused95>{}",
    "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>{}<|END_RESPONSE|>",
    "{}<think>was that right",
    "{}\n{}",
    "{}\n\nReferences: [1], {2}",
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False, width=16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
reasons = st.sampled_from([reason for kind in BREAKS.values() for reason in kind])


@given(values, st.dictionaries(st.sampled_from(["why", "note", "</think>"]), values), st.sampled_from(DECORATIONS))
def test_an_object_of_json_is_read_in_any_surroundings(value, rest, around):
    for indent in (None, 2):
        text = json.dumps({**rest, "answer": value}, indent=indent, ensure_ascii=False)
        assert read(around.replace("{}", text)) == value


@given(st.lists(st.tuples(st.integers(0, 5), reasons), min_size=1, max_size=4), st.sampled_from(DECORATIONS))
def test_an_object_with_small_breaks_is_read_in_any_surroundings(rows, around):
    inner = ",\n".join(f'{{"score": {score}, "reason": {reason}\n}}' for score, reason in rows)
    found = read(around.replace("{}", f'{{"answer": [{inner}]}}'))
    assert [row["score"] for row in found] == [score for score, _ in rows]


@given(
    values,
    values,
    st.sampled_from(["{} {}", "{}\nNo: {}", "```\n{}\n``` ```\n{}\n```", "[{}, {}]", "{}<think>hm</think>{}"]),
)
def test_two_objects_that_differ_are_never_read(first, second, around):
    if first == second:
        return
    before, between, behind = around.partition("{}")[0], *around.partition("{}")[2].split("{}")
    text = before + json.dumps({"answer": first}) + between + json.dumps({"answer": second}) + behind
    assert refusal(text) == "several_objects"


@given(st.text(max_size=200) | st.text(alphabet="{}[]\"':,/#\\ answer014\n”<think>", max_size=200))
def test_no_text_raises_anything_but_a_refusal(text):
    for reply in (text, '{"answer": ' + text, '{"answer": "' + text + '"}'):
        with suppress(ReplyError):
            read(reply)


@given(values.map(lambda value: {"answer": value}))
def test_what_is_json_is_read_alike_leniently(value):
    text = json.dumps(value)
    assert decode_lenient_object(text) == decode_object(text) == (value, len(text))


@pytest.mark.parametrize(
    "part",
    [
        "{",
        "[",
        "{[",
        '{"a":',
        "{a:",
        "{x:1,}",
        '" , ',
        '"// ',
        '"\n',
        '",x',
        '"',
        "'#\n",
        '" ' + " " * 999,
        "\\",
        '{"answer": "',
        '"answer":\n',
        "\ud83d",
        "/*",
        "//",
        "9",
        '{"answer":{"answer":',
    ],
)
def test_hostile_replies_are_refused_and_end(part):
    text = part * (250_000 // len(part))
    refusal(text)
    refusal('{"answer": [{"why": "' + text)
