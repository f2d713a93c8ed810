"""What a cached step depends on beside simlab itself: files that its settings name."""

from __future__ import annotations

from pathlib import Path

from simlab.provenance import foreign_code


def test_a_constraints_file_counts_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "constraints.json"
    settings = {"schedules": {"mq": {"monitor": {"model_quality": {"constraints": str(file)}}}}}
    assert foreign_code(settings) == []
    file.write_text("{}")
    first = foreign_code(settings)
    file.write_text("[]")
    assert len(first) == 1 and foreign_code(settings) != first


def test_somebody_elses_monitor_counts_by_its_file() -> None:
    assert len(foreign_code({"monitor": {"tests.monitors.counting.counts": {}}})) == 1
    assert foreign_code({"monitor": "data_quality", "prose": "one.two three"}) == []
