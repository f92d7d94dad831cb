"""The benchmark: honest rows, right answers, and nothing hidden that is missing."""

import importlib.util
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cs_infer as ci  # noqa: E402
from benchmarks import floor, ours, peers, report, timing  # noqa: E402
from benchmarks.cases import (  # noqa: E402
    NAMES,
    batch,
    case,
    dense,
    gpu,
    growth,
    memory,
    soft_iteration,
    sparse,
)
from benchmarks.problems import (  # noqa: E402
    Reference,
    dense_problem,
    grid_problem,
    many_grids,
    smoothed,
)
from cs_infer.figures import measurements  # noqa: E402

KEYS = {"case", "implementation", "threads", "seconds", "ratio_to_floor"}
RESULTS = json.loads(report.RESULTS.read_text(encoding="utf-8"))
needs = {name: importlib.util.find_spec(name) is None for name in ("scipy", "hmmlearn", "pgmpy")}


def lacking(*names):
    return pytest.mark.skipif(any(needs[n] for n in names), reason=f"{names} not installed")


# What was written.


def test_the_results_are_a_list_of_rows_with_the_promised_keys():
    assert isinstance(RESULTS, list)
    assert all(set(row) >= KEYS for row in RESULTS)


def test_every_case_has_rows_and_every_row_was_measured_or_says_why_not():
    found = {row["case"].split(" ")[0] for row in RESULTS}
    assert found == set(NAMES)
    for row in RESULTS:
        if row["status"] == "measured":
            assert row["seconds"] is not None or row["value"] is not None
        else:
            assert re.match(r"(missing|not run): \S", row["status"]), row


def test_no_row_with_a_time_gave_a_wrong_answer():
    checked = [row for row in RESULTS if row["error"] is not None]
    assert len(checked) > 20
    for row in checked:
        assert row["error"] <= (1e-5 if row["case"] == "gpu" else timing.TOLERANCE), row


def test_ratios_are_the_times_over_the_time_of_the_floor_of_the_same_run():
    floors = {
        (row["case"], row["threads"]): row["seconds"]
        for row in RESULTS
        if row["implementation"] == report.FLOOR
    }
    compared = [row for row in RESULTS if row["ratio_to_floor"] and row["case"] != "gpu"]
    assert compared
    for row in compared:
        expected = row["seconds"] / floors[row["case"], row["threads"]]
        assert row["ratio_to_floor"] == pytest.approx(expected, rel=2e-3)


def test_what_the_readme_quotes_is_what_was_written():
    rows = report.read_rows()
    start, end = report.MARKS
    between = report.README.read_text(encoding="utf-8").split(start)[1].split(end)[0]
    assert between.strip() == report.readme_block(rows)


def test_the_machine_is_described_beside_the_results():
    facts = json.loads(report.MACHINE.read_text(encoding="utf-8"))
    assert set(facts) >= {"processor", "cores", "python", "streaming loop", "packages"}


# Who takes part gives the right answer: tiny problems, the benchmark's own check.


def run_quietly(module, **sizes):
    return {row.implementation: row for row in module.rows(1, 0.01, **sizes)}


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (dense, {"num_states": 12, "num_actions": 3, "horizon": 9}),
        (batch, {"count": 3, "side": 3, "horizon": 9}),
    ],
)
def test_on_a_tiny_case_every_answer_is_right_or_its_maker_is_reported_missing(module, sizes):
    rows = run_quietly(module, **sizes)
    for name, row in rows.items():
        assert row.status == "measured" or row.status.startswith("missing: "), (name, row.status)
    ours_only = [row for name, row in rows.items() if name.startswith("cs_infer")]
    assert len(ours_only) >= 3
    assert all(row.seconds > 0 and row.error <= timing.TOLERANCE for row in ours_only)


def test_on_a_tiny_grid_every_solver_comes_within_the_tolerance_and_counts_its_sweeps():
    rows = run_quietly(soft_iteration, side=9)
    for name, row in rows.items():
        assert row.status == "measured" or row.status.startswith("missing: "), (name, row.status)
    sweeps = {name: row.value for name, row in rows.items() if row.value is not None}
    assert sweeps["cs_infer, sweeps"] > 2000
    assert sweeps["cs_infer, policy iteration"] < sweeps["cs_infer, sweeps"] / 3
    assert sweeps["Anderson's extrapolation"] < sweeps["cs_infer, sweeps"] / 3


def test_a_solver_that_stops_early_is_named_and_gets_no_time():
    rows = run_quietly(soft_iteration, side=5, within=1e-6)
    row = rows["cs_infer, sweeps"]
    assert row.status.startswith("wrong: differs")
    assert row.seconds is None


@pytest.mark.slow
def test_on_a_tiny_grid_every_answer_is_right_also_those_of_the_compiled_step():
    rows = run_quietly(sparse, side=9, horizon=9)
    for name, row in rows.items():
        assert row.status == "measured" or row.status.startswith("missing: "), (name, row.status)
    assert rows["cs_infer compiled, exact"].error <= timing.TOLERANCE


