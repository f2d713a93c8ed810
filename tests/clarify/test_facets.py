"""Facets: who is in which group, and what the groups are called."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from simlab.clarify.bias import accepted, positive
from simlab.clarify.facets import Facets, Threshold, facet_of, problems_in, split, strata
from simlab.errors import SimlabError
from simlab.signature import adapter


def texts(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def numbers(*values: float | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64())])


def test_without_values_each_is_a_group_against_all_others() -> None:
    found = split("race", texts("b", "a", None, "b"), None)
    assert found.keys == found.texts == ("a", "b")
    assert found.member.tolist() == [[False, True, False, False], [True, False, False, True]]


def test_several_values_are_one_group_and_a_value_nobody_has_is_an_empty_one() -> None:
    found = split("race", texts("b", "a", None, "c"), ("b", "c", "z"))
    assert found.texts == ("b,c,z",) and found.member.tolist() == [[True, False, False, True]]
    assert not split("race", texts("a", None), ("z",)).member.any()
    assert not split("race", texts(None, None), ("z",)).member.any()


def test_a_threshold_is_an_open_closed_interval_up_to_the_greatest_value() -> None:
    found = split("age", numbers(40, 41, None, 90), Threshold(40))
    assert (found.keys, found.texts) == (("40",), ("(40, 90]",))
    assert found.member.tolist() == [[False, True, False, True]]
    assert split("score", numbers(0.2, 0.75), Threshold(0.5)).texts == ("(0.5, 0.75]",)


def test_numbers_are_continuous_from_one_in_twenty_different_values_on() -> None:
    few = numbers(*([0.0] * 30 + [1.0] * 30))  # 2 of 60
    assert split("flag", few, (1,)).texts == ("1",)
    assert split("flag", few, None).keys == ("0", "1")
    many = numbers(*range(60))
    assert split("age", many, (40,)).texts == ("(40, 59]",)
    assert split("age", many, (40, 41)).member.sum() == 2  # a list of values is never a threshold
    with pytest.raises(SimlabError, match="facet age: a continuous column needs a threshold"):
        split("age", many, None)
    fractions = numbers(*([0.5] * 60))
    assert split("share", fractions, (0.4,)).texts == ("(0.4, 0.5]",)


@pytest.mark.parametrize(
    ("column", "facet", "says"),
    [
        (texts("a"), Threshold(1), "a threshold needs numbers"),
        (numbers(1, 2), ("old",), "the column holds numbers"),
    ],
)
def test_a_facet_that_does_not_fit_its_column_is_refused(column, facet, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SimlabError, match=says):
        split("x", column, facet)


def test_a_person_writes_a_value_a_list_a_threshold_or_nothing() -> None:
    wanted = adapter(Facets)
    typed = wanted.validate_python(
        {"sex": "Female", "race": ["B", "C"], "age": {"threshold": 40}, "job": None}
    )
    assert typed == {"sex": ("Female",), "race": ("B", "C"), "age": Threshold(40.0), "job": None}
    for wrong, says in [
        ({"age": {"treshold": 40}}, "no key called 'treshold'; did you mean 'threshold'?"),
        ({"age": {"threshold": "old"}}, "a threshold is a number"),
        ({"sex": [["a"]]}, "a group is a value"),
    ]:
        with pytest.raises(ValueError, match=says.replace("?", r"\?")):
            wanted.validate_python(wrong)


def test_a_facet_is_looked_up_before_anything_runs() -> None:
    columns = {"sex": "categorical", "age": "numeric"}
    facets: Facets = {"sexx": ("F",), "sex": Threshold(1), "age": ()}
    found = dict(problems_in(facets, "aeg", columns))
    assert found["facets"] == "no column called 'sexx'; did you mean 'sex'?"
    assert found["facets.sex"] == "a threshold needs a numeric column"
    assert found["facets.age"].startswith("write at least one value")
    assert found["group_variable"] == "no column called 'aeg'; did you mean 'age'?"
    assert not list(problems_in({"sex": None, "age": Threshold(1)}, "sex", columns))


def test_the_groups_of_a_file_are_a_facet_again() -> None:
    assert facet_of(["(0.5, 0.99]"]) == Threshold(0.5)
    assert facet_of(["Black,Other"]) == ("Black", "Other")
    assert facet_of(["A", "B"]) is None
    assert facet_of(["(a, b]"]) == ("(a", " b]"), "no numbers, so no interval"


def test_the_unknown_is_a_stratum_of_its_own() -> None:
    codes, number = strata(texts("n", None, "s"), "region", 3)
    assert len(set(codes.tolist())) == 3 and number == 3
    codes, number = strata(numbers(1, None, 1), "part", 3)
    assert codes[0] == codes[2] != codes[1] and number == 2
    assert strata(None, "", 2)[1] == 1
    with pytest.raises(SimlabError, match="group variable id: it has 1001 values"):
        strata(numbers(*range(1001)), "id", 1001)


def test_positive_is_1_or_in_a_regression_what_lies_above_a_threshold() -> None:
    labels = np.array([0.0, 1.0, 2.0])
    assert positive(labels).tolist() == [False, True, False]
    assert positive(labels, above=1).tolist() == [False, False, True]
    assert accepted(np.array([0.2, 0.3]), 0.3).tolist() == [False, True]
    assert accepted(labels, 0.3, above=1).tolist() == [False, False, True]


def test_how_a_column_is_laid_out_does_not_matter() -> None:
    plain = texts("b", "a", None, "b")
    parts = pa.chunked_array([plain.slice(0, 1).combine_chunks(), plain.slice(1).combine_chunks()])
    for column in (parts, plain.cast(pa.dictionary(pa.int32(), pa.string())), plain.cast(pa.large_string())):
        assert split("race", column, None).codes.tolist() == split("race", plain, None).codes.tolist()
        assert strata(column, "race", 4)[0].tolist() == strata(plain, "race", 4)[0].tolist()


def test_no_rows_are_no_groups_or_an_empty_one() -> None:
    assert split("race", texts(), None).keys == ()
    assert not split("race", texts(), ("a",)).member.any()
    assert split("age", numbers(), Threshold(40)).texts == ("(40, 40]",)
