# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers in replies: which one is read, and what it is worth."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.numbers import parse_number

DASHES = "-‐‑‒–—―−﹘﹣－"
FRAMES = ["{}", "({})", "x = {}", "x={}", "It is {} °C", "[{}]", "${}$", r"\boxed{{{}}}", "$\\boxed{{{}}}$", "**{}**"]
FRAMES += ["Ответ: {}", "答案：{}", "（{}）", "'{}'", "The answer is {}. I took 3 steps.", "\n{}\n"]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.decimals(min_value="-1e9", max_value="1e9", places=2)


@settings(max_examples=200, deadline=None)
@given(number=FLOATS)
def test_every_float_python_writes_is_read_back(number: float) -> None:
    assert parse_number(f"It is 3 or {number!r}.") == number
    assert parse_number(f"{number!r}".replace(".", ","), decimal=",") == number


@settings(max_examples=100, deadline=None)
@given(number=MONEY)
def test_thousands_separators_change_nothing(number: float) -> None:
    written = f"{number:,.2f}"
    swapped = written.translate(str.maketrans(",.", ".,"))
    for mark in ("{,}", r"\,", r"\ ", "~", r"{\,}", r",\!", "\u202f", "\u00a0", "\u2009", " ", "'", "’", "_", "٬"):
        assert parse_number(f"costs {written.replace(',', mark)} Euro") == float(number)
    assert parse_number(swapped, decimal=",") == float(number)


@settings(max_examples=100, deadline=None)
@given(
    number=MONEY,
    digits=st.sampled_from(
        ["٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯", "０１２３４５６７８９", "๐๑๒๓๔๕๖๗๘๙", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]
    ),
)
def test_digits_of_all_scripts_are_read(number: float, digits: str) -> None:
    written = f"{number:,.2f}".translate(str.maketrans("0123456789", digits))
    assert parse_number(written) == float(number)
    assert parse_number(written.translate(str.maketrans(",.", "٬٫"))) == float(number)
    assert parse_number(f"\u200f{written}\u200f") == float(number)


@settings(max_examples=100, deadline=None)
@given(number=MONEY, dash=st.sampled_from(DASHES), frame=st.sampled_from(FRAMES))
def test_every_dash_is_a_sign_where_nothing_stands_before_it(number: float, dash: str, frame: str) -> None:
    written = f"{abs(number):,.2f}"
    assert parse_number(frame.format(dash + written)) == -float(abs(number))


@settings(max_examples=50, deadline=None)
@given(number=st.integers(100_000, 10**12))
def test_groups_of_india_are_read(number: int) -> None:
    front, last = divmod(number, 1000)
    groups = [f"{last:03d}"]
    while front > 99:
        front, rest = divmod(front, 100)
        groups.append(f"{rest:02d}")
    assert parse_number(f"₹{','.join([str(front), *groups[::-1]])}") == number


@settings(max_examples=100, deadline=None)
@given(over=st.integers(-999, 999), under=st.integers(1, 999))
def test_fractions_are_divided(over: int, under: int) -> None:
    expected = float(Fraction(over, under))
    assert parse_number(f"{over}/{under}") == expected
    assert parse_number(rf"$\frac{{{over}}}{{{under}}}$") == expected


def _check(table: list[tuple[str, float | None]]) -> None:
    wrong = {}
    for text, number in table:
        found = parse_number(text)
        if found != (number if number is None else pytest.approx(number, rel=1e-12)):
            wrong[text] = found
    assert not wrong


def test_last_number_is_read() -> None:
    _check(
        [
            ("There are 12 cups and 3 plates.", 3),
            ("The total is 72 clips, altogether.", 72),
            ("2 + 3 = 5", 5),
            ("+7", 7),
            (".5", 0.5),
            ("...5", 5),
            ("4 or 5", 5),
            ("Es sind 12 Tassen und 3 Teller", 3),
            ("Hay 12 tazas y 3 platos.", 3),
            ("有12个杯子和3个盘子", 3),
            ("カップが12個、皿が3枚", 3),
            ("12 чашек и 3 тарелки", 3),
            ("١٢ كوبا و٣ أطباق", 3),
            ("答案是42个", 42),
            ("1" * 20, 11111111111111111111),
        ]
    )


