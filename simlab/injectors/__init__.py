"""Ways to hurt the world, one a file: what an injection does, once the core has said when and to whom.

The file name is what a scenario writes under `kind:`; the keyword-only parameters are what it writes
under `with:`. The core owns when (`start`, `end`, `shape`), where (`where`, `fraction`) and how hard;
it hands over the rows of one window, which of them may be touched (`mask`), a strength in [0, 1], a
generator that belongs to this injection and window alone (`rng`), and what may be known of the
undisturbed world (`reference`, see `simlab.reference.Reference`).

Every module says where it acts, `SEAM`, and with it what its function is given and gives back:

`traffic`
    Rows as they are sent: ``f(rows, mask, strength, rng, reference, *, …) -> rows``, as many as before.
    `LABELS` is `ask` (the row really moved: the world's labeller answers for it) or `keep` (a
    measurement error, a broken message, or a law of X given Y: the answer stands).
`draw`
    Who arrives: ``f(pool, strength, reference, *, …) -> weights`` above 0, one per row of the pool,
    which has the target. `LABELS` is `weights`: each row keeps its own answer. On training rows it
    draws as many of them anew.
`decisions`
    Who arrives, as a consequence of what was answered before: ``f(pool, past, strength, reference, *,
    group, …) -> weights``, where `past` tells for each value of the column `group` how many rows were
    answered and how many of them yes. `LABELS` is `weights`.
`labels`
    `LABELS` is `concept` (the law of the answers: ``f(eta, rows, mask, strength, reference, *, …) ->
    eta``, the chance of a yes or a regression's mean) or `noise` (the record of the answers:
    ``f(labels, rows, mask, strength, rng, reference, *, …) -> labels``; what truly happened stays; the
    rows are the people as they are, whatever was sent of them, with the answer that truly happened).
`arrival`
    When the record becomes known: ``f(delays, rows, answered, mask, strength, rng, reference, *, …) ->
    delays`` in seconds after the row, infinity for never; `answered` says which rows the model said yes
    to, and the target in the rows is as recorded. `LABELS` is `keep`.
`delivery`
    How messages are delivered: ``f(rows, mask, strength, rng, reference, *, …) -> rows``, perhaps with
    copies, in another order, or with another event time; no other value changes, and every row has an
    `inference_id` of its own. `LABELS` is `keep`.
`updates`
    Until which moment a feature view was told of its values: ``f(view, end, strength, *, …) -> end``.
    `LABELS` is `keep`.
`monitor.run`
    What the monitors say: ``f(findings, strength, *, …) -> findings``. `LABELS` is `keep`.
`monitor.schedule`
    Executions that are due in a window: ``f(due, strength, rng, *, …) -> due``, each a
    `simlab.schedules.Due`; some may be left out, or run later. `LABELS` is `keep`.
`monitor.baseline`
    Rows that the scheduled monitors' baseline jobs see: ``f(rows, mask, strength, rng, *, …) -> rows``,
    with `prediction` and `label`. `LABELS` is `keep`.

And further:

`COLUMN`
    Kind of column that the key `column` takes: `numeric`, `categorical`, `any`, or None where there is
    no such key. `ALSO` maps other keys that name columns (one, or a list) to the kind they take.
`PROBLEMS`
    Kinds of problem it makes sense for.
`SCHEMA`
    `changes` where columns of the rows may go or change places; else each stays where it was, and new
    ones, which a setting names, come behind them.
`NEW`, `APART`
    The key that names a column which must not be there yet; the keys that must name different columns.
`size(before, after, mask, strength, reference, *, …)`
    How large it was, declared beside measured, as a `simlab.reference.Size`; for a draw the pool (of the
    rows that `where` allows) and the weights stand for before and after, at the seam `updates` the two
    moments, and the mask is None. It is given further keywords: `rows` at the seam `labels`, `rows` and
    `answered` at `arrival`, `past` at `decisions`.
`undo(after, …)`
    Only where an exact inverse exists: given what the function gave back in place of its first argument,
    and otherwise the same arguments, it restores the very bytes.

What every injector keeps to: the same arguments give the same bytes, nothing given is changed, a
strength of 0 gives back the very object that was given, and rows outside the mask keep their values.
A change with no halfway (a unit, a column's name) strikes at strength s the share s of the rows; one
uniform draw per row is taken before the mask is looked at, so a world with and one without the
injection stay comparable row by row, and a row struck at some strength is struck at every greater one.
"""
