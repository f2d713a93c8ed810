"""Composite alarms: an AlarmRule over the states of other alarms.

`(ALARM(cpu) OR ALARM("disk full")) AND NOT OK(arn:aws:cloudwatch:us-east-1:000000000000:alarm:net)`.
NOT binds closer than AND, AND closer than OR.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ConfigDict

from simlab.cloudwatch.alarms import State, state

MOST_CHILDREN = 100
MOST_NESTED = 100
"""Brackets that open and NOTs: simlab's own bound, for each goes one deeper."""
MOST_ELEMENTS = 500
LONGEST_RULE = 10240

_TOKEN = re.compile(
    r"""\s*(?:(?P<call>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<bare>[^()"\s]+))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))""",
    re.VERBOSE,
)
_ARN = re.compile(r"arn:aws[\w-]*:cloudwatch:[^:]*:[^:]*:alarm:(.+)")


@dataclass(frozen=True)
class CompositeAlarm:
    """An alarm over other alarms, with the keys of PutCompositeAlarm."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    alarm_rule: str
    """`ALARM("data_quality:drift:age") AND NOT OK(quality)`: metric and composite alarms by their own
    names, and the monitors' alarms by the names under which they sound."""
    alarm_description: str = ""
    alarm_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to ALARM."""
    ok_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to OK."""
    insufficient_data_actions: tuple[str, ...] = ()
    """Topics that are told when it goes to INSUFFICIENT_DATA; a composite alarm never goes back to it."""


@dataclass(frozen=True)
class Rule:
    """A parsed AlarmRule: one element, and what it combines."""

    word: str
    """AND, OR, NOT, TRUE, FALSE, or the state that an alarm must be in."""
    parts: tuple[Rule, ...] = ()
    alarm: str = ""

    def holds(self, states: Mapping[str, str]) -> bool:
        """Whether the rule is true of the alarms' states; an unknown alarm has INSUFFICIENT_DATA."""
        match self.word:
            case "TRUE" | "FALSE":
                return self.word == "TRUE"
            case "NOT":
                return not self.parts[0].holds(states)
            case "AND":
                return all(part.holds(states) for part in self.parts)
            case "OR":
                return any(part.holds(states) for part in self.parts)
            case _:
                return state(states.get(self.alarm, "")) == self.word

    def children(self) -> Iterator[str]:
        """Names of the alarms it looks at, from left to right."""
        if self.alarm:
            yield self.alarm
        for part in self.parts:
            yield from part.children()


def parse(text: str) -> Rule:
    """Parse an AlarmRule.

    Raises
    ------
    ValueError
        It is no rule; the message says where it ends to be one.

    >>> sorted(parse('ALARM(a) AND NOT (OK("b c") OR FALSE)').children())
    ['a', 'b c']
    """
    if len(text) > LONGEST_RULE:
        raise ValueError(f"{len(text)} characters are more than the {LONGEST_RULE} that a rule may have")
    tokens = _tokens(text)
    nested = sum(word in ("(", "NOT") for _, word, _ in tokens)
    if nested > MOST_NESTED:
        raise ValueError(f"{nested} brackets and NOTs are more than the {MOST_NESTED} that are read")
    rule, rest = _either(tokens, 0, text)
    if rest < len(tokens):
        raise ValueError(f"{_at(text, tokens, rest)}: AND, OR or the end would be right here")
    if len(set(rule.children())) > MOST_CHILDREN:
        raise ValueError(f"more than {MOST_CHILDREN} alarms stand in the rule")
    if sum(kind != "join" for kind, _, _ in tokens) > MOST_ELEMENTS:
        raise ValueError(f"more than {MOST_ELEMENTS} elements stand in the rule")
    return rule


Token = tuple[str, str, int]
"""Kind, text, and where it begins."""


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            where = text[at:].strip()[:30]
            raise ValueError(
                f"{where!r} is no part of a rule; right are ALARM(name), OK(name), INSUFFICIENT_DATA(name), "
                "TRUE, FALSE, AND, OR, NOT and parentheses"
            )
        if token["call"]:
            name = re.sub(r"\\(.)", r"\1", token["quoted"]) if token["quoted"] else token["bare"]
            named = _ARN.fullmatch(name)
            found.append((token["call"], named[1] if named else name, at))
        elif token["word"]:
            kind = "join" if token["word"] in ("AND", "OR", "NOT") else token["word"]
            found.append((kind, token["word"], at))
        else:
            found.append(("bracket", token["bracket"], at))
        at = token.end()
    return found


def _at(text: str, tokens: list[Token], n: int) -> str:
    """Where in a rule something is wrong, for a message."""
    return repr(text[tokens[n][2] :].strip()[:30]) if n < len(tokens) else "the end of the rule"


def _either(tokens: list[Token], n: int, text: str) -> tuple[Rule, int]:
    return _chain("OR", tokens, n, text)


def _chain(word: str, tokens: list[Token], n: int, text: str) -> tuple[Rule, int]:
    """Parts joined by one word; those of OR are chains of AND."""

    def part(at: int) -> tuple[Rule, int]:
        return _chain("AND", tokens, at, text) if word == "OR" else _one(tokens, at, text)

    first, n = part(n)
    parts = [first]
    while n < len(tokens) and tokens[n][:2] == ("join", word):
        following, n = part(n + 1)
        parts.append(following)
    return (first if len(parts) == 1 else Rule(word, tuple(parts))), n


def _one(tokens: list[Token], n: int, text: str) -> tuple[Rule, int]:
    """A negation, a group, a constant, or the state of one alarm."""
    kind, value, _ = tokens[n] if n < len(tokens) else ("", "", 0)
    if (kind, value) == ("join", "NOT"):
        inner, n = _one(tokens, n + 1, text)
        return Rule("NOT", (inner,)), n
    if (kind, value) == ("bracket", "("):
        inner, n = _either(tokens, n + 1, text)
        if n >= len(tokens) or tokens[n][1] != ")":
            raise ValueError(f"{_at(text, tokens, n)}: a closing parenthesis would be right here")
        return inner, n + 1
    if kind in ("TRUE", "FALSE"):
        return Rule(kind), n + 1
    if kind in ("ALARM", "OK", "INSUFFICIENT_DATA"):
        return Rule(kind, alarm=value), n + 1
    raise ValueError(f"{_at(text, tokens, n)}: an alarm's state, TRUE, FALSE, NOT or ( would be right here")


def order(composites: Mapping[str, CompositeAlarm]) -> list[str]:
    """The composite alarms in an order in which each comes after those it looks at.

    Raises
    ------
    ValueError
        Some look at each other in a circle, or a rule is none.

    >>> order({"a": CompositeAlarm("ALARM(b)"), "b": CompositeAlarm("ALARM(m)")})
    ['b', 'a']
    """
    found: list[str] = []
    rules = {name: parse(alarm.alarm_rule) for name, alarm in composites.items()}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            raise ValueError(f"composite alarms look at each other in a circle: {circle}")
        if name in found:
            return
        for child in rules[name].children():
            if child in rules:
                visit(child, (*above, name))
        found.append(name)

    for name in sorted(rules):
        visit(name, ())
    return found


def decide(rule: Rule, states: Mapping[str, str]) -> State:
    """The state of a composite alarm: ALARM where its rule holds, else OK."""
    return "ALARM" if rule.holds(states) else "OK"