def test_stated_answer_comes_before_later_numbers() -> None:
    _check(
        [
            ("The answer is 72. I checked it in 3 ways.", 72),
            ("Answer: 72\nConfidence: 95", 72),
            ("**Final answer:** 72\n\nThis took 3 steps.", 72),
            ("The final answer is **72**, as 8 × 9 = 72; see step 3.", 72),
            ("Final Answer\n\n72\n\n(in 3 steps)", 72),
            ('{"answer": 72, "confidence": 0.9}', 72),
            ("The answer to question 3 is 72. I took 2 steps.", 72),
            ("The answer is 2 + 3 = 5. That took 1 step.", 5),
            ("The answer is about 3.5 m (7 halves).", 3.5),
            ("The answer is 5 of 8.", 5),
            ("First I thought the answer is 5. But the answer is 7. I checked 3 times.", 7),
            ("La respuesta es 72. Lo comprobé 3 veces.", 72),
            ("La réponse est 72. Vérifié 3 fois.", 72),
            ("Die Antwort ist 72. Ich habe 3 Wege geprüft.", 72),
            ("A resposta é 72. Verifiquei 3 vezes.", 72),
            ("La risposta è 72. Ho verificato 3 volte.", 72),
            ("Ответ: 72. Проверено 3 раза.", 72),
            ("答案是72。我用3种方法检查过。", 72),
            ("答えは72です。3回確認しました。", 72),
            ("정답은 72입니다. 3번 확인했습니다.", 72),
            ("الجواب هو ٧٢. تحققت ٣ مرات.", 72),
            ("उत्तर ७२ है। मैंने ३ बार जाँचा।", 72),
        ]
    )


def test_marked_answer_comes_before_all_others() -> None:
    _check(
        [
            (r"\boxed{72}. The answer is 3 times the half.", 72),
            (r"\boxed{5}, then \boxed{72} in 3 steps", 72),
            (r"Put it in \boxed{}: 72", 72),
            (r"\fbox{72} 3", 72),
            (r"\boxed 7 in 3 steps", 7),
            (r"\boxed{x = \frac{1}{2}} 3", 0.5),
            (r"\boxed{2+3=5} 1", 5),
            ("<answer>72 clips in 2 months</answer> 3", 72),
            ("<answer>\\boxed{72}</answer> 3", 72),
            ("[ANSWER]72[/ANSWER] 3", 72),
            ("<|begin_of_box|>72<|end_of_box|> 3", 72),
            ("8 * 9\n#### 72\nDone in 3 steps.", 72),
            ("#### Step 3\nSo it is 5.", 5),
            ("<think>\\boxed{5}</think>It is 72.", 72),
            ("<think>The answer is 5.</think>\\boxed{72}", 72),
            ("答案在框里：\\boxed{72}，共3步", 72),
        ]
    )


def test_stated_answer_that_is_no_single_number_is_refused() -> None:
    _check(
        [
            ("The answer is 3 or 4.", None),
            ("The answer is 3, 4 and 5.", None),
            ("The answer is between 3 and 5.", None),
            ("The answer is 3–5.", None),
            ("The answer is 2 × 3.", None),
            ("The answer is 12:30. It took 3 steps.", None),
            ("Die Antwort ist 3 oder 4.", None),
            ("答案是3或4。", None),
            ("Ответ: 3 или 4", None),
            (r"\boxed{3, 4}", None),
            (r"\boxed{3 \text{ or } 4}", None),
            (r"\boxed{\text{none}} of the 3", None),
            (r"\boxed{3\pi} is 9.42", None),
            (r"\boxed{2\sqrt{3}}", None),
            (r"\boxed{\frac{\sqrt{3}}{2}}", None),
        ]
    )


def test_negated_and_conditional_statements_and_questions_state_nothing() -> None:
    _check(
        [
            ("The answer is not 5. It is 7", 7),
            ("If the answer is 5, then x is odd. So 7.", 7),
            ("Answer the question: how many are 3 + 4? 7", 7),
            ("Answer this: 3 + 4 = ?\n7", 7),
            ("To answer: 5 steps. 72", 72),
            ("Is the answer 5? No: 7", 7),
            ("Let me find the answer\n2+3=5\nso the total is 72", 72),
            ("答案不是5，是7", 7),
            ("Die Antwort ist nicht 5, sondern 7", 7),
            ("Ответ не 5, а 7", 7),
        ]
    )


