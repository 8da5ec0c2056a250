# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of objects, as detectors, parsers and judges write them, under the one name that they are compared by."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

LONGEST_OBJECT = 1000
"""Characters of the name of an object."""


class ObjectNames:
    """Brings names of objects to one form: folded, then as a function of the caller has them, then without synonyms.

    Folding takes away differences of case, of white space and of how Unicode composes a letter. Plurals are left as
    they are, since what a plural is hangs on the language: a function can take them away.

    Args:
        synonyms: by name, the name that it stands for; names on both sides are brought to their form too.
        normalize: from a folded name to the one that is compared, as of a lemmatiser; None: the folded one is.

    Raises:
        ValueError: if an argument is none of these, a name is none, or stands for two others, or for one that itself
            stands for another.

    Example:
        >>> names = ObjectNames({"puppy": "dog"}, lambda name: name.removesuffix("s"))
        >>> names(" Traffic  Lights"), names("puppys")
        ('traffic light', 'dog')
    """

    def __init__(
        self, synonyms: Mapping[str, str] | None = None, normalize: Callable[[str], str] | None = None
    ) -> None:
        if not isinstance(synonyms, Mapping | None):
            raise ValueError(f"Expected argument `synonyms` to be a mapping from names to names, got {synonyms!r:.80}.")
        if not (normalize is None or callable(normalize)):
            raise ValueError(f"Expected argument `normalize` to be a function, got {normalize!r:.80}.")
        self.normalize = normalize
        self._meant: dict[str, str] = {}
        for name, meaning in (synonyms or {}).items():
            one, other = self._formed(name), self._formed(meaning)
            if self._meant.setdefault(one, other) != other:
                raise ValueError(f"Expected argument `synonyms` to give {one!r} one meaning, got two.")
        for name, meaning in self._meant.items():
            if self._meant.get(meaning, meaning) != meaning:
                raise ValueError(
                    f"Expected argument `synonyms` to lead to names that stand for themselves, got {name!r} for "
                    f"{meaning!r}, which stands for {self._meant[meaning]!r}."
                )

    def __call__(self, name: str) -> str:
        """The name that a name is compared by.

        Raises:
            ValueError: if it is no name, see `check_object`, or the function makes none of it.
        """
        found = self._formed(name)
        return self._meant.get(found, found)

    def _formed(self, name: str) -> str:
        check_object(name)
        found = unicodedata.normalize("NFC", " ".join(name.casefold().split()))
        if self.normalize is None:
            return found
        try:
            check_object(made := self.normalize(found))
        except ValueError as error:
            raise ValueError(f"Expected argument `normalize` to make a name of {found!r:.80}: {error}") from error
        return made


def check_object(name: object) -> None:
    """Raise ValueError unless a name is text of up to `LONGEST_OBJECT` characters, some of which are no white space.

    Example:
        >>> check_object(" ")
        Traceback (most recent call last):
        ValueError: Expected the name of an object to be text of 1 to 1000 characters, got ' '.
    """
    if isinstance(name, str) and len(name) <= LONGEST_OBJECT and name.strip():
        return
    got = f"{len(name)} characters" if isinstance(name, str) and len(name) > LONGEST_OBJECT else _shown(name)
    raise ValueError(f"Expected the name of an object to be text of 1 to {LONGEST_OBJECT} characters, got {got}.")


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, (str, int, float, type(None))) else f"a {type(value).__name__}"
