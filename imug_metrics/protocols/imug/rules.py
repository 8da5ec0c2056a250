# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every rule in which `protocol="strict"` departs from the released tools of IMUG-Bench, and why, for the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One difference between the protocols.

    Attributes:
        name: what it is about.
        official: what the released tools do, and `protocol="imug"` with them.
        strict: what `protocol="strict"` does.
        why: what is wrong with the official rule.
    """

    name: str
    official: str
    strict: str
    why: str


RULES: tuple[Rule, ...] = (
    Rule(
        "letters of a reply",
        "every capital A to G that stands alone",
        "what the reply says it chooses, of the options that the prompt lists",
        'the article in "A cat" is no choice, and "BD" names two options',
    ),
    Rule(
        "letters of a key",
        'read like a reply: a key "BD" holds none, so every answer scores 0',
        '"BD" is B and D',
        "every resolved dynamic key of two letters or more is written that way",
    ),
    Rule(
        "format of a reply",
        "letters alone count in full, with separators 0.75, with anything else 0.5",
        "no factor",
        "it measures style, and a right answer to a question of several letters can never reach 1",
    ),
    Rule("rounding", "a turn's score to 4 places", "none", "nothing is gained by it"),
    Rule(
        "absent answer",
        "0 if the sample has a readable result.json, else left out of the mean",
        "absent: counted in the coverage, 0 on request",
        "a model that leaves out what it cannot do is not to gain by it",
    ),
    Rule(
        "failed turn",
        'a reply that begins with "ERROR:" is an answer, and its letters count',
        "absent",
        "the text is the runner's, not the model's",
    ),
    Rule(
        "dynamic key: letters of the judge",
        'every A to G in the judge\'s answer, in words too: "none" is E',
        "options of the question and nothing else; one alone where one alone can be right; anything else is malformed",
        "letters of prose are no answer, and options that a question lacks cannot be right",
    ),
    Rule(
        "dynamic key: empty answer",
        "stored as it is: every answer of the model scores 0",
        "malformed: asked again, then listed as a failure",
        "the judge failed, not the model",
    ),
    Rule(
        "dynamic key: several right options",
        "announced for Botany/natural_growth alone",
        "also where the key holds fixed letters beside the judge's",
        "B+<DYNAMIC> has two right options",
    ),
    Rule(
        "dynamic key: earlier text turn",
        "the judge reads the benchmark's answer as the model's",
        "the judge reads the model's own reply, cut at 2,000 characters",
        "the key is to depend on what the model did",
    ),
    Rule(
        "dynamic key: missing image",
        "a place-holder text; images under another name are not found",
        "found by the rule for all images; without it there is no key, and the question is listed as a failure",
        "there is nothing that the judge could look at",
    ),
    Rule(
        "image: missing target",
        "the judge is asked without it, and its points count",
        "not judged: absent, counted in the coverage, 0 on request",
        "the points are made up",
    ),
    Rule(
        "image: suffix",
        "turn_<t>_output.png or what result.json names; any other file is no image",
        "turn_<t>_output under another suffix too (.jpg, .webp, .PNG), where it is the only one",
        "the image is there, and is an image",
    ),
    Rule(
        "image: look-up stops",
        "a reply that is null, empty or no name, or an unreadable result.json: no record for the turn, nor for those "
        "that refer to it",
        "no image",
        "an exception's name that is not imported; the turn is missing, not lost",
    ),
    Rule(
        "image: labels",
        "a reference carries its place among the links, the target the number of images: labels skip and repeat",
        "numbered as shown",
        "the judge cannot tell two images called Image_2 apart",
    ),
    Rule(
        "image: references",
        "all that are linked, repeated and later ones too; a missing one is left out in silence",
        "each once, if it is older than the target; a missing one is named as missing",
        "the judge is to know what it does not see",
    ),
    Rule(
        "image: media type",
        "PNG or JPEG by the file's name; in dynamic questions always PNG",
        "by content: PNG, JPEG, WEBP or GIF; what begins like none of them cannot be judged",
        "servers refuse or misread an image under a wrong type",
    ),
    Rule(
        "text of a turn",
        "the first input alone",
        "all text inputs",
        "the rest of the instruction is part of it",
    ),
    Rule(
        "turns without points",
        "judged; the empty record is not counted",
        "not judged",
        "nothing is asked of the image",
    ),
    Rule(
        "reply of the judge",
        "JSON from the first to the last brace; points in any number, under any id, in any range, as text too",
        "one JSON object, prose, fences, thinking and small breaks aside; every point once, an integer from 0 to 5; "
        "asked again once, then listed as a failure",
        "a 9 counts as 180 %, and a list of two points as full marks for four",
    ),
    Rule(
        "board: what is one",
        "any image with a pixel darker than its surroundings; point 1 counts 5",
        "marks that fill no cell must be straight strokes across the image",
        "noise is no board",
    ),
    Rule(
        "board: frame lines",
        "lines of 3 pixels or more fill the whole board",
        "lines that span the board are no cells; what they enclose is filled where it is darker than the paper",
        "an empty board in bold lines reads as nine filled cells",
    ),
    Rule(
        "board: transparency",
        "the colours below it",
        "laid over white",
        "that is what a viewer sees",
    ),
    Rule(
        "board: points",
        "points 1 and 2 count even if the task has fewer",
        "the points of the task",
        "a task of one point is not to be scored by two",
    ),
    Rule(
        "board: image",
        "turn_<t>_output.png alone; under another name the judge's points stay; one that cannot be read scores 0",
        "found by the rule for all images; one that cannot be read is absent",
        "one task is to be scored by one rule",
    ),
    Rule(
        "board: truth",
        'everything but the text "0" is a filled cell',
        "0 and 1 as numbers are read; other symbols are refused",
        "a number 0 is meant to be empty",
    ),
    Rule(
        "board: judge",
        "asked for the points of boards as well, which are then replaced",
        "not asked",
        "its answers are thrown away",
    ),
    Rule(
        "records of a turn",
        "all that are in the file count",
        "one a turn",
        "a second run with --overwrite doubles them",
    ),
)