@pytest.mark.parametrize("make", [peers.numpy_lists, peers.c_sparse])
def test_the_plain_grid_programs_agree_with_the_library(make):
    problem = grid_problem(7, 6)
    if make is peers.c_sparse and floor.loops().library is None:
        pytest.skip("no C compiler")
    theirs = make(problem, 6)()
    np.testing.assert_allclose(theirs, ci.soft_values(ours.build(problem)).V[0], atol=1e-12)


def test_the_references_agree_with_the_library_in_both_readings():
    for problem in (dense_problem(9, 4, 7), grid_problem(5, 7)):
        reference, mdp = Reference(problem), ours.build(problem)
        right = {
            "variational": ci.soft_values(mdp).V[0],
            "exact": ci.backward_messages(mdp).log_beta_s[0],
        }
        for kind, values in right.items():
            np.testing.assert_allclose(reference(kind, 7), values, atol=1e-12)


def test_the_references_of_a_batch_are_those_of_its_problems():
    stacked = many_grids(3, 4, 5)
    together = Reference(stacked)("exact", 5)
    for b in range(3):
        one = stacked._replace(
            probability=stacked.probability[b],
            next_state=stacked.next_state[b],
            reward=stacked.reward[b],
        )
        np.testing.assert_allclose(Reference(one)("exact", 5), together[b], atol=1e-13)


def test_the_reference_marginals_agree_with_the_library():
    problem = grid_problem(4, 6)
    found = ci.smoothed_marginals(ours.build(problem)).state_action
    np.testing.assert_allclose(smoothed(problem), found, atol=1e-13)


@lacking("hmmlearn")
def test_hmmlearn_smooths_to_the_same_marginals():
    problem = grid_problem(3, 6)
    found = peers.hmmlearn_smoother(problem, "log")()
    np.testing.assert_allclose(found, smoothed(problem), atol=1e-10)


@lacking("pgmpy")
def test_pgmpy_finds_the_same_marginal():
    problem = grid_problem(2, 4)
    found = peers.pgmpy_marginal(problem, 2)()
    np.testing.assert_allclose(found, smoothed(problem)[2], atol=1e-10)


# What is wrong, missing or impossible is said.


def contender(name, values, steps=1, **more):
    return timing.Contender(name, lambda: lambda: values, steps, "sums", **more)


def compared(*contenders):
    found = timing.compare(
        "tiny", contenders, lambda kind, steps: np.array([1.0, 2.0]), threads=1, seconds=0.0
    )
    return {row.implementation: row for row in found}


def test_a_wrong_answer_is_named_and_gets_no_time():
    rows = compared(
        contender("right", np.array([1.0, 2.0])), contender("wrong", np.array([1.0, 2.1]))
    )
    assert rows["right"].status == "measured"
    assert rows["wrong"].status.startswith("wrong: differs")
    assert rows["wrong"].seconds is None


@pytest.mark.parametrize("bad", [np.array([1.0, np.nan]), np.array([1.0, np.inf]), np.array([1.0])])
def test_an_answer_that_is_no_number_or_of_another_shape_is_wrong(bad):
    assert compared(contender("bad", bad))["bad"].status.startswith("wrong")


