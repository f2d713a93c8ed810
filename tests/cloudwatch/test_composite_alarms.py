"""An AlarmRule is parsed, not evaluated as code, and combines other alarms' states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.cloudwatch.composite import CompositeAlarm, Rule, decide, order, parse

STATES = {"a": "ALARM", "b": "OK", "b c": "ALARM", 'x"y': "ALARM", "d:e:f": "ALARM"}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a")', True),
        ("ALARM( b )", False),
        ("OK(b) AND ALARM(a)", True),
        ('ALARM("b c")', True),
        (r'ALARM("x\"y")', True),
        ("ALARM(d:e:f)", True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)", True),
        ("INSUFFICIENT_DATA(nobody)", True),
        ("NOT ALARM(b)", True),
        ("NOT NOT ALARM(b)", False),
        ("TRUE OR FALSE AND FALSE", True),  # AND binds closer
        ("(TRUE OR FALSE) AND FALSE", False),
        ("NOT ALARM(a) OR ALARM(a)", True),  # NOT binds closest
        ("NOT (ALARM(a) OR ALARM(b))", False),
        ("(ALARM(a) OR ALARM(b)) AND OK(b)", True),
        ("TRUE", True),
        ("FALSE", False),
    ],
)
def test_a_rule_is_true_of_some_states(rule: str, holds: bool) -> None:
    assert decide(parse(rule), STATES) == ("ALARM" if holds else "OK")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "the end of the rule: an alarm's state"),
        ("ALARM(a) ALARM(b)", "AND, OR or the end"),
        ("ALARM(a) AND", "the end of the rule: an alarm's state"),
        ("(ALARM(a)", "a closing parenthesis"),
        ("ALARM(a))", "AND, OR or the end"),
        ("SOUNDS(a)", "is no part of a rule"),
        ("alarm(a)", "is no part of a rule"),
        ("__import__('os')", "is no part of a rule"),
        (" OR ".join(f"ALARM(a{n})" for n in range(101)), "more than 100 alarms"),
        (" OR ".join(["TRUE"] * 501), "more than 500 elements"),
        ("TRUE" + " " * 10240, "10240"),
    ],
)
def test_what_is_no_rule_is_told_where(rule: str, said: str) -> None:
    with pytest.raises(ValueError, match=".") as wrong:
        parse(rule)
    assert said in str(wrong.value)


rules = st.recursive(
    st.builds(lambda word, name: f"{word}({name})", st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"]), st.sampled_from("abc"))
    | st.sampled_from(["TRUE", "FALSE"]),
    lambda inner: st.builds(lambda x, y, word: f"({x} {word} {y})", inner, inner, st.sampled_from(["AND", "OR"]))
    | inner.map(lambda x: f"NOT {x}"),
    max_leaves=8,
)  # fmt: skip
seen = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]))


@given(rule=rules, states=seen)
def test_negation_turns_every_rule_around(rule: str, states: dict[str, str]) -> None:
    assert decide(parse(f"NOT {rule}"), states) != decide(parse(rule), states)


@given(rule=rules, states=seen, other=st.sampled_from(["OK", "ALARM"]))
def test_only_the_alarms_it_names_count(rule: str, states: dict[str, str], other: str) -> None:
    parsed = parse(rule)
    assert set(parsed.children()) <= set("abc")
    assert decide(parsed, states) == decide(parsed, {**states, "z": other})
    named = {name: state for name, state in states.items() if name in set(parsed.children())}
    assert decide(parsed, named) == decide(parsed, states)


def test_alarms_come_after_those_they_look_at_and_never_in_a_circle() -> None:
    chain = {name: CompositeAlarm(f"ALARM({child})") for name, child in ("ab", "bc", "cm")}
    assert order(chain) == ["c", "b", "a"]
    with pytest.raises(ValueError, match="in a circle: a -> b -> c -> a"):
        order(chain | {"c": CompositeAlarm("NOT ALARM(a)")})
    with pytest.raises(ValueError, match="in a circle: a -> a"):
        order({"a": CompositeAlarm("ALARM(a)")})


def test_a_rule_knows_its_alarms_from_left_to_right() -> None:
    assert list(parse("ALARM(z) OR (OK(a) AND TRUE)").children()) == ["z", "a"]
    assert Rule("TRUE").holds({})
