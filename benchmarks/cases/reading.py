# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Letters read in replies of thought aloud, beside the one regular expression of the released scorer.

The two read other letters, so no answers are compared: what is measured is what certainty costs, and that time grows
with the length of a reply and no faster.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle

from imug_metrics.functional.answers.choice_score import choice_mask
from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.options import Options

from ..machine import cpu_seconds
from ..registry import Case, Job, Provider, Setup
from ..runner import race

LETTERS = "ABCD"
TEXTS = {
    "A": "the red cup on the left",
    "B": "the blue cup behind the plate",
    "C": "the plate alone",
    "D": "none of the above",
}

# Beginning, thoughts that a longer reply has more of, and end; {a} and {b} are letters.
REPLIES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Let me look at the image step by step.\n\n",
        (
            "First, the cup on the left is red, while the one behind the plate looks blue. ",
            "Option {a} says that there is a cup behind the plate; this doesn't match what was drawn in turn 2. ",
            "The shadow falls to the right, so the light comes from the left side of the kitchen.\n",
        ),
        "\nSo the answer is **{b}**.",
    ),
    (
        "**Reasoning**\n",
        (
            "- **{a}) The cup**: it was moved in the third image, hence it is no longer where it was.\n",
            "- **{b}) The plate**: consistent with the description, as it stands in front.\n",
            "- The colours were changed once, by 2 steps, at 12:30.\n",
        ),
        "\n### Final answer: {b}",
    ),
    (
        "<think>\nHmm, is it {a}? ",
        (
            "Wait, the question asks which object was NOT changed. Let me check the first image again. ",
            "If the cup was red before, then {a} would be right, but it was never red. ",
            "I think it could be {a} or {b}, let me see.\n",
        ),
        "</think>\nThe plate did not change, so I choose {b}.",
    ),
    (
        "Schauen wir uns die Bilder der Reihe nach an. ",
        (
            "Im ersten Bild steht die rote Tasse links neben dem Teller, im zweiten fehlt sie. ",
            "Antwort {a} scheidet aus, weil der Teller nicht bewegt wurde. ",
            "Außerdem fällt der Schatten nach rechts.\n",
        ),
        "Die richtige Antwort ist also {b}.",
    ),
    (
        "Analysons les images l'une après l'autre. ",
        (
            "La tasse bleue est derrière l'assiette, et la lumière vient de la gauche. ",
            "L'option {a} n'est pas correcte, car la tasse n'a pas été déplacée. ",
            "Il reste donc à comparer les couleurs du fond.\n",
        ),
        "La bonne réponse est {b} : c'est elle qui a changé.",
    ),
    (
        "我们一步一步来看这些图片。",
        (
            "第一张图里红色的杯子在盘子左边，第二张图里它不见了。",
            "选项{a}说杯子在盘子后面，这与图片不符。",
            "因此需要比较背景的颜色和光线的方向。\n",
        ),
        "\n所以正确答案是{b}。",
    ),
    (
        "画像を順番に確認します。",
        (
            "最初の画像では赤いカップが皿の左にありますが、次の画像にはありません。",
            "選択肢{a}は皿が動いたと述べていますが、これは正しくありません。",
            "光は左から当たっています。\n",
        ),
        "\nしたがって、答えは{b}です。",
    ),
    (
        "Посмотрим на изображения по порядку. ",
        (
            "На первом изображении красная чашка стоит слева от тарелки, на втором её нет. ",
            "Вариант {a} не подходит, потому что тарелку не двигали. ",
            "Кроме того, тень падает вправо.\n",
        ),
        "Значит, правильный ответ: {b}",
    ),
    (
        "Veamos las imágenes una por una. ",
        (
            "En la primera la taza roja está a la izquierda del plato; en la segunda ya no está. ",
            "La opción {a} es incorrecta porque el plato no se ha movido. ",
            "La luz viene de la izquierda y la sombra cae a la derecha.\n",
        ),
        "Por lo tanto, la respuesta es {b}.",
    ),
    (
        '```json\n{{"reasoning": "',
        (
            "The cup is a container, and a plate is no container. ",
            "Statement {a} is about the plate, which I can see in both images. ",
            "There is a blue cup behind it in the last one. ",
        ),
        '", "answer": "{b}"}}\n```',
    ),
    (
        "I see a table with a plate and a cup. ",
        (
            "A cup stands on the left, and a second one may be hidden behind the plate. ",
            "It is hard to tell from {a} to {b}, since both would fit what I see. ",
            "In the last image a window was added.\n",
        ),
        "I'm sorry, I cannot determine which of them was changed.",
    ),
)


# Characters of a reply, and how many: each kind of reply as often as the others.
QUICK = ((200, 11), (400, 11))
SIZES = ((1_000, 990), (10_000, 99), (100_000, 11), (1_000_000, 11))


def reading(setup: Setup) -> Iterator[Job]:
    sizes = QUICK if setup.quick else SIZES
    yield race(setup, "letters of replies", partial(_case, *sizes[0]))
    for size, count in sizes:
        yield race(setup, f"over characters: {size}", partial(_case, size, count, axis="characters"))


def _case(size: int, count: int, axis: str | None = None) -> Case:
    texts = replies(size, count)
    return Case(
        name="letters of replies",
        sizes={"characters": size, "languages": 7},
        providers=(
            Provider("one regular expression, as the released scorer", partial(_official, texts), count),
            Provider("imug_metrics read_choice", _reader(texts, LETTERS), count),
            Provider("imug_metrics read_choice, texts of options known", _reader(texts, TEXTS), count),
        ),
        bytes_per_row=sum(len(text.encode()) for text in texts) / count,
        repeats=7 if axis is None else 3,
        timer=cpu_seconds,
        axis=axis,
    )


def replies(size: int, count: int) -> list[str]:
    """Replies of about so many characters, in seven languages in turn; no two of a length are alike."""
    chance = random.Random(0)
    return [_reply(size, chance, *parts) for parts, _ in zip(cycle(REPLIES), range(count))]


def _reply(size: int, chance: random.Random, beginning: str, thoughts: Sequence[str], end: str) -> str:
    def filled(template: str) -> str:
        first, second = chance.sample(LETTERS, 2)
        return template.format(a=first, b=second)

    pieces = [filled(beginning)]
    last = filled(end)
    length = len(pieces[0]) + len(last)
    for thought in cycle(thoughts):
        pieces.append(filled(thought))
        length += len(pieces[-1])
        if length >= size:
            return "".join([*pieces, last])
    raise AssertionError("a cycle does not end")


def _official(texts: Sequence[str]) -> None:
    choice_mask(texts, "imug")


def _reader(texts: Sequence[str], options: Options) -> Callable[[], None]:
    def read() -> None:
        for text in texts:
            read_choice(text, options)

    return read
