# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Small English word lists that tell words which say something from words which do not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WordLists:
    """Words by kind, in lower case and singular. Give other lists for another language or domain.

    Attributes:
        function: grammar: articles, pronouns, auxiliaries, conjunctions, prepositions that name no place.
        stock: approval and talk about the task that would fit any image: "looks", "correct", "prompt".
        numbers: number words; digits always count.
        colours: names of colours.
        places: words that say where something is.
        languages: ISO 639-1 codes of the languages that the lists cover, of `imug_metrics.reading.languages`. Texts in
            another language are then left unread. Empty: every text is read.
    """

    function: frozenset[str]
    stock: frozenset[str]
    numbers: frozenset[str]
    colours: frozenset[str]
    places: frozenset[str]
    languages: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENGLISH = WordLists(
    function=_words(
        """
        a an the this that these those it its they them their there here i me my we us our you your he him his she her
        is are was were be been being am do does did done doing have has had having can could will would shall should
        may might must not nor and or but if then else so as than because since while when where which who whom whose
        what why how of to from in on at by for with without into onto about also too very just only both either neither
        each every all any some such same other another more most less least much many few several own again once now
        still yet even ever never always already up down out off over through during before after until s t re ve ll d m
        isn't aren't wasn't weren't doesn't don't didn't hasn't haven't can't couldn't won't wouldn't shouldn't it's
        that's there's
        """
    ),
    stock=_words(
        """
        yes no ok okay right wrong correct correctly incorrect good great nice fine perfect perfectly excellent well bad
        look looking looked seem seeming appear appearing appeared match matching matched meet meeting met satisfy
        satisfied follow following followed fulfill fulfilled requirement request requested instruction prompt
        criteria criterion expected expectation image picture photo result output answer response edit change task
        everything nothing something anything overall indeed sure certainly definitely clearly exactly exact accurate
        accurately proper properly successfully success approve approved accept accepted reject rejected pass passed
        fail failed verify verified check checked confirm confirmed true false acceptable reasonable consistent
        appropriate
        """
    ),
    numbers=_words(
        """
        zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
        eighteen nineteen twenty thirty forty fifty sixty hundred thousand dozen half third quarter double triple single
        twice
        """
    ),
    colours=_words(
        """
        red orange yellow green blue purple violet pink brown black white grey gray cyan magenta turquoise teal navy
        beige gold golden silver maroon olive lime indigo crimson scarlet amber ivory tan
        """
    ),
    places=_words(
        """
        left above below under underneath behind beside between inside outside near next front back top bottom center
        centre middle corner edge side upper lower foreground background opposite adjacent beneath row column
        """
    ),
    languages=("en",),
)
