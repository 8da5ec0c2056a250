# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Replies in which a model says that it cannot answer.

A refusal decides nothing by itself: it only says why a reply holds no choice. The languages covered are those of
`LANGUAGES`; in others a refusal counts as a reply without a choice.
"""

from __future__ import annotations

import re

LANGUAGES = (
    *("ar", "cs", "de", "en", "es", "fr", "he", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "th", "tr"),
    *("uk", "vi", "zh"),
)
"""Languages in which refusals are recognised, as ISO 639-1 codes."""

_ENGLISH = (
    r"\bn/a\b|\bunanswerable\b|\binsufficient\b|\bsorry\b|\b(?:i['’]m|i am) afraid\b"
    r"|\bno (?:image|idea|picture|answer)\b|\b(?:cannot|can not|can['’]?t|could(?:n['’]t| not)"
    r"|(?:un|not )able to|(?:not |im)possible to"
    r"|do(?:n['’]t| not)|not)(?: \w+){0,2} (?:see|view|access|open|determine|decide|choose|tell|say|answer|know"
    r"|identify|recogni[sz]e|process|analy[sz]e|help|assist|pick|select|sure|certain|enough)\b"
)
_LATIN = (
    r"\bno (?:lo sé|puedo)\b|\bje ne (?:sais|peux|vois|parviens)\b|\bimpossible de\b|\bleider\b|\bkeine ahnung\b"
    r"|\b(?:kann|konnte|weiß)\b.{0,60}\bnicht\b|\bnon (?:so|posso|riesco|vedo)\b|\bnão (?:sei|posso|consigo|vejo)\b"
    r"|\bne(?:vím|mohu|vidím)\b|\bnie (?:wiem|mogę|widzę)\b|\bik (?:weet|kan|zie)\b.{0,60}\bniet\b"
    r"|\b(?:vet|kan|ser) (?:jag )?inte\b|\bbilmiyorum\b|\bgöremiyorum\b|\btidak (?:tahu|dapat|bisa)\b"
    r"|\bkhông (?:biết|thể)\b"
)
_OTHER_SCRIPTS = (
    r"\bне (?:знаю|могу|вижу|можу|бачу|удалось)\b|无法|無法|不知道|不清楚|不能确定|看不到|抱歉|对不起"
    r"|分かりません|わかりません|できません|申し訳|모르겠|모릅니다|수 없|죄송|لا أعرف|لا أستطيع|لا يمكن|عذراً|آسف"
    r"|לא יודע|לא יכול|मुझे नहीं|नहीं (?:सकता|सकती|पता)|क्षमा|ไม่ทราบ|ไม่สามารถ|ขอโทษ"
)
_DECLINED = re.compile(f"(?i:{_ENGLISH}|{_LATIN}|{_OTHER_SCRIPTS})")
_UNDECIDED = re.compile(
    r"(?i)\b(?:cannot|can['’]t|unable to|not able to) (?:really |possibly )?"
    r"(?:decide|determine|choose|tell|say|pick|select|answer)\b|\bnone of the (?:options|answers|choices)\b"
)


def declines(text: str) -> bool:
    """Whether a reply says that the model cannot or will not answer.

    Example:
        >>> declines("I'm sorry, I can't see the image."), declines("我无法确定。"), declines("The cup is red.")
        (True, True, False)
    """
    return _DECLINED.search(text) is not None


def is_undecided(text: str) -> bool:
    """Whether English words behind a statement take it back, as in "some would say A. I cannot decide".

    Example:
        >>> is_undecided("I cannot decide."), is_undecided("I cannot see all of it.")
        (True, False)
    """
    return _UNDECIDED.search(text) is not None
