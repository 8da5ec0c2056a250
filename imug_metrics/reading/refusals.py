# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Replies in which a model says that it cannot answer.

A refusal only says why a reply holds no choice, but for English words behind a statement that take it back ("I cannot
decide."). The languages covered are those of `LANGUAGES`; in others a refusal is a reply without a choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LANGUAGES = (
    *("ar", "cs", "de", "en", "es", "fr", "he", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "th", "tr"),
    *("uk", "vi", "zh"),
)
"""Languages in which refusals are recognised, as ISO 639-1 codes."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A word of the first kind, and one of the second within so many words behind it.
_PAIRS = (
    (
        _words("cannot can't cant couldn't unable impossible don't"),
        _words(
            "see view access open determine decide choose tell say answer know identify recognize recognise process"
            " analyze analyse help assist pick select sure certain enough"
        ),
        4,
    ),
    (_words("not"), _words("able sure certain possible enough see view access know"), 3),
    (_words("kann konnte weiß"), _words("nicht"), 12),
    (_words("weet kan zie"), _words("niet"), 12),
    (_words("vet kan ser"), _words("inte"), 2),
)
_WHOLE_WORDS = _words(
    "n/a unanswerable insufficient sorry afraid leider désolé bilmiyorum göremiyorum nevím nemohu nevidím извините"
    " простите وعذراً عذراً آسف क्षमा"
)
_PHRASES = (
    *("no image", "no idea", "no picture", "no answer", "no lo sé", "no puedo", "je ne sais", "je ne peux"),
    *("je ne vois", "je ne parviens", "impossible de", "keine ahnung", "non so", "non posso", "non riesco", "non vedo"),
    *("não sei", "não posso", "não consigo", "não vejo", "nie wiem", "nie mogę", "nie widzę", "tidak tahu"),
    *("tidak dapat", "tidak bisa", "không biết", "không thể", "не знаю", "не могу", "не вижу", "не можу", "не бачу"),
    *("не удалось", "无法", "無法", "不知道", "不清楚", "不能确定", "看不到", "抱歉", "对不起", "分かりません"),
    *("わかりません", "できません", "申し訳", "모르겠", "모릅니다", "수 없", "죄송", "لا أعرف", "لا أستطيع", "لا يمكن"),
    *("לא יודע", "לא יכול", "मुझे नहीं", "नहीं सकता", "नहीं सकती", "नहीं पता", "ไม่ทราบ", "ไม่สามารถ", "ขอโทษ"),
)
_UNDECIDED = re.compile(
    r"(?i)\b(?:cannot|can['’]t|unable to|not able to) (?:really |possibly )?"
    r"(?:decide|determine|choose|tell|say|pick|select|answer)(?= ?[.!,;]| between| ?\Z)"
    r"|\bnone of the (?:options|answers|choices) (?:can|could|is|are|fits?|match(?:es)?)\b"
)


def declines(text: str) -> bool:
    """Whether a reply says that the model cannot or will not answer.

    Example:
        >>> declines("I'm sorry, I can't see the image."), declines("我无法确定。"), declines("The cup is red.")
        (True, True, False)
    """
    text = text.lower().replace("’", "'")
    words = [word.strip('.,;:!?()*"') for word in text.split()]
    if not _WHOLE_WORDS.isdisjoint(words) or any(phrase in text for phrase in _PHRASES):
        return True
    return any(_follows(words, *pair) for pair in _PAIRS)


def is_undecided(text: str) -> bool:
    """Whether English words behind a statement take it back, as in "some would say A. I cannot decide".

    Example:
        >>> is_undecided("I cannot decide."), is_undecided("I cannot see all of it.")
        (True, False)
    """
    return _UNDECIDED.search(text) is not None


def _follows(words: Sequence[str], first: frozenset[str], second: frozenset[str], within: int) -> bool:
    return any(
        word in first and not second.isdisjoint(words[place + 1 : place + 1 + within])
        for place, word in enumerate(words)
    )
