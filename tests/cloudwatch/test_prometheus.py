"""What is exposed to Prometheus is what Prometheus's own parser reads."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.cloudwatch.prometheus import exposition
from simlab.watched import Datapoint, Published

DAY = datetime(2026, 1, 5)


def told(
    metric: str, value: float, dimensions: dict[str, str], namespace: str = "n/s", hours: int = 0
) -> Published:
    return Published(DAY + timedelta(hours=hours), Datapoint.of(namespace, metric, dimensions, value))


def test_the_newest_datapoint_is_shown_under_a_clean_name() -> None:
    text = exposition([told("a.b", 1, {"E-p": "x"}), told("a.b", 2, {"E-p": "x"}, hours=1)])
    assert text.splitlines()[:3] == [
        "# HELP n_s_a_b_average CloudWatch metric n/s a.b, Average.",
        "# TYPE n_s_a_b_average gauge",
        'n_s_a_b_average{E_p="x"} 2.0',
    ]


def test_metrics_and_labels_that_become_one_name_stay_apart() -> None:
    text = exposition([told("a.b", 1, {"k-": "1", "k.": "2"}), told("a_b", 2, {"k-": "1", "k.": "2"})])
    lines = [line for line in text.splitlines() if line.startswith("n_s_a_b_sum")]
    assert lines == [
        'n_s_a_b_sum{k_="1",k_2="2",metric="n/s a.b"} 1.0',
        'n_s_a_b_sum{k_="1",k_2="2",metric="n/s a_b"} 2.0',
    ]


points = st.builds(
    told,
    st.text("aB.-1 é", min_size=1, max_size=4),
    st.floats(allow_nan=False),
    st.dictionaries(
        st.text("aB._-", min_size=1, max_size=3), st.text('x"\\\n é', min_size=1, max_size=5), max_size=2
    ),
    st.sampled_from(["aws/sagemaker", "AWS/SageMaker", "1x"]),
)


@given(store=st.lists(points, max_size=5))
def test_every_sample_is_a_sample(store: list[Published]) -> None:
    name, label = r"[a-zA-Z_:][a-zA-Z0-9_:]*", r'(?!__)[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
    sample = re.compile(rf"{name}(\{{{label}(,{label})*\}})? (NaN|[+-]Inf|[-+0-9.e]+)")
    lines = exposition(store).split("\n")[:-1]
    found = [line for line in lines if not line.startswith("# ")]
    assert all(sample.fullmatch(line) for line in found)
    series = [line.rpartition(" ")[0] for line in found]
    assert len(series) == len(set(series))


@given(store=st.lists(points, max_size=5))
def test_prometheus_own_parser_reads_it_back(store: list[Published]) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = list(parser.text_string_to_metric_families(exposition(store)))
    assert all(family.type == "gauge" and family.documentation for family in families)
    sums = sorted(s.value for family in families for s in family.samples if s.name.endswith("_sum"))
    kept = {
        (t.point.namespace, t.point.metric, tuple(sorted(t.point.dimensions.items()))): t.point.total
        for t in store
    }
    assert sums == sorted(kept.values())
    values = {v for family in families for s in family.samples for v in s.labels.values()}
    assert {v for t in store for v in t.point.dimensions.values()} <= values
