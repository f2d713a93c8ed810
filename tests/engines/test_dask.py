"""Dask: answers from a cluster by its address alone."""

from __future__ import annotations

from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")

from simlab.engines.dask import over  # noqa: E402


@pytest.mark.engine
def test_a_cluster_answers_without_a_client_that_anybody_made_the_default(tmp_path: Path) -> None:
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        dashboard_address=None,
        local_directory=str(tmp_path),
    ) as cluster:
        assert sorted(over(cluster.scheduler_address, pow, [(2, 3), (2, 4)])) == [8, 16]
