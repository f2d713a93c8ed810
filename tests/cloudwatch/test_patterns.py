"""EventBridge's documented pattern semantics, case by case and by properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.cloudwatch.patterns import matches, problems_in

EVENT: dict[str, Any] = {
    "source": "aws.sagemaker",
    "detail-type": "SageMaker Model Package State Change",
    "resources": ["arn:1", "arn:2"],
    "empty": "",
    "nothing": None,
    "none": [],
    "detail": {
        "status": "Completed",
        "count": 300,
        "share": 300.0,
        "flag": True,
        "ip": "10.0.0.7",
        "name": "Model*A",
        "things": [{"kind": "a", "size": 1}, {"kind": "b", "size": 9}],
    },
}


def detail(**fields: Any) -> dict[str, Any]:
    return {"detail": fields}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ({"source": ["aws.sagemaker"]}, True),
        ({"source": ["aws.s3", "aws.sagemaker"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": ["aws.sagemaker"], "detail": {"status": ["Failed"]}}, False),  # every field must match
        ({"resources": ["arn:2"]}, True),  # one element of a list is enough
        ({"resources": ["arn:3"]}, False),
        ({"empty": [""]}, True),
        ({"nothing": [None]}, True),
        ({"empty": [None]}, False),
        ({"absent": [None]}, False),
        (detail(flag=[True]), True),
        (detail(flag=[1]), False),
        (detail(count=[300]), True),
        (detail(count=[300.0]), False),  # exact numbers are compared as they are written
        (detail(share=[300]), False),
        (detail(share=[{"numeric": ["=", 300]}]), True),
        (detail(count=[{"numeric": [">", 0, "<=", 300]}]), True),
        (detail(count=[{"numeric": [">", 0, "<", 300]}]), False),
        (detail(status=[{"numeric": [">", 0]}]), False),
        (detail(flag=[{"numeric": ["=", 1]}]), False),
        ({"source": [{"prefix": "aws."}]}, True),
        ({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True),
        ({"source": [{"suffix": "maker"}]}, True),
        ({"source": [{"suffix": {"equals-ignore-case": "MAKER"}}]}, True),
        ({"source": [{"suffix": "s3"}]}, False),
        (detail(status=[{"equals-ignore-case": "COMPLETED"}]), True),
        (detail(status=[{"wildcard": "C*t*d"}]), True),
        (detail(status=[{"wildcard": "C*x"}]), False),
        (detail(name=[{"wildcard": r"Model\*?"}]), False),
        (detail(name=[{"wildcard": r"Model\*A"}]), True),
        (detail(status=[{"wildcard": r"Comp\*"}]), False),
        (detail(status=[{"anything-but": "Failed"}]), True),
        (detail(status=[{"anything-but": ["Failed", "Completed"]}]), False),
        (detail(status=[{"anything-but": {"prefix": "Comp"}}]), False),
        (detail(status=[{"anything-but": {"suffix": ["led", "x"]}}]), True),
        (detail(status=[{"anything-but": {"equals-ignore-case": "completed"}}]), False),
        (detail(status=[{"anything-but": {"wildcard": "*let*"}}]), False),
        (detail(count=[{"anything-but": 300}]), False),
        (detail(absent=[{"anything-but": "x"}]), False),  # what is not there is not anything
        ({"resources": [{"anything-but": "arn:1"}]}, True),
        (detail(status=[{"exists": True}]), True),
        (detail(status=[{"exists": False}]), False),
        (detail(absent=[{"exists": False}]), True),
        (detail(absent=[{"exists": True}]), False),
        ({"absent": {"deeper": [{"exists": False}]}}, True),
        ({"detail": [{"exists": True}]}, False),  # only a leaf exists
        ({"none": [{"exists": True}]}, False),
        ({"nothing": [{"exists": True}]}, True),
        (detail(ip=[{"cidr": "10.0.0.0/24"}]), True),
        (detail(ip=[{"cidr": "10.0.1.0/24"}]), False),
        (detail(status=[{"cidr": "10.0.1.0/24"}]), False),
        (detail(things={"kind": ["b"], "size": [{"numeric": [">", 5]}]}), True),
        (detail(things={"kind": ["a"], "size": [{"numeric": [">", 5]}]}), False),  # of one object, not of two
        ({"$or": [{"source": ["aws.s3"]}, {"detail": {"status": ["Completed"]}}]}, True),
        ({"$or": [{"source": ["aws.s3"]}, {"source": ["aws.ec2"]}]}, False),
        ({"empty": [""], "$or": [{"source": ["aws.s3"]}, {"source": ["aws.ec2"]}]}, False),
        (detail(**{"$or": [{"count": [1]}, {"status": ["Completed"]}]}), True),
        ({"source": {"deeper": ["x"]}}, False),
    ],
)
def test_a_pattern_matches_as_documented(pattern: dict[str, Any], matched: bool) -> None:
    assert list(problems_in(pattern)) == []
    assert matches(pattern, EVENT) is matched


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ({}, "not empty"),
        ({"source": "aws"}, "source: a field is given as a list"),
        ({"source": []}, "an empty list"),
        ({"source": [["aws"]]}, "a list inside"),
        ({"detail": {"a": [{"prefx": "x"}]}}, "detail.a: no operator called 'prefx'; did you mean 'prefix'?"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "one operator"),
        ({"a": [{"numeric": [">"]}]}, "an operator and a number"),
        ({"a": [{"numeric": ["~", 1]}]}, "compares nothing"),
        ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "from below to above"),
        ({"a": [{"numeric": [">", 6e9]}]}, "between"),
        ({"a": [{"exists": "yes"}]}, "neither true nor false"),
        ({"a": [{"cidr": "ten"}]}, "a.cidr"),
        ({"a": [{"wildcard": "x**y"}]}, "two asterisks"),
        ({"a": [{"anything-but": {"numeric": 1}}]}, "right is a value"),
        ({"a": [{"anything-but": []}]}, "right is a text"),
        ({"$or": [{"a": ["x"]}]}, "at least two"),
    ],
)
def test_what_is_no_pattern_is_told_where(pattern: Any, said: str) -> None:
    assert said in " ".join(problems_in(pattern))


leaves = st.text("ab*.", max_size=4) | st.integers(-3, 3) | st.booleans() | st.none()
events = st.recursive(
    leaves | st.lists(leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3),
    max_leaves=8,
).filter(lambda event: isinstance(event, dict))


def as_pattern(event: Any) -> Any:
    """What asks for exactly that event."""
    if isinstance(event, dict):
        return {key: as_pattern(value) for key, value in event.items()}
    values = event if isinstance(event, list) else [event]
    return values or [{"exists": False}]


@given(event=events)
def test_an_event_matches_the_pattern_made_of_it(event: dict[str, Any]) -> None:
    pattern = as_pattern(event)
    assert list(problems_in(pattern)) == []
    assert matches(pattern, event)


@given(event=events, key=st.sampled_from("xyz"), value=st.text("ab", min_size=1, max_size=2))
def test_more_fields_match_less_and_more_elements_match_more(
    event: dict[str, Any], key: str, value: str
) -> None:
    narrow, wide = {key: [value]}, {key: [value, {"exists": True}]}
    if matches(narrow, event):
        assert matches(wide, event)
    if matches({**as_pattern(event), **narrow}, event):
        assert matches(as_pattern(event), event)


@given(event=events, key=st.sampled_from("xyz"))
def test_a_field_exists_or_does_not(event: dict[str, Any], key: str) -> None:
    assert matches({key: [{"exists": True}]}, event) != matches({key: [{"exists": False}]}, event)


@given(value=st.text("ab*\\", max_size=6), wanted=st.text("ab", min_size=1, max_size=3))
def test_text_operators_agree_with_each_other(value: str, wanted: str) -> None:
    event = {"x": value}
    assert matches({"x": [{"prefix": wanted}]}, event) == matches({"x": [{"wildcard": f"{wanted}*"}]}, event)
    assert matches({"x": [{"suffix": wanted}]}, event) == matches({"x": [{"wildcard": f"*{wanted}"}]}, event)
    assert matches({"x": [{"anything-but": wanted}]}, event) != matches({"x": [wanted]}, event)
    escaped = value.replace("\\", "\\\\").replace("*", "\\*")
    assert matches({"x": [{"wildcard": escaped}]}, event)


@given(one=st.text("ab", max_size=2), two=st.text("ab", max_size=2), event=events)
def test_or_is_either(one: str, two: str, event: dict[str, Any]) -> None:
    first, second = {"x": [one]}, {"y": [two]}
    assert matches({"$or": [first, second]}, event) == (matches(first, event) or matches(second, event))
