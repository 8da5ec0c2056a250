# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The grammar of statements about letters: regular expressions over the parts that the words of a reply play.

The parts are those of `imug_metrics.reading.choice_words` and `choice_parts`, with each list of letters as one. Every
repeat is bounded or runs over the same characters once, so the time is linear in the reply's length. The last group of
a pattern that reads letters is their list.
"""

from __future__ import annotations

import re

# A pattern looks behind after its first part: its beginnings are found by themselves then, which is fast.
L = "[LBK]"  # a list of letters
F = "[fFDoPO]"  # a word that may stand before one
PAUSE = rf"(?={F}{{0,2}}(?:\Z|[.,;:!?\n)b(-]))"
PAUSE_NO_DASH_BEHIND_OPTION = rf"(?:(?<!o.)(?=-)|(?={F}{{0,2}}(?:\Z|[.,;:!?\n)b(])))"
END_OF_LINE = r"(?=[.!)]*(?:\n|\Z))"

# An answer: "the correct option is B", "True: B", "All of the above: A, B and C", "Assistant: B"
CUE = (
    r"(?:a|F(?<=DF)[oD]|D(?<=DD)(?=[pI])|[kR](?=[:>oOPaD])|m(?=[:>.])"
    r"|[yv][pDfcCw]{0,3}e(?=[:>(,BK-])|e[yv]c?(?=[:>(,BK-]))"
)
BRIDGE = r"[^.;?\nLBK@lxGnVH]{0,10}?"
LINK = rf"[:>=cC)h-](?:[\ncC:=>iJIh]|{F}){{0,6}}"
STATED = re.compile(rf"{CUE}(?:{BRIDGE}{LINK}({L})|(?:\n|{F}){{0,4}}({L})|T{F}?({L}){PAUSE})")
FIELD = re.compile(rf"[soh]k?[:>=](?:\n|{F}){{0,3}}({L})")  # "Selection: B"
ARROW = re.compile(rf">(?<![LBKl]>){F}{{0,3}}({L}){END_OF_LINE}")
CORRECTED = re.compile(  # "no, C", "wait, it's B"
    rf"(?:z(?!n)(?:[zxGn,.!:>-]){{0,5}}|[xGn](?=[,.!]|z)[zxGn,.!]{{0,4}})(?:[pw]{{1,3}},)?(?:[ziUIJcCaj,]|{F}){{0,6}}({L})(?=\Z|[.,;!?\n)b])"
)
ANSWERS = (STATED, FIELD, ARROW)

# A choice: "B is correct", "I choose B", "I think B", ". B" at the very end, "not A but B", "from A to B"
VERDICT = re.compile(
    rf"({L})(?<![^.,;:\n!?iUIJ&bzpacCfFDoPO>-].)(?:[cC]w?|{F}){{0,4}}(?:[ka]|R(?=\Z|[.,;:!?\n)&oab-])"
    r"|h(?=[.!\n]|\Z)|(?<=c)DF?[Do](?=[.!\nw]|\Z|[pI][cC])|(?<=c)w{1,2}h|Ic(?=[.!\n]|\Z))"
)
CHOSEN = re.compile(rf"(?:h|g[cfDp]?)(?:[pc:I]|{F}){{0,4}}({L})|({L})c?h(?=W{{0,4}}(?:[.!\n]|\Z))")
INDEED = re.compile(
    rf"(?:[iU]|I[cC]|J|z(?![np])|c(?=o)|c(?<![^.,;:\n!].)(?!I))(?:[,:iIJUcCpTa]|{F}){{0,6}}({L}){PAUSE_NO_DASH_BEHIND_OPTION}"
)
LAST = re.compile(rf"(?:[,:>-](?<![LBKlP].)|[.;!?])(?:[,iUJ]|{F}){{0,4}}({L})[.!?)]*\Z")
INSTEAD = re.compile(
    rf"(?:[nxG](?:[wc]|{F}){{0,3}}{L}[,;.]?(?:[zwciIJUW]|{F}){{1,3}}|(?<={L})c?~,?"
    rf"|z[wDapI]{{0,4}}(?:p{L})?T)({L}){PAUSE}"
)
ONLY = re.compile(rf"F{F}{{0,2}}({L})[cC]")  # "only C shows a cup"
PREFERRED = re.compile(rf"({L})[,(&]{{0,2}}U?(?:z?np?|zp){F}{{0,2}}{L}")  # "B rather than A", "B, not A"
CHOICES = (VERDICT, CHOSEN, INDEED, LAST, INSTEAD, ONLY, PREFERRED, CORRECTED)
EITHER = re.compile(rf"i{F}{{0,2}}{L}[,;]?[&UZ]?i{F}{{0,2}}{L}|{L}[,(]?Z[iH]?{F}{{0,2}}{L}")  # "maybe A, maybe C"

BARE = re.compile(rf"(?:[iUa:>,&=-]|P(?!:)|[fFDoO])*({L})(?:[.:;,!?-]|{F})*")
LABEL = re.compile(
    rf"{F}{{0,2}}(?P<list>[BK](?!-{L})|L(?=[.:](?!\.|\Z)|>(?!{F}{{0,3}}{L}|\Z)|(?P<loose>[,be]|\((?!Z)|-(?!{L}(?:\Z|[.\n])))))[.:>,b(e-]?+"
    rf"(?![cC](?!{L})|[kxR](?:\Z|[.,])|[Gxn]?,?z|Z|[fD]{{0,3}}a[oP]?[cC:])"
)
LABEL_TEXT = re.compile(r"[^.?!;]*(?:[.?!;]+(?![fwmjIDpo]{0,4}[ahmiUJzn])[^.?!;]*)*")
NEXT_LABEL = re.compile(r"[^,;.xGnkRLBK\n]{1,60}(?:[,;]&?([BK]|L[.:])|(K))")
LABEL_OF_NEXT_LINE = re.compile(r"[^\n]{0,200}\n([BK]|L[.:])")
ANOTHER_SENTENCE = re.compile(r"[^\n]{1,200}?[.?!]([BK]|L[.:])")
MENTION = re.compile(rf"o({L})|(B)")

# A list of letters is turned down: "B is wrong", "B ✗", "B isn't"
DENIED = re.compile(rf"[:-]?f?[xGX](?![a:>]|{L})|[cC]{F}{{0,2}}[nxG]|n(?!{F}{{0,2}}{L})")
DENIED_LABEL = re.compile(
    rf"[:.>-]{{0,2}}f?(?:[xX](?=[.,;!?()\nba]|\Z)|n(?=[.,;]|\Z))|[:>-]f?G(?=[.,;!?()\nba]|\Z)|[cC]{F}{{0,2}}[nxG]"
)
NEW_CLAUSE = re.compile(r"c|[xG](?!:)")  # "B and C is too small"
OFFERED = re.compile(r"[.,(\n]{0,2}Z")  # "B. Or C."
RANGE = re.compile(rf"T{L}")  # "A to C"
ALL_BUT = re.compile(r"(?:n|y[fDoPe]{0,3})\Z")
NOT_BEHIND = re.compile(rf"n(?!{F}{{0,2}}{L})")  # "B doğru değil"
REST = re.compile(r"[^.,:;!?\nU]{0,60}(?:,[QS])?")
ASKED = re.compile(r"[^.;!?\nU]{0,60}\?")
TOLD = re.compile(r":[^:]{0,4}\Z|[.,!]\Z|[.,!].\Z")  # "Answer: B?" and "Hmm, B?" are answers all the same
SENTENCE_END = re.compile(r"[.;?\n]")
CLAUSE_END = re.compile(r"[,:()!Uzb]")
LOOK_BACK = 40  # parts

MARK_BEFORE = re.compile(rf"([tXu])[.:fo-]{{0,3}}({L})")
MARK_BEHIND = re.compile(rf"({L})[^\nLBKtXu]{{0,80}}([tXu])")
WORD_BEHIND = re.compile(
    rf"({L})(?:[.:,>=?(-]|[cCy]){{0,4}}f?(?:([kaxGR])(?=[).,;:!?\n&(bfpBK-]|L[.:-]|\Z)|(n)(?=[).,;:!?\n&-]|\Z))"
)
WORD_AT_END = re.compile(  # "B. A cup - this is correct", "A. A plate: incorrect, it is a cup"
    r"([LBK])(?<![^\n].)[^\nLBK]{0,200}"
    r"(?:[-:,.(>;](?:I?c|J)?f?([kaxGR])[).!]*(?=\n|\Z)|[:>-](?:I?c|J)?f?([kaxR])(?=[.,;b]))"
)
