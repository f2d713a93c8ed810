"""ONNX Runtime: scores exported graphs, one row at a time or many, always alike."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa

from simlab.engines import matrix
from simlab.engines.matrix import Matrix
from simlab.errors import SimlabError


def score(graph: bytes, table: pa.Table) -> Matrix:
    """The graph's answer to each row: the probability of the positive class, or the value.

    Parameters
    ----------
    graph
        An ONNX file as `simlab.engines.onnx` writes it; it names the columns that it wants.
    table
        Rows with at least those columns, in any order. Null and values never seen are allowed.

    Returns
    -------
    Doubles of shape [rows].

    Raises
    ------
    SimlabError
        A column is missing or of the wrong type, or the graph does not say what it wants.
    """
    session, numeric, categorical = _session(graph)
    if not table.num_rows:
        return np.empty(0)
    inputs: dict[str, Any] = {}
    if numeric:
        inputs["numeric"] = matrix.numbers(table, numeric)
    if categorical:
        inputs["categorical"] = matrix.words(table, categorical)
    answers: Matrix = session.run(["prediction"], inputs)[0]
    return answers


@lru_cache(maxsize=8)
def _session(graph: bytes) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # sums run in one order on every machine
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False  # an arena keeps the memory of the largest window for good
    options.enable_mem_pattern = False  # windows differ in length
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    if "numeric" not in said or "categorical" not in said:
        raise SimlabError("the ONNX graph does not name its columns; it was not exported by simlab")
    return session, tuple(json.loads(said["numeric"])), tuple(json.loads(said["categorical"]))
