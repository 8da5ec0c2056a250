# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Words around a choice in a reply, in the languages the reader knows; each is one alternative of a regular expression.

To teach the reader a language, add its words for "answer", "option", "is" and "and" here.
"""

from __future__ import annotations


def _any(latin: str, other: str) -> str:
    """One group of alternatives, `_` for a space: whole words in `latin`, scripts that need no spaces in `other`."""
    words, glued = ("|".join(part.split()).replace("_", " ") for part in (latin, other))
    return rf"(?i:\b(?:{words})\b|{glued})"


# "the correct", "my answer": what is named next, after a copula, is the reply's choice.
ANSWER = _any(
    r"answers? correct best (?:right|my|final|chosen|selected)_(?:options?|choices?|selections?|answers?)"
    r" my_(?:pick|guess) solutions? ans"
    r" respuestas? correctas? réponses? correcte?s? antwort(?:en)? richtig(?:e|en|es)? lösung(?:en)?"
    r" risposte? risposta corrett[aeoi] respostas? corret[ao]s? antwoord(?:en)? juiste svar(?:et)?"
    r" odpowiedź(?:_to)? odpowiedzi odpověď cevap(?:lar)? cevab[ıi] yanıt jawaban(?:nya)? đáp_án câu_trả_lời",
    r"答案 解答 回答 答え 答 正解 정답 답변 답 ответы? правильн(?:ый|ая|ое) відповід[ьі] απάντηση"
    r" الإجابة الاجابة الجواب إجابة پاسخ תשובה התשובה उत्तर जवाब คำตอบ"
    r" 正确选项 正確選項 正确的 正確的",
)

# "option C": names an option without saying that it is the answer.
OPTION = _any(
    r"options? choices? letters? opción opciones opzion[ei] opção opções optie keuze seçenek pilihan",
    r"选项 選項 選択肢 選択 보기 선택지 вариант(?:ы|а)? الخيار विकल्प ตัวเลือก",
)

# "selection: B", "prediction: B": answers only where a colon follows.
FIELD = _any(
    r"option choice selection selected pick prediction pred result opción opzione opção",
    r"选项 選項 选择 選擇 選択 선택 вариант الخيار",
)

# Stands between a noun for "answer" and the letters.
COPULA = _any(
    r"is are was were be es son sería est sont serait ist sind lautet lauten è sono é_[ao] é são är er adalah là jest",
    r"[:=-] 应该是 應該是 应当是 应为 應為 应是 是 为 為 选 選 は が 은 는 이 가 это является"
    r" هي هو है είναι คือ הם היא הוא",
)

# Verbs by which a reply names its own choice.
CHOOSE = _any(
    r"choose chooses chose chosen choosing pick picked select selected (?:go|going|went)_(?:with|for) opt(?:ed)?_for"
    r" vote_for settled?_on answered elijo escojo choisis wähle scelgo escolho seleciono kies",
    r"我选择 我選擇 (?<!不)选择 (?<!不)選擇 (?<!不)选 (?<!不)選 выбираю",
)

# "it is B", "I think B", "so B": a choice only where nothing but punctuation or a reason follows the letters.
INDEED = _any(
    r"(?:it|this|that)(?:['’]s|_is) (?:it|this|that)_(?:must|would|should|will|has_to)_be"
    r" (?:think|believe|guess|say)(?:_that)?(?:_it(?:['’]s|_is))?"
    r" therefore thus hence so alors donc por_tanto",
    r"因此 所以 故 应该是 應該是 だから 그러므로 따라서 значит",
)

# May stand between the copula and the letters.
FILLER = _any(
    r"is are option options choice choices letter letters both either only just the clearly definitely probably likely"
    r" most therefore thus indeed again la las le les die der das el los as il opción opciones opzione opção",
    r"选项 選項 選択肢 보기 вариант الخيار [:=]",
)

# Joins two letters, besides , ; / & + - and white space.
AND = _any(
    r"and or plus und oder y o et ou e ed u en och og ve dan và",
    r"和 与 與 及 或 以及 还有 と や 및 와 과 и или і و أو और และ 、 ，",
)

# "B is correct": what follows the letters.
IS_RIGHT = (
    rf"(?:{OPTION} ?)?"
    + _any(
        r"is are was were must_be would_be should_be seems? looks? fits? match(?:es)?"
        r" est sont es son ist sind è sono é são",
        r"是 才是 が は 이 가 은 는",
    )
    + r"?(?: ?"
    + _any(r"also clearly definitely probably indeed both all the la le el die der a only most one las les los", r"最")
    + r"){0,4} ?"
    + _any(
        r"correct right best true answers? (?:my|final)_(?:answer|choice|pick) richtige? correctas? correctes? bonnes?"
        r" respuesta réponse antwort corrett[ae] corret[ao]s?",
        r"正确 正確 对的 對的 正解 答案 最佳 정답 맞 верн правильн",
    )
)

# The clause of a statement that holds one of these states no choice.
NEGATION = _any(
    r"not cannot can['’]t isn['’]t aren['’]t wasn['’]t won['’]t don['’]t doesn['’]t didn['’]t neither nor never"
    r" if whether unless doubt except without no_es no_son nicht kein(?:e|er)? n['’]est pas wenn si se ob non não",
    r"不 非 没 沒 如果 假如 не если ليس 아니 않 ではな",
)

# "B is wrong", "B: no": what follows letters that are turned down.
DENIED = r"[.:)]? ?(?:\b(?:is|are|was|est|ist|es)\b ?)?" + _any(
    r"no not false wrong incorrect nein falsch incorrecta? non faux", r"✗ ✘ ❌ × 错 錯 否 不 是错 是不 不正解 неверн"
)

# Ends a clause, so that what stands before does not reach the letters.
CLAUSE_END = r"[.,;:!?\n()、，。！？]|" + _any(
    r"but so however therefore thus hence then aber mais pero", r"但 所以 因此"
)

# A letter followed by one of these gives a reason: "B because".
REASON = _any(
    r"because since as due given for based porque pues ya car parce puisque weil da denn perché pois",
    r"因为 因為 由于 потому",
)

# No noun phrase follows "A": it is a letter and not an article ("A is", "A or").
NOT_A_NOUN = _any(
    r"because since as due given for based and or but is are was were has not nor rather with without which that while"
    r" where in on from to of if so then than also only seems looks fits would must should"
    r" porque pues ya que y o car parce et ou weil da denn und oder perché e pois",
    r"потому и или",
)

# May stand before the letters of "B is correct" within their clause; "plan B is correct" names no option.
VERDICT_OPENING = _any(
    r"that think believe say both only and statements? images? pictures? panels? answers? denke creo crois", r"选"
)

# May follow the letters of a line that holds nothing else.
BARE_ENDING = r"です|だ|である|입니다|이다|项|項"
