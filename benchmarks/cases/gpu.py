"""A GPU: a step that moves gigabytes, against the bandwidth of a copy.

Runs where torch finds a CUDA device; elsewhere the rows say that it was not run.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.cases.precision import policy_error
from benchmarks.ours import build
from benchmarks.problems import Reference, grid_problem
from benchmarks.report import Row

THREADS = (1,)
SECONDS = 60.0
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}
CASES = tuple(
    (dtype, reading) for dtype in ("float64", "float32") for reading in ("variational", "exact")
)


def rows(
    threads: int,
    seconds: float,
    *,
    side: int = 3162,
    horizon: int = 20,
    long_horizon: int = 10_000,
    small_side: int = 64,
) -> list[Row]:
    """A step on 10^7 states, and float32 over 10^4 steps."""
    device = cuda_device()
    if device is None:
        return [*map(_not_run, _names())]
    problem = grid_problem(side, horizon)
    mdp, reference = build(problem), Reference(problem)
    found = []
    for dtype, reading in CASES:
        found += _bandwidth(mdp, reference, dtype, reading, threads)
    return [*found, *_precision(small_side, long_horizon, threads)]


def cuda_device() -> str | None:
    """The name of the GPU, None where there is none."""
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _names() -> list[str]:
    steps = [f"cs_infer compiled, {reading}, {dtype}" for dtype, reading in CASES]
    policies = [f"float32, {reading}, policy" for reading in ("variational", "exact")]
    return ["copy on the GPU", *steps, *policies]


def _not_run(name: str) -> Row:
    return Row(case="gpu", implementation=name, status="not run: no GPU")


def _bandwidth(
    host: Any, reference: Reference, dtype: str, reading: str, threads: int
) -> list[Row]:
    """Time the replayed sweep, and a copy of as many bytes, turn by turn."""
    import torch

    from cs_infer import compiled

    mdp = host.to_torch(device="cuda", dtype=getattr(torch, dtype))
    moved = bytes_per_step(mdp)
    T = mdp.horizon
    half = torch.empty(moved // 2, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(half)
    times: dict[str, list[float]] = {"copy": [], "sweep": []}

    def timed(work: Callable[[], None]) -> None:
        graph = _captured(work)
        for _ in range(15):
            times["copy"].append(_seconds(lambda: target.copy_(half)))
            times["sweep"].append(_seconds(graph.replay))

    with mock.patch.object(compiled, "_replay_as_graph", timed):
        answer = compiled.compiled_backward(mdp, reading)
    values = answer.log_beta_s if reading == "exact" else answer.V
    right = reference(reading, 2)  # the last two steps are compared
    answer = values[-2].cpu().numpy().astype(np.float64)
    error = float(np.abs(answer - right).max() / max(1.0, np.abs(right).max()))
    copy = statistics.median(times["copy"])
    step = statistics.median(times["sweep"]) / T
    device = torch.cuda.get_device_name()
    shared = {"case": "gpu", "threads": threads, "bytes": moved, "rounds": 15}
    beside = Row(
        implementation=f"copy on the GPU, beside {dtype}, {reading}",
        seconds=copy,
        ratio_to_floor=1.0,
        status="measured",
        note=f"{device}: {moved / copy / 1e12:.2f} TB/s, read and written",
        **shared,
    )
    row = Row(
        implementation=f"cs_infer compiled, {reading}, {dtype}",
        computes=reading,
        steps=T,
        error=error,
        status=f"wrong: differs from the reference by {error:.1e}",
        **shared,
    )
    if error <= TOLERANCE[dtype]:
        row.seconds, row.ratio_to_floor, row.status = step, step / copy, "measured"
        row.note = f"{device}: {copy / step:.0%} of the bandwidth of the copy"
    return [beside, row]


def bytes_per_step(mdp: Any) -> int:
    """What a step must move: successors (int32), probabilities, rewards, v read and written."""
    S, A, K = mdp.dynamics.probability.shape
    width = mdp.initial.element_size()
    return S * (A * K * (4 + width) + A * width + 2 * width)


def _captured(work: Callable[[], None]) -> Any:
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    graph.replay()
    return graph


def _seconds(work: Callable[[], object]) -> float:
    import torch

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def _precision(side: int, horizon: int, threads: int) -> list[Row]:
    import torch

    from cs_infer.compiled import compiled_backward

    mdp = build(grid_problem(side, horizon))
    double = mdp.to_torch(device="cuda", dtype=torch.float64)
    single = mdp.to_torch(device="cuda", dtype=torch.float32)
    found = []
    for reading in ("variational", "exact"):
        pair = [compiled_backward(each, reading) for each in (single, double)]
        row = Row(case="gpu", implementation=f"float32, {reading}, policy", threads=threads)
        row.status, row.unit, row.computes = "measured", "policy error", reading
        row.value = policy_error(*pair, horizon)
        row.note = f"largest |difference| of a probability over 100 of {horizon} steps"
        found.append(row)
    return found