def test_thousands_in_latex_and_plain_text() -> None:
    _check(
        [
            (r"\boxed{$9{,}500}", 9500),
            (r"\boxed{10\,000}", 10000),
            (r"\boxed{10\ 000}", 10000),
            (r"\boxed{10~000}", 10000),
            (r"\boxed{10,\!000}", 10000),
            (r"$10{\,}000$ km", 10000),
            (r"\boxed{5 \, 000}", 5000),
            (r"\boxed{10{,}000{,}000}", 1e7),
            (r"\boxed{-\$9{,}500}", -9500),
            (r"\num{12345}", 12345),
            (r"\boxed{\num{1234567.5}}", 1234567.5),
            (r"\boxed{\$9{,}500}", 9500),
            (r"\boxed{\text{9,500 clips}}", 9500),
            (r"\boxed{9{,}500\text{ clips}}", 9500),
            (r"$1{,}234{,}567.89$", 1234567.89),
            (r"\SI{10\;000}{kg}", 10000),
            ("1’234’567.50 Fr.", 1234567.5),
            ("१,००,००० रुपये", 100000),
            ("12,34,567.5", 1234567.5),
            ("１，０００円", 1000),
            ("٣٬٠٠٠", 3000),
            ("environ 12 345 678 habitants", 12345678),
            ("In 2020 300 people", 300),
            ("10,20,300", 1020300),
        ]
    )


def test_other_latex() -> None:
    _check(
        [
            (r"$\mathbf{42}$", 42),
            (r"\(\boxed{42}\)", 42),
            (r"\[ x = -\dfrac12 \]", -0.5),
            (r"-\frac{3}{4}", -0.75),
            (r"1\tfrac{1}{2}", 1.5),
            (r"\frac{9{,}000}{2}", 4500),
            (r"{22 \over 7}", 22 / 7),
            (r"90^\circ", 90),
            (r"120\text{ cm}^2", 120),
            (r"5\ \text{m s}^{-1}", 5),
            (r"50\%", 0.5),
            (r"6.02 \times 10^{23}", 6.02e23),
            (r"{-}5", -5),
            (r"\boxed{- 5}", -5),
            (r"5^{\text{th}}", 5),
            (r"\SI{5}{\percent}", 0.05),
        ]
    )


def test_dashes_are_signs_or_not() -> None:
    _check(
        [
            ("x=-5", -5),
            ("(−5)", -5),
            ("- 5 apples", 5),
            ("− 5", -5),
            ("Answer: - 5", -5),
            ("–½", -0.5),
            ("−.5", -0.5),
            ("-$5.50", -5.5),
            ("$−5", -5),
            ("€ –5", -5),
            ("3-5", 5),
            ("3–5", 5),
            ("pages 10–12", 12),
            ("Seiten 10 – 12", 12),
            ("с. 10—12", 12),
            ("第10－12页", 12),
            ("５～１０", 10),
            ("5%–10%", 0.1),
            ("$5–$10", 10),
            ("5€–10€", 10),
            ("5 €-10 €", 10),
            ("5 °C–10 °C", 10),
            ("3--5", 5),
            ("答案——42", 42),
            ("We counted apples—5.", 5),
            ("COVID-19", None),
            ("It is 5 by GPT-4", 5),
            ("le TGV-2", None),
            ("Т-34", None),
            ("negative 7", -7),
            ("10 minus 5", 5),
            ("It is minus 5", -5),
            ("负5", -5),
            ("マイナス5度", -5),
            ("마이너스 5", -5),
        ]
    )


def test_dates_times_versions_and_the_like_are_no_numbers() -> None:
    _check(
        [
            ("On 2026/04/19 the score is 0.8", 0.8),
            ("The score is 0.8 on 2026-04-19.", 0.8),
            ("0.8 am 19.04.2026", 0.8),
            ("0.8分(2026年4月19日)", 0.8),
            ("점수는 0.8 (2026년 4월 19일)", 0.8),
            ("0.8 at 12:30", 0.8),
            ("0.8 at 2026-04-19T12:30:45Z", 0.8),
            ("0.8 with version 1.2.3", 0.8),
            ("0.8, see https://example.org/a/5", 0.8),
            ("0.8, call 555-1234-567", 0.8),
            ("5 ± 0.2", 5),
            ("5 +/- 0.2 kg", 5),
            ("12:30", None),
            ("3:4", None),
            ("5/6/2024", None),
            ("1.2.3", None),
            ("0x1F", None),
            ("H2O", None),
            ("v2", None),
            ("Ⅳ", None),
            ("", None),
            ("nan", None),
            ("-Infinity", None),
            ("∞", None),
        ]
    )


