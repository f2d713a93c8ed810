"""`simlab metrics`, `simlab alarms` and `simlab events --eventbridge`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simlab.cli import main
from simlab.lab import Lab
from tests.test_alarming import alarmed


@pytest.fixture
def simlab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, warm: Lab, tiny: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in a home that holds one run."""
    monkeypatch.setenv("SIMLAB_HOME", str(warm.home))
    warm.run(tiny, alarmed(), project=False)

    def command(*given: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(given))
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


Simlab = Callable[..., tuple[int, str, str]]


def test_metrics_are_listed_and_one_is_told_over_periods(simlab: Simlab) -> None:
    code, out, _ = simlab("metrics", "--namespace", "AWS/SageMaker")
    assert code == 0
    assert out == "AWS/SageMaker  Invocations  EndpointName=simlab-endpoint, VariantName=AllTraffic\n"
    _, out, _ = simlab("metrics", "--metric", "Invocations", "--statistics", "Sum,Average")
    assert out.splitlines()[1] == "  2026-01-06T00:00:00  Sum 150  Average 1  Count"
    found: Any = json.loads(simlab("metrics", "--metric", "Invocations", "--statistics", "Sum", "--period", "172800", "--json")[1])  # fmt: skip
    assert [row["Sum"] for row in found["Datapoints"]] == [300, 300]
    assert {"Metrics"} == set(json.loads(simlab("metrics", "--json")[1]))


def test_what_is_undefined_is_told_with_its_reason(simlab: Simlab) -> None:
    _, out, _ = simlab("metrics", "--metric", "monitor.log_loss", "--statistics", "p50")
    assert "undefined" not in out
    code, _, err = simlab("metrics", "--metric", "monitor.logloss")
    assert code == 2 and "did you mean 'monitor.log_loss'" in err
    code, _, err = simlab("metrics", "--metric", "Invocations", "--dimension", "EndpointName=x")
    assert code == 2 and "--dimension EndpointName=simlab-endpoint" in err
    assert simlab("metrics", "--metric", "Invocations", "--dimension", "x")[0] == 2
    code, _, err = simlab("metrics", "--metric", "Invocations", "--statistics", "Mean")
    assert code == 2 and "no statistic called 'Mean'" in err


def test_prometheus_reads_the_newest(simlab: Simlab) -> None:
    _, out, _ = simlab("metrics", "--prometheus")
    assert (
        'aws_sagemaker_Invocations_sum{EndpointName="simlab-endpoint",VariantName="AllTraffic"} 150.0\n'
        in out
    )


def test_alarms_are_shown_with_their_history(simlab: Simlab) -> None:
    code, out, _ = simlab("alarms", "--alarm", "loss")
    lines = out.splitlines()
    assert code == 0 and lines[0].startswith("ALARM             loss  Threshold Crossed: 2 out of the last 2")
    assert lines[1].endswith("loss  Alarm updated from INSUFFICIENT_DATA to ALARM")
    found: Any = json.loads(simlab("alarms", "--json")[1])
    assert set(found) == {"CompositeAlarms", "MetricAlarms", "MonitorAlarms", "AlarmHistoryItems"}
    assert found["CompositeAlarms"][0]["AlarmRule"] == "ALARM(loss) AND TRUE"
    code, _, err = simlab("alarms", "--alarm", "los")
    assert code == 2 and "did you mean 'loss'" in err


def test_events_are_printed_in_eventbridges_shape_where_they_match(simlab: Simlab, tmp_path: Path) -> None:
    _, out, _ = simlab("events", "--eventbridge")
    everything = [json.loads(line) for line in out.splitlines()]
    assert {"aws.sagemaker", "aws.cloudwatch"} == {event["source"] for event in everything}
    pattern = '{"detail": {"alarmName": [{"prefix": "lo"}]}}'
    _, out, _ = simlab("events", "--pattern", pattern)
    assert [json.loads(line)["detail"]["alarmName"] for line in out.splitlines()] == ["loss"]
    (tmp_path / "pattern.json").write_text(pattern)
    again: Any = json.loads(
        simlab("events", "--eventbridge", "--pattern", str(tmp_path / "pattern.json"), "--json")[1]
    )
    assert len(again) == 1
    code, _, err = simlab("events", "--pattern", '{"source": "aws"}')
    assert code == 2 and "source: a field is given as a list" in err
    assert (
        simlab("events", "--pattern", "{")[0] == 2 and simlab("events", "--pattern", "nowhere.json")[0] == 2
    )
