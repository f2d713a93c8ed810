"""Ways to hurt the world, one a file: what an injection does, once the core has said when and to whom.

The file name is what a scenario writes under `kind:`; the keyword-only parameters are what it writes
under `with:`. The core owns when (`start`, `end`, `shape`), where (`where`, `fraction`) and how hard;
it hands over the rows of one window, which of them may be touched, a strength in [0, 1], a generator
that belongs to this injection and window alone, and the mean and standard deviation of each numeric
column in the baseline.

Every module says:

`SEAM`
    Where it acts: `traffic` (rows as they are sent), `draw` (weights with which rows are drawn),
    `labels` (the law or the record of the answers), `monitor.run` (what the monitors say).
`LABELS`
    What becomes of the true answers: `ask` (the world's labeller answers for the moved row), `keep`
    (a measurement error or a broken message: the truth stands), `weights` (rows are drawn
    differently, each with its own answer), `concept` (the function returns the new law of the
    answers), `noise` (the function returns the answers as they are recorded).
`COLUMN`
    Kind of column it takes: `numeric`, `categorical`, `any`, or None where it takes none.
`PROBLEMS`
    Kinds of problem it makes sense for.

What every injector keeps to: the same arguments give the same bytes, nothing given is changed, a
strength of 0 gives back the very object that was given, and rows outside the mask keep their values.
A change with no halfway (a unit, a column's name) strikes at strength s the share s of the rows; one
uniform draw per row is taken before the mask is looked at, so a world with and one without the
injection stay comparable row by row, and a row struck at some strength is struck at every greater one.
"""
