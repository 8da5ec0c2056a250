# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of objects are brought to one form, and what contradicts itself is refused."""

from __future__ import annotations

import pytest

from imug_metrics.reading.object_names import LONGEST_OBJECT, ObjectNames, check_object


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Dog", "dog"),
        (" traffic \n\tLIGHT ", "traffic light"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("e\u0301clair", "éclair"),
        ("ÉCLAIR", "éclair"),
        ("dogs", "dogs"),
        ("\u3000猫", "猫"),
    ],
)
def test_names_are_folded(name: str, form: str) -> None:
    assert ObjectNames()(name) == form


def test_synonyms_stand_for_one_name_on_both_sides_of_the_function() -> None:
    names = ObjectNames({"Puppies": "Dogs", "dog": "DOG"}, lambda name: name.removesuffix("s"))
    assert {names(name) for name in ("puppie", "PUPPIES", "dog", " Dogs")} == {"dog"}


def test_a_chain_and_two_meanings_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'a' for 'b', which stands for 'c'"):
        ObjectNames({"a": "b", "b": "c"})
    with pytest.raises(ValueError, match="to give 'a' one meaning"):
        ObjectNames({"a": "b", "A ": "c"})


@pytest.mark.parametrize("name", ["", "\n", "x" * (LONGEST_OBJECT + 1), 1, None, ["dog"], b"dog"])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(ValueError, match="Expected the name of an object to be text of 1 to 1000 characters") as caught:
        check_object(name)
    assert len(str(caught.value)) < 200