def test_a_peer_that_is_not_installed_is_reported_and_not_hidden(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    problem = dense_problem(5, 2, 3)
    peer = timing.Contender(
        "recurrences of imitation",
        partial(peers.imitation_recurrences, problem, 3),
        3,
        "variational",
    )
    (row,) = timing.compare("tiny", [peer], Reference(problem), threads=1, seconds=0.0)
    assert row.status.startswith("missing: scipy")
    assert row.seconds is None
    assert "missing: scipy" in report.table([row])


def test_an_offset_is_added_before_the_answer_is_compared():
    shifted = contender("shifted", np.array([4.0, 5.0]), steps=3, offset=lambda steps: -steps)
    assert compared(shifted)["shifted"].status == "measured"


def test_the_time_of_a_row_is_for_one_step(monkeypatch):
    clock = iter(np.arange(1000.0))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    rows = compared(contender("slow", np.array([1.0, 2.0]), steps=4))
    assert rows["slow"].seconds == pytest.approx(1 / 4)


def test_without_a_gpu_the_rows_say_that_it_was_not_run(monkeypatch):
    monkeypatch.setattr(gpu, "cuda_device", lambda: None)
    rows = gpu.rows(1, 0.0)
    assert {row.status for row in rows} == {"not run: no GPU"}
    assert any("float32" in row.implementation for row in rows)


@pytest.mark.gpu
@pytest.mark.skipif(gpu.cuda_device() is None, reason="no GPU")
def test_on_a_gpu_the_case_runs_at_a_small_size():
    rows = gpu.rows(1, 0.0, side=64, horizon=4, long_horizon=20, small_side=8)
    assert all(row.status == "measured" for row in rows)
    assert len([row for row in rows if row.error is not None]) == 4


def test_a_gpu_step_of_ten_million_states_moves_more_than_a_gigabyte():
    mdp = ours.build(grid_problem(4, 2)).to_torch()
    per_state = gpu.bytes_per_step(mdp) / 16
    assert per_state == 15 * 4 + 15 * 8 + 5 * 8 + 2 * 8
    assert per_state * 3162**2 > 2.3e9


# The floor, growth, memory.


@pytest.mark.parametrize("tuned", [False, True])
def test_the_streaming_loops_read_every_number(tuned):
    library = floor.loops().library
    if library is None:
        pytest.skip("no C compiler")
    end = "_tuned" if tuned else ""
    x, i = np.arange(64.0), np.arange(64, dtype=np.int32)
    n = floor.size(64)
    assert getattr(library, f"read_doubles{end}")(floor.pointer(x), n) == x.sum()
    indices = getattr(library, f"read_indices{end}")
    assert indices(floor.pointer(i), n) == i.sum()
    written = np.zeros(5)
    floor.streaming([x, i], written, tuned=tuned)()
    assert np.all(written == 1)


def test_loading_the_loops_leaves_small_numbers_as_they_are():
    """A library linked for fast mathematics makes a whole process round them to zero."""
    code = (
        "import numpy as np; from benchmarks.floor import loops; loops(); "
        "print(float(np.array([1e-310])[0] * 1.0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == 1e-310


def test_without_a_compiler_numpy_takes_the_place_of_the_loops(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    floor.loops.cache_clear()
    try:
        assert floor.loops().library is None
        assert "numpy" in floor.loops().how
        written = np.zeros(5)
        floor.streaming([np.arange(4.0)], written)()
        assert np.all(written == 1)
        with pytest.raises(ImportError, match="C compiler"):
            peers.c_dense(dense_problem(4, 2, 3), 3)
    finally:
        monkeypatch.undo()
        floor.loops.cache_clear()


def test_the_slope_of_a_power_is_its_exponent():
    sizes = [10, 100, 1000]
    assert growth.slope(sizes, [3e-6 * size**1.5 for size in sizes]) == pytest.approx(1.5)


def test_memory_for_values_grows_with_T_S_and_not_with_actions():
    values = {}
    for row in memory.rows(1, 0.0, num_states=60, horizons=(400, 800), actions=(2, 16)):
        values[row.implementation] = row.value
    for kind in ("variational", "exact"):
        of = {
            (T, A): values[f"cs_infer, {kind}, T = {T}, S = 60, A = {A}"]
            for T, A in ((400, 2), (800, 2), (400, 16))
        }
        assert of[800, 2] - of[400, 2] == pytest.approx(400 * 60 * 8, rel=0.2)
        assert of[400, 16] - of[400, 2] < 0.5 * 400 * 60 * 8  # T S A would be 14 times T S more


# The program, the figure, the table.


def test_one_case_can_be_run_alone_and_only_printed():
    before = report.RESULTS.read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "gpu", "--no-write"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gpu\n")
    assert "[1/1] gpu" in done.stderr
    assert report.RESULTS.read_bytes() == before


def test_a_case_that_is_run_again_replaces_its_rows_and_leaves_the_others():
    old = [report.Row("a", "x", value=1.0), report.Row("b", "x", value=2.0)]
    new = [report.Row("a", "y", value=3.0), report.Row("c", "x", value=4.0)]
    merged = [(row.case, row.implementation) for row in report.merge(old, new)]
    assert merged == [("a", "y"), ("b", "x"), ("c", "x")]


def test_rows_survive_the_file(tmp_path):
    rows = [report.Row("a", "x", seconds=0.5, status="measured", note="π"), report.Row("b", "y")]
    report.write_rows(rows, tmp_path / "rows.json")
    assert report.read_rows(tmp_path / "rows.json") == rows


def test_the_roofline_shows_every_program_and_says_so_in_words():
    titles = {"dense": "Dense", "sparse": "Grid"}
    figure = measurements.draw_roofline(RESULTS, titles)
    assert "currentColor" in figure.svg
    for row in RESULTS:
        if row["case"] in titles and row["seconds"] and row["threads"] == 1:
            assert row["implementation"] in figure.alt


def test_a_table_of_the_book_says_why_a_row_has_no_time():
    rows = [dict(RESULTS[0], case="a", implementation="<x>", seconds=None, status="missing: x")]
    shown = measurements.cost_table(rows, "a")._repr_html_()
    assert "missing: x" in shown
    assert "&lt;x&gt;" in shown


def test_asking_for_a_time_that_was_not_measured_is_an_error():
    with pytest.raises(KeyError, match="nobody"):
        measurements.seconds(RESULTS, "dense", "nobody")


def test_every_case_takes_less_than_its_share_of_five_minutes():
    assert (
        sum(case(name).SECONDS * len(case(name).THREADS) for name in NAMES if name != "gpu") < 200
    )
