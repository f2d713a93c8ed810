"""Worlds made by a rule, one a file: what the answer is, exactly, to any row.

The file name is what a card writes under `generator.kind`; the keyword-only parameters are what it
writes under ``generator.with`` and what the injection `change_rule` writes under `to`. The rows are
river's own (`river.datasets.synth`), drawn once; the rule is written again here, for whole columns at
once, so that it can answer for rows that were moved and under settings that river's stream is not in.
The tests hold every rule against river's own answers, row by row.

Every module says:

`PROBLEM`
    `binary` or `regression`. river's generators of several classes wait for such problems.
`COLUMNS`
    The features in river's order, each `numeric` or `categorical`.
`WORDS`
    For categorical columns: what river's values are called, by column. A value without a word is
    written as it is.
`CONCEPTS`
    The settings under which river has the very same concept, the first of them the default.
`river(seed, *, …)`
    The name of river's generator and its arguments, under which it draws from this law.
the rule itself, called as the file
    ``f(rows, seed, *, …) -> answers``, shape (n,): 0 or 1 where the problem is binary, else the mean.
    It is total: a category it never heard of, or a missing value, has none of the properties that the
    rule asks for. The seed is the generator's, for rules that are drawn themselves.
"""
