"""`simlab alarms --alarm` takes an alarm's own name, and the one that facts use."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from simlab import cli_cloudwatch


@pytest.mark.parametrize("name", ["loss", "metric:loss"])
def test_both_names_of_an_alarm_are_taken(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"AlarmName": "loss", "StateValue": "OK", "StateReason": "fine"}
    told = {"CompositeAlarms": [], "MetricAlarms": [one], "MonitorAlarms": [], "AlarmHistoryItems": []}
    lab = SimpleNamespace(alarms=lambda run, alarm: dict(told))
    monkeypatch.setattr(cli_cloudwatch, "lab_of", lambda home: lab)
    cli_cloudwatch.alarms(None, None, name)
    assert "loss  fine" in capsys.readouterr().out
