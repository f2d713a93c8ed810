"""Sequences since the deployment, all columns at once, and estimates: what the monitor stage makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simlab import artifacts
from simlab.artifacts import Column, Deployment, Findings, History, Labels, Served, Stretch
from simlab.digest import digest
from simlab.events import Event, FindingMade, MetricMeasured
from simlab.stages.monitor import Datapoints, Detectors, monitor_window
from simlab.stages.serve import serve_window
from simlab.stages.validate import screen_window
from simlab.store import Store
from simlab.watching import PLACES, Sequential, detectors_for, errors_of, places_of, standardised_mean
from tests.stages.people import context, deployment, people, request, window

AGE, JOB = Column("age", "numeric"), Column("job", "categorical")


def stretch(number: int, *values: float) -> Stretch:
    return Stretch(number, np.array(values).tobytes())


# --- trails -------------------------------------------------------------------------------------


def test_trails_grow_in_the_order_of_their_windows() -> None:
    history = History().follow({"age": 1.0}, (stretch(2, 0.0, 1.0),)).follow({"age": 2.0}, (stretch(1, 1.0),))
    assert history.means == {"age": (1.0, 2.0)}
    assert [s.window for s in history.errors] == [1, 2]


def test_a_window_whose_labels_come_bit_by_bit_keeps_its_place() -> None:
    history = History().follow({}, (stretch(0, 1.0), stretch(1, 0.0))).follow({}, (stretch(0, 1.0, 0.0),))
    assert [(s.window, s.rows) for s in history.errors] == [(0, 2), (1, 1)]


def test_trails_are_bounded_and_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MEANS_KEPT", 3)
    monkeypatch.setattr(artifacts, "ERRORS_KEPT", 5)
    history = History()
    for number in range(6):
        history = history.follow({"age": float(number)}, (stretch(number, 0.0, 1.0),))
    assert history.means["age"] == (3.0, 4.0, 5.0)
    assert [s.window for s in history.errors] == [4, 5]
    one = History().follow({}, (stretch(0, *[0.0] * 9),))
    assert [s.rows for s in one.errors] == [9], "the newest window is kept whole, however long"


def test_trails_are_stored_and_told_apart(tmp_path: Path) -> None:
    found = Findings(3, (), {}, {}, {}, means={"age": 0.25}, errors=(stretch(2, 1.0),))
    store = Store(tmp_path)
    back = store.load(store.save(found))
    assert (back.means, back.errors) == ({"age": 0.25}, (stretch(2, 1.0),))
    other = History().follow({"age": 0.25}, ())
    assert digest(other) != digest(History()) != digest(History().follow({}, (stretch(2, 1.0),)))


# --- what a trail is made of --------------------------------------------------------------------


def test_a_mean_is_counted_in_standard_errors() -> None:
    before, now = pa.table({"age": [0.0, 2.0] * 50}), pa.table({"age": [1.5] * 25})
    # spread 1, 0.5 away, standard error sqrt(1/100 + 1/25)
    assert standardised_mean(before, now, AGE) == pytest.approx(0.5 / np.sqrt(0.05))


def test_a_category_counts_as_the_share_of_the_usual_one() -> None:
    before = pa.table({"job": ["b", "a"] * 50})  # equally frequent: the first by name
    now = pa.table({"job": ["a"] * 25 + [None]})
    assert standardised_mean(before, now, JOB) == pytest.approx(0.5 / (0.5 * np.sqrt(0.05)))


def test_what_does_not_vary_or_is_not_there_has_no_mean() -> None:
    x, same, none = (pa.table({"age": pa.array(v, pa.float64())}) for v in ([1.0, 2.0], [3.0, 3.0], [None]))
    assert standardised_mean(same, x, AGE) is None
    assert standardised_mean(x, none, AGE) is None and standardised_mean(none, x, AGE) is None


def test_means_of_quiet_windows_vary_by_one() -> None:
    rng = np.random.default_rng(0)
    found = [
        standardised_mean(
            pa.table({"age": rng.normal(size=500)}), pa.table({"age": rng.normal(size=100)}), AGE
        )
        for _ in range(500)
    ]
    assert abs(np.mean(found)) < 0.15 and 0.9 < np.std(found) < 1.1  # type: ignore[arg-type]


def test_every_place_has_a_detector_and_every_detector_a_place() -> None:
    from simlab.signature import names

    assert all(detectors_for(place) for place in PLACES)
    assert all(places_of(name) for name in names("detectors"))


# --- in the stage -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment(tmp_path_factory.mktemp("deployment"))


def served_in(model: Deployment, number: int, table: pa.Table | None = None) -> Served:
    screened = screen_window(context("validate", window=number)[0], model, window(number, 200, table))
    return serve_window(context("serve", window=number)[0], model, request(screened))


def labels(*answered: Served, wrong: float = 0.0, arrived: int = 9, cut: float = 0.5) -> Labels:
    """Labels as the model said, a share of them turned round."""
    parts = []
    for served in answered:
        said = served.table["prediction"].to_numpy() >= cut
        turned = np.arange(len(said)) < wrong * len(said)
        parts.append(
            pa.table(
                {
                    "inference_id": served.table["inference_id"],
                    "label": pa.array((said != turned).astype(float)),
                    "window": pa.array([served.number] * len(said)),
                }
            )
        )
    empty = pa.table(
        {
            "inference_id": pa.array([], pa.int64()),
            "label": pa.array([], pa.float64()),
            "window": pa.array([], pa.int64()),
        }
    )
    table = pa.concat_tables([empty, *parts])
    return Labels(arrived, table, table.num_rows)


def look(
    model: Deployment, number: int, table: pa.Table | None = None, known: Labels | None = None,
    history: History = History(), **settings: object,
) -> tuple[Findings, list[Event], Served]:  # fmt: skip
    screened = screen_window(context("validate", window=number)[0], model, window(number, 200, table))
    asked = request(screened)
    served = serve_window(context("serve", window=number)[0], model, asked)
    ctx, said = context("monitor", window=number)
    found = monitor_window(ctx, model, screened, asked, served, (), known or labels(), history, **settings)  # type: ignore[arg-type]
    return found, said, served


def shifted(number: int, by: float) -> pa.Table:
    table = people(200, seed=100 + number, first=10_000 * (number + 1)).drop_columns(["y"])
    return table.set_column(2, "age", pc.add(table["age"], by))


def of(found: Findings, check: str) -> dict[tuple[str, int], artifacts.Finding]:
    return {(f.column, f.of_window): f for f in found.findings if f.check == check}


@pytest.mark.engine
def test_nothing_more_is_said_or_kept_unless_asked_for(model: Deployment) -> None:
    found, said, _ = look(model, 0)
    assert {f.check for f in found.findings} <= {
        "drift",
        "schema",
        "completeness",
        "domain",
        "data_type",
        "lateness",
        "duplicates",
    }
    assert (found.means, found.errors) == ({}, ())
    assert not [f for f in said if isinstance(f, MetricMeasured)]


@pytest.mark.engine
def test_a_small_shift_that_lasts_is_found_by_its_sum(model: Deployment) -> None:
    history, first = History(version=1), None
    settings = {"sequential": Sequential(columns={"cusum": {"k": 1.0, "h": 8.0}}), "alarm": Datapoints(2, 3)}
    for number in range(14):
        found, said, served = look(
            model, number, shifted(number, 0.0 if number < 6 else 4.0), history=history, **settings
        )
        assert set(found.means) == {"age", "hours", "job"}
        assert {c for c, _ in of(found, "sequential")} == {"age", "hours", "job"}
        history = history.add(served, found, labels(), horizon=1)
        assert len(history.means["age"]) == number + 1
        if first is None and found.alarms.get("data_quality:sequential:age") == "ALARM":
            first = number
        assert [f for f in said if isinstance(f, FindingMade) and f.check == "sequential"]
    assert first is not None and 6 < first <= 13
    assert history.alarms["data_quality:sequential:hours"] == "OK"


@pytest.mark.engine
def test_a_signal_holds_for_as_many_windows_as_told(model: Deployment) -> None:
    quiet = (0.0,) * 9
    history = History(version=1, means={"age": (*quiet, 9.0), "hours": (0.0,) * 10, "job": (0.0,) * 10})
    for hold, breached in ((1, False), (2, True)):
        settings = {"sequential": Sequential(columns="page_hinkley", hold=hold)}
        found, _, _ = look(model, 10, history=history, **settings)
        assert of(found, "sequential")["age", 10].breached is breached


@pytest.mark.engine
def test_errors_are_followed_window_by_window_as_labels_arrive(model: Deployment) -> None:
    answered = [served_in(model, number) for number in range(4)]
    history = History(version=1, pending=tuple(answered[:2]))
    settings = {"sequential": Sequential(errors={"ddm": {"threshold": 3.0}}, hold=1)}
    found, _, _ = look(model, 2, known=labels(*answered[:2], wrong=0.05), history=history, **settings)
    assert [(s.window, s.rows) for s in found.errors] == [(0, 200), (1, 200)]
    assert {w: f.breached for (_, w), f in of(found, "sequential").items()} == {0: False, 1: False}
    assert {f.alarm for f in of(found, "sequential").values()} == {"model_quality:sequential:error"}
    history = replace(history.follow({}, found.errors), pending=tuple(answered))
    found, _, _ = look(model, 4, known=labels(answered[3], wrong=0.9), history=history, **settings)
    assert of(found, "sequential")["error", 3].breached
    # Only the labels of window 2 come late, and it is judged by what came before it.
    history = history.follow({}, found.errors)
    found, _, _ = look(model, 5, known=labels(answered[2], wrong=0.05), history=history, **settings)
    assert {w: f.breached for (_, w), f in of(found, "sequential").items()} == {2: False}


@pytest.mark.engine
def test_errors_of_an_earlier_version_count_nowhere(model: Deployment) -> None:
    before = served_in(model, 0)
    settings = {"sequential": Sequential(errors="ddm")}
    found, _, _ = look(
        replace(model, version=2),
        1,
        known=labels(before),
        history=History(version=2, pending=(before,)),
        **settings,
    )
    assert found.errors == () and not of(found, "sequential")


@pytest.mark.engine
def test_errors_are_zero_and_one_or_absolute(model: Deployment) -> None:
    scores, truth = np.array([model.threshold, 0.0, 1.0]), np.array([1.0, 1.0, np.nan])
    assert errors_of(model, scores, truth).tolist()[:2] == [0.0, 1.0] and np.isnan(
        errors_of(model, scores, truth)[2]
    )
    metered = replace(model, problem="regression")
    assert errors_of(metered, np.array([3.0, 1.0]), np.array([1.0, 4.0])).tolist() == [2.0, 3.0]


@pytest.mark.engine
def test_a_detector_in_sigmas_is_given_errors_in_sigmas(model: Deployment) -> None:
    served = served_in(model, 0)
    history = History(version=1, pending=(served,))
    settings = {"sequential": Sequential(errors={"cusum": {"k": 0.0, "h": 1e9}})}
    found, _, _ = look(
        model, 1, known=labels(served, wrong=1.0, cut=model.threshold), history=history, **settings
    )
    errors = errors_of(model, model.baseline["prediction"].to_numpy(), model.baseline["y"].to_numpy())
    wanted = 200 * (1 - errors.mean()) / errors.std()
    assert of(found, "sequential")["error", 0].value == pytest.approx(wanted)


@pytest.mark.engine
def test_all_columns_at_once_see_what_is_ignored_no_more(model: Deployment) -> None:
    found, _, _ = look(model, 0, shifted(0, 30.0), multivariate="domain_classifier")
    (finding,) = of(found, "multivariate").values()
    assert finding.alarm == "data_quality:multivariate" and finding.breached
    found, _, _ = look(
        model, 0, shifted(0, 30.0), ignore=("age",), multivariate={"domain_classifier": {"threshold": 0.7}}
    )
    (finding,) = of(found, "multivariate").values()
    assert not finding.breached and finding.threshold == 0.7


@pytest.mark.engine
def test_quality_is_estimated_before_any_label(model: Deployment) -> None:
    found, said, _ = look(model, 0, estimate={"cbpe": {"metric": "auc"}})
    (finding,) = of(found, "estimated").values()
    assert (finding.alarm, finding.method) == ("model_quality:estimated:auc", "cbpe")
    measured = {f.metric: f.value for f in said if isinstance(f, MetricMeasured)}
    assert set(measured) == {f"monitor.estimated.{m}" for m in ("accuracy", "auc", "log_loss")}
    assert found.metrics == pytest.approx(measured, abs=1e-6)
    assert measured["monitor.estimated.auc"] == pytest.approx(model.quality["auc"].value, abs=0.1)


@pytest.mark.engine
def test_a_correction_moves_the_thresholds_of_p_values_alone(model: Deployment) -> None:
    choice = {"detectors": Detectors(numeric="ks", categorical="jensenshannon"), "correction": "bonferroni"}
    found, said, _ = look(model, 0, **choice)
    thresholds = {f.column: f.threshold for f in of(found, "drift").values()}
    assert thresholds["age"] == thresholds["hours"] == pytest.approx(0.025)
    assert thresholds["job"] == 0.1
    told = {f.column: f.threshold for f in said if isinstance(f, FindingMade) and f.check == "drift"}
    assert told == pytest.approx(thresholds)


@pytest.mark.engine
def test_muted_monitors_keep_no_trails(model: Deployment) -> None:
    found, said, _ = look(model, 0, muted=True, sequential=Sequential(columns="cusum"), estimate="cbpe")
    assert (found.findings, found.means, found.errors, said) == ((), {}, (), [])