def test_numbers_that_are_not_calculated_are_refused() -> None:
    _check(
        [
            ("x is 3, so 2^5", None),
            ("2^5 = 32", 32),
            ("3, so 2**5", None),
            ("r = 2, so 4π", None),
            (r"r = 2, so \frac{4\pi}{3}", None),
            (r"3, so \sqrt{2}", None),
            ("3, so 2√3", None),
            ("3 or 1e400", None),
            ("3 or 1e-400", None),
            ("3 or 1/0", None),
            ("3 or " + "9" * 400, None),
            ("3, so 3,14", None),
            ("3, so 1,234,56", None),
            ("3, so 1.234,56", None),
        ]
    )


def test_fractions_percent_exponents_and_scales() -> None:
    _check(
        [
            ("75%", 0.75),
            ("12.5 percent", 0.125),
            ("75 Prozent", 0.75),
            ("75 pour cent", 0.75),
            ("75 por ciento", 0.75),
            ("75 процентов", 0.75),
            ("75٪", 0.75),
            ("７５％", 0.75),
            ("百分之75", 0.75),
            ("5‰", 0.005),
            ("1.5E-3", 0.0015),
            ("8.e-1", 0.8),
            ("2 × 10^5", 200000),
            ("2×10⁻⁵", 0.00002),
            ("10^6", 1e6),
            ("1 3/4", 1.75),
            ("2 and 3/4", 2.75),
            ("½", 0.5),
            ("1½ cups", 1.5),
            ("1.5 million", 1.5e6),
            ("3万", 30000),
            ("1.2亿", 1.2e8),
            ("3만", 30000),
        ]
    )


def test_units_and_currencies_may_touch_the_number() -> None:
    _check(
        [
            ("5kg", 5),
            ("20°C", 20),
            ("20℃", 20),
            ("12 m²", 12),
            ("5 km/h", 5),
            ("US$5", 5),
            ("It costs $29.00.", 29),
            ("5 €", 5),
            ("R$ 5", 5),
            ("₩5,000", 5000),
            ("5元", 5),
            ("5円", 5),
            ("5 руб.", 5),
            ("3rd", 3),
        ]
    )


def test_decimal_comma_is_an_option() -> None:
    assert parse_number("3,14") is None
    assert parse_number("3,14", decimal=",") == 3.14
    assert parse_number("3.14", decimal=",") is None
    assert parse_number("1.234.567,5", decimal=",") == 1234567.5
    assert parse_number("Die Antwort ist –1.234,5. Geprüft in 3 Wegen.", decimal=",") == -1234.5
    with pytest.raises(ValueError, match="`decimal`"):
        parse_number("1", decimal=";")  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_at_all_is_read_without_an_error(text: str) -> None:
    for reply in (text, f"The answer is {text} 5", rf"\boxed{{{text}}}"):
        number = parse_number(reply)
        assert number is None or math.isfinite(number)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=" 0123456789.,-–−+/%eE^×*(){}\\boxedfrac~=:$½٣²√π±年月", max_size=40))
def test_any_text_gives_a_finite_number_or_none(text: str) -> None:
    for decimal in (".", ","):
        number = parse_number(text, decimal=decimal)
        assert number is None or math.isfinite(number)


PIECES = [
    "1",
    "1,111",
    "1,11,",
    "1 1/1 ",
    "1e1",
    "\\frac{",
    "\\boxed{",
    "<answer></answer>",
    "####\n",
    ".1",
    "-",
    "1-",
    "1:",
]
PIECES += ["1/", "10^", "answer ", "答案", "answer\n", "√", "1 000 ", "½", "= – ", "\u200d", "https://", "年1月", "±"]


@pytest.mark.parametrize("piece", PIECES)
def test_huge_replies_are_read_in_bounded_work(piece: str) -> None:
    number = parse_number(piece * (1_000_000 // len(piece)) + " = 7")
    assert number == 7


def test_a_stated_answer_counts_anywhere_in_a_long_reply_if_it_is_marked() -> None:
    filler = "3 steps. " * 20_000
    assert parse_number(rf"\boxed{{72}} {filler}") == 72
    assert parse_number(f"{filler} The answer is 72. {filler[:4000]}") == 72
