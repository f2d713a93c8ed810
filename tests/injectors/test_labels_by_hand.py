"""What the injectors of labels do, on data small enough to check by hand, or against the formula they name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simlab.injectors import (
    blur_labels,
    change_annotator,
    delay_labels,
    flip_by_class,
    flip_by_group,
    flip_labels,
    flip_near_boundary,
    lose_labels,
    select_labels,
)
from simlab.reference import Reference, Size

N = 20_000
RANDOM = np.random.default_rng(5)
AGE = RANDOM.normal(40, 10, N)
ROWS = pa.table(
    {"age": AGE, "city": np.where(np.arange(N) % 4 == 0, "Ulm", "Bonn"), "y": (AGE > 45).astype(float)}
)
Y = ROWS["y"].to_numpy()
ALL = np.ones(N, bool)
FEW = np.arange(N) < 5


def eta(rows: pa.Table) -> np.ndarray:
    """Unsure at 45, surer with every year from it."""
    return np.asarray(1 / (1 + np.exp(-(rows["age"].to_numpy() - 45) / 5)))


REFERENCE = Reference({"age": (40.0, 10.0)}, table=ROWS, target="y", eta=eta)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def recorded(
    module: Any, labels: np.ndarray = Y, strength: float = 1.0, mask: np.ndarray = ALL, **more: Any
) -> Any:
    function = getattr(module, module.__name__.rpartition(".")[2])
    return function(labels, ROWS, mask, strength, rng(), REFERENCE, **more)


def sized(
    module: Any, strength: float = 1.0, mask: np.ndarray = ALL, labels: np.ndarray = Y, **more: Any
) -> Size:
    """The size of an injection of the record, which must be what it declared."""
    after = recorded(module, labels, strength, mask, **more)
    found: Size = module.size(labels, after, mask, strength, REFERENCE, rows=ROWS, **more)
    off = found.off()
    assert off is not None and off < 4, found
    return found


def share(where: np.ndarray, labels: np.ndarray) -> float:
    return float((labels != Y)[where].mean())


# --- noise of the record ------------------------------------------------------------------------


def test_each_class_has_its_own_rate() -> None:
    after = recorded(flip_by_class, strength=0.5, from_0=0.1, from_1=0.6)
    assert share(Y == 0, after) == pytest.approx(0.05, abs=0.008)
    assert share(Y == 1, after) == pytest.approx(0.3, abs=0.025)
    found = sized(flip_by_class, 0.5, from_0=0.1, from_1=0.6)
    assert found.declared == pytest.approx(0.05 * (1 - Y.mean()) + 0.3 * Y.mean())


def test_a_class_without_a_rate_is_recorded_as_it_happened() -> None:
    assert share(Y == 0, recorded(flip_by_class, from_1=1.0)) == 0
    assert share(Y == 1, recorded(flip_by_class, from_1=1.0)) == 1


def test_each_group_has_its_own_rate_and_others_none() -> None:
    after = recorded(flip_by_group, group="city", rates={"Ulm": 0.4})
    ulm = np.arange(N) % 4 == 0
    assert share(ulm, after) == pytest.approx(0.4, abs=0.03) and share(~ulm, after) == 0
    assert sized(flip_by_group, group="city", rates={"Ulm": 0.4, "Bonn": 0.2}).declared == pytest.approx(0.25)


def test_a_group_that_nobody_belongs_to_is_named_with_the_nearest() -> None:
    with pytest.raises(LookupError, match="nobody in the baseline has city = 'Bon'; did you mean 'Bonn'"):
        recorded(flip_by_group, group="city", rates={"Bon": 0.4})


def test_on_the_boundary_the_record_is_wrong_most_often() -> None:
    after = recorded(flip_near_boundary, most=0.4, steepness=10)
    distance = np.abs(eta(ROWS) - 0.5)
    for low, high in ((0, 0.05), (0.1, 0.15), (0.3, 0.35), (0.45, 0.5)):
        here = (distance >= low) & (distance < high)
        expected = (0.8 / (1 + np.exp(10 * distance[here]))).mean()
        assert share(here, after) == pytest.approx(expected, abs=4 * np.sqrt(expected / here.sum()))
    sized(flip_near_boundary, 0.7, most=0.4, steepness=10, boundary=0.3)
    # By the formula: 2 * 0.4 / (1 + 1) on the boundary itself, a half of it where exp(k d) = 3.
    one = pa.table({"age": [45.0, 45.0 + 5 * np.log((0.5 + np.log(3) / 10) / (0.5 - np.log(3) / 10))]})
    known = flip_near_boundary.size(
        np.array([0.0]), np.array([1.0]), np.ones(1, bool), 1.0, REFERENCE, rows=one.slice(0, 1), most=0.4
    )
    half = flip_near_boundary.size(
        np.array([0.0]), np.array([1.0]), np.ones(1, bool), 1.0, REFERENCE, rows=one.slice(1), most=0.4
    )
    assert known.declared == pytest.approx(0.4) and half.declared == pytest.approx(0.2)


def test_another_annotator_has_a_rule_and_does_not_ask_what_happened() -> None:
    after = recorded(change_annotator, cut=0.2)
    assert (after == (eta(ROWS) >= 0.2)).all()
    half = recorded(change_annotator, cut=0.2, share=0.8, strength=0.5)
    differ = (eta(ROWS) >= 0.2) != (Y == 1)
    assert share(differ, half) == pytest.approx(0.4, abs=0.03) and share(~differ, half) == 0
    sized(change_annotator, 0.5, cut=0.2, share=0.8)


def test_a_number_is_off_by_the_declared_spread_and_by_nothing_on_average() -> None:
    after = recorded(blur_labels, strength=0.5, by=0.4)
    gap = after - Y
    assert gap.std() == pytest.approx(0.2 * Y.std(), rel=0.02) and abs(gap.mean()) < 0.003
    sized(blur_labels, 0.5, by=0.4)
    with pytest.raises(LookupError, match="no baseline"):
        blur_labels.blur_labels(Y, ROWS, ALL, 1.0, rng(), Reference())


NOISE: list[tuple[Any, dict[str, Any]]] = [
    (flip_labels, {"share": 0.5}),
    (flip_by_class, {"from_0": 0.5, "from_1": 0.5}),
    (flip_by_group, {"group": "city", "rates": {"Ulm": 0.5, "Bonn": 0.5}}),
    (flip_near_boundary, {"most": 1.0, "steepness": 0.1}),
    (change_annotator, {"cut": 0.2}),
    (blur_labels, {}),
]


@pytest.mark.parametrize(("module", "settings"), NOISE)
def test_what_is_unknown_stays_unknown_and_only_the_masked_is_touched(module: Any, settings: Any) -> None:
    labels = Y.copy()
    labels[3] = np.nan
    after = recorded(module, labels, mask=FEW, **settings)
    assert np.isnan(after[3]) and not np.isnan(np.delete(after, 3)).any()
    assert (after[5:] == labels[5:]).all()


@pytest.mark.parametrize(("module", "settings"), [m for m in NOISE if m[0] is not blur_labels])
def test_only_yes_and_no_can_be_taken_for_each_other(module: Any, settings: Any) -> None:
    with pytest.raises(
        ValueError, match=f"{module.__name__.rpartition('.')[2]} needs labels that are 0 or 1"
    ):
        recorded(module, np.full(N, 2.0), **settings)


@pytest.mark.parametrize(("module", "settings"), [m for m in NOISE if hasattr(m[0], "undo")])
def test_striking_twice_restores_the_very_bytes(module: Any, settings: Any) -> None:
    for strength in (0.3, 1.0):
        after = recorded(module, strength=strength, mask=AGE > 38, **settings)
        assert (after != Y).any()
        back = module.undo(after, ROWS, AGE > 38, strength, rng(), REFERENCE, **settings)
        assert back.tobytes() == Y.tobytes()


def test_who_can_be_undone() -> None:
    assert {m.__name__.rpartition(".")[2] for m, _ in NOISE if hasattr(m, "undo")} == {
        "flip_labels", "flip_by_group", "flip_near_boundary",
    }  # fmt: skip


# --- when the record becomes known --------------------------------------------------------------

DAY = 86400.0
YES = AGE > 42


def waited(module: Any, strength: float = 1.0, delays: np.ndarray | None = None, **more: Any) -> np.ndarray:
    before = np.full(N, DAY) if delays is None else delays
    function = getattr(module, module.__name__.rpartition(".")[2])
    after: np.ndarray = function(before, ROWS, YES, ALL, strength, rng(), REFERENCE, **more)
    found = module.size(before, after, ALL, strength, REFERENCE, rows=ROWS, answered=YES, **more)
    off = found.off()
    assert off is not None and off < 4, found
    return after


LAWS: list[tuple[str, float, float]] = [
    ("constant", 1.0, 0.0),
    ("exponential", 1.0, 1.0),
    ("lognormal", 0.5, np.sqrt(np.exp(0.25) - 1)),
    ("weibull", 2.0, np.sqrt(4 / np.pi - 1)),
]


@pytest.mark.parametrize(("law", "form", "deviation"), LAWS)
def test_labels_wait_by_the_named_law(law: str, form: float, deviation: float) -> None:
    extra = waited(delay_labels, 0.5, mean=timedelta(days=4), law=law, form=form) / DAY - 1
    assert extra.mean() == pytest.approx(2, abs=4 * 2 * deviation / np.sqrt(N) + 1e-9)
    assert extra.std() == pytest.approx(2 * deviation, rel=0.05, abs=1e-9)
    # The median tells the laws apart, whose mean is the same.
    median = {"constant": 1, "exponential": np.log(2), "lognormal": np.exp(-0.125)}
    weibull = np.sqrt(np.log(2)) / (np.sqrt(np.pi) / 2)
    assert np.median(extra) == pytest.approx(2 * median.get(law, weibull), rel=0.03)


def test_a_yes_may_wait_longer() -> None:
    extra = (
        waited(delay_labels, mean=timedelta(days=1), law="constant", positive=timedelta(days=30)) / DAY - 1
    )
    assert set(extra[Y == 1].round(9)) == {30.0} and set(extra[Y == 0].round(9)) == {1.0}


def test_a_regression_has_no_yes_to_wait_for() -> None:
    numbers = Reference({"age": (40.0, 10.0)}, table=ROWS, target="y", problem="regression")
    with pytest.raises(ValueError, match="neither yes nor no"):
        delay_labels.delay_labels(
            np.zeros(N), ROWS, YES, ALL, 1.0, rng(), numbers, mean=timedelta(1), positive=timedelta(2)
        )
    with pytest.raises(ValueError, match="neither yes nor no"):
        lose_labels.lose_labels(np.zeros(N), ROWS, YES, ALL, 1.0, rng(), numbers, of="positive")


def test_a_label_that_never_comes_does_not_come_later() -> None:
    never = np.full(N, np.inf)
    after = delay_labels.delay_labels(never, ROWS, YES, ALL, 1.0, rng(), REFERENCE, mean=timedelta(days=1))
    assert np.isinf(after).all()


def test_a_share_of_the_labels_is_lost() -> None:
    lost = np.isinf(waited(lose_labels, 0.5, share=0.4))
    assert lost.mean() == pytest.approx(0.2, abs=0.012)
    assert lost[Y == 1].mean() == pytest.approx(0.2, abs=0.025), "whatever they say"


@pytest.mark.parametrize(("of", "yes", "no"), [("positive", 0.4, 0.0), ("negative", 0.0, 0.4)])
def test_only_one_class_may_be_lost(of: str, yes: float, no: float) -> None:
    lost = np.isinf(waited(lose_labels, share=0.4, of=of))
    assert lost[Y == 1].mean() == pytest.approx(yes, abs=0.03) and lost[Y == 0].mean() == pytest.approx(
        no, abs=0.02
    )


@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_a_column_drives_who_is_lost_at_the_declared_rate(slope: float) -> None:
    lost = np.isinf(waited(lose_labels, share=0.3, column="age", slope=slope))
    assert lost.mean() == pytest.approx(0.3, abs=0.015)
    z = (AGE - 40) / 10
    # Of a logit with an unknown offset the log odds between two places differ by slope times their distance.
    odds = [np.log(p / (1 - p)) for p in (lost[np.abs(z - at) < 0.1].mean() for at in (-0.5, 0.5))]
    assert odds[1] - odds[0] == pytest.approx(slope, abs=0.5)


def test_nobody_without_a_yes_is_labelled_but_a_few() -> None:
    lost = np.isinf(waited(select_labels))
    assert (lost == ~YES).all()
    some = np.isinf(waited(select_labels, 0.5, explore=0.2))
    assert not some[YES].any() and some[~YES].mean() == pytest.approx(0.4, abs=0.02)
