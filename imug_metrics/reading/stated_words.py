# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Words around a stated answer that is no letter; each is one alternative of a regular expression.

To teach the reader a language, add its words for "answer", "is" and "not" here.
"""

from __future__ import annotations


def _any(latin: str, other: str) -> str:
    """One group of alternatives, `_` for a space: whole words in `latin`, scripts that need no spaces in `other`."""
    words, glued = ("|".join(part.split()).replace("_", " ") for part in (latin, other))
    return rf"(?i:\b(?:{words})\b|{glued})"


# Nouns alone: "the right side is 3 cm" states no answer, and "to answer" is a verb.
ANSWER = r"(?<!\b[Tt]o )" + _any(
    r"answers? ans final_results? respuestas? réponses? antwort(?:en)? endergebnis risposta resposta antwoord"
    r" svar(?:et)? odpowiedź odpověď cevap yanıt jawaban(?:nya)? đáp_án câu_trả_lời ответ відповідь απάντηση",
    r"答案 回答 答え 答 정답 답변 답 الإجابة الاجابة الجواب إجابة پاسخ תשובה उत्तर जवाब คำตอบ",
)

# Nouns that a number may follow at once, as the copula stands behind it or is left out: "उत्तर 72 है", "答案72".
ANSWER_BEFORE_NUMBER = r"(?:答案|答え|答|정답|답|الإجابة|الجواب|پاسخ|תשובה|उत्तर|जवाब|คำตอบ)"

IS = _any(
    r"is are was were be es son sería est sont serait ist sind lautet lauten è sono é são är er adalah là jest",
    r"[:=] 应该是 應該是 应当是 应为 應為 应是 是 为 為 は が 은 는 이 가 это является هي هو है είναι คือ הם היא הוא",
)

# A statement with one of these between its noun and its number, or before it in its clause, states nothing.
NEGATION = _any(
    r"not cannot can['’]t isn['’]t aren['’]t wasn['’]t won['’]t don['’]t doesn['’]t didn['’]t neither nor never"
    r" if whether unless doubt except no_es no_son nicht kein(?:e|er)? n['’]est pas wenn falls si se ob non não",
    r"不 非 没 沒 如果 假如 не если ليس 아니 않 ではな",
)
