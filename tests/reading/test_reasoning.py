# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Thinking aloud is no part of a reply, whichever marks a model sets; marks that are text stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.reading.reasoning import without_reasoning

BLOCKS = [
    "<think>{}</think>",
    "<THINK>\n{}\n</Think>",
    "<think lang='de' effort=\"3\">{}</think >",
    "<thinking>{}</thinking>",
    "<thought>\n{}</thought>\n",
    "<thoughts>{}</thoughts>",
    "<reasoning>{}</reasoning>",
    "<reflection>{}</reflection>",
    "<scratchpad>{}</scratchpad>",
    "<inner_monologue>{}</inner_monologue>",
    "<seed:think>{}</seed:think>",
    "<longcat_think>{}</longcat_think>",
    "&lt;think&gt;{}&lt;/think&gt;",
    "[THINK]{}[/THINK]",
    "◁think▷{}◁/think▷",
    "<|begin_of_thought|>{}<|end_of_thought|>",
    "<|START_THINKING|>{}<|END_THINKING|>",
    "<|think|>{}<|/think|>",
    "<|inner_prefix|>{}<|inner_suffix|>",
    "<|channel>thought\n{}<channel|>",
    "<unused94>thought\n{}<unused95>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    '<details type="reasoning" done="true"><summary>Thought</summary>{}</details>',
]
IN_WORDS = ["analysis{}assistantfinal", "Here is my thought process: {}\nHere is my response:"]
ENDS = [
    "</think>",
    "</thinking>",
    "</THOUGHT>",
    "[/THINK]",
    "◁/think▷",
    "<|end_of_thought|>",
    "<unused95>",
    "<channel|>",
]
ENDS += ["</seed:think>", "<|END_THINKING|>", "<|start|>assistant<|channel|>final<|message|>"]
THOUGHTS = [
    "A or B?",
    "Ist es A? Nein.",
    "答案可能是A",
    "A { B } C",
    '{"a": "b"}',
    "`a",
    "```json\n{}",
    "",
    "<b>A</b>",
    "ответ А\n\n",
]


@pytest.mark.parametrize("thought", THOUGHTS)
@pytest.mark.parametrize("block", BLOCKS + IN_WORDS)
def test_blocks_of_all_families_are_taken_out(block, thought):
    assert without_reasoning(block.replace("{}", thought) + "The answer is B").strip() == "The answer is B"


@pytest.mark.parametrize("block", BLOCKS)
def test_what_stands_before_a_block_is_kept(block):
    before = "" if "final" in block else "First: "
    assert without_reasoning("First: " + block.replace("{}", "A?") + "B").split() == (before + "B").split()


@pytest.mark.parametrize("thought", THOUGHTS)
@pytest.mark.parametrize("end", ENDS)
def test_an_end_mark_alone_drops_all_before_it(end, thought):
    assert without_reasoning(f"{thought}{end}\nB") == "\nB"


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_that_never_ends_takes_the_rest(block):
    begin = block.partition("{}")[0]
    assert without_reasoning(begin + "perhaps B") == ""
    assert without_reasoning(f"C. {begin}perhaps B").strip() == "C."


@pytest.mark.parametrize("block", BLOCKS)
def test_where_nothing_is_left_the_text_stays(block):
    text = block.replace("{}", "The answer is B")
    assert without_reasoning(text) == text
    assert without_reasoning(text + "\n ") == text + "\n "


@pytest.mark.parametrize(
    "text",
    [
        '{"reason": "it shows </think>"}',
        '{"reason": "a\nb </thinking> \\alpha", "n": [1]}',
        '{"reason": "<think>not</think>"}',
        "the tag `</think>` is drawn: B",
        "the tag ``<think>`` is drawn: B",
        "B: `<think>x</think>`",
        'the sign reads "</think>", so B',
        "das Schild „<think>“ ist rot: '</think>' B",
        "B\n```html\n<reasoning>\n</reasoning>\n```",
        "~~~\n</think>\n~~~\nB",
        "<thinker>B</thinker>",
        "I was thinking, and my reasoning is sound: B",
        "B<|end|>",
        "Analysis: A is red. B",
        "a <b>think</b> piece",
        "<details><summary>more</summary>B</details>",
        "",
    ],
)
def test_marks_that_are_text_stay(text):
    assert without_reasoning(text) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>a<think>b</think>c</think>B", "B"),
        ("<thinking>a<reflection>b</reflection>c</thinking>B", "B"),
        ("<thinking>a</think>B", "B"),
        ("<think>the tag `</think>` ends it</think>B", "B"),
        ('<think>{\'a\': 1</think>{"b": "</think>"}', '{"b": "</think>"}'),
        ("<think>```json\n{}</think>\n```json\n{}\n```", "\n```json\n{}\n```"),
        ("<think>a</think>\nB <think>or C?</think>", "\nB "),
        ("<think>a</think>A<think>b</think>B", "A B"),
        ("a</think>B</think>", "B"),
        ("a</think><think>b", ""),
        ("<think>\n\n</think>\n\nB", "\n\nB"),
    ],
)
def test_blocks_within_and_behind_each_other(text, spoken):
    assert without_reasoning(text) == spoken


MARKS = [part for block in BLOCKS for part in block.split("{}")]


@given(st.lists(st.sampled_from([*MARKS, *ENDS, "B", '{"a": "', '"}', "`", "\n```\n", "\\", "<", "{"]), max_size=30))
def test_what_is_left_is_of_the_text(parts):
    text = "".join(parts)
    spoken = without_reasoning(text)
    assert len(spoken) <= len(text)
    assert all(word in text for word in spoken.split())


@pytest.mark.parametrize(
    "part",
    ["<think>", "</think>", "<think", '{"a":', '{"a":"', "`", "```\n", "<|channel|>analysis", '{"a":[{', "\\", " "],
)
def test_hostile_texts_end(part):
    without_reasoning(part * (10**6 // len(part)) + "</think>B")
