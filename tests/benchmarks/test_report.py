"""What the benchmark of capture makes of its measurements: the floor, the goals, the file."""

from tests.benchmarks.capture.measure import Measured, Results
from tests.benchmarks.capture.report import Line, ahead, lines, misses, table
from tests.benchmarks.capture.systems import BY_ROW, BY_SET, NOTHING, OURS, OURS_BY_STATEMENT
from tests.benchmarks.capture.workloads import Workload

UPDATE = Workload("UPDATE of a row", "UPDATE", 10)
NO_OP = Workload("UPDATE of nothing", "no-op", 10)
BULK = Workload("UPDATE of 9", "UPDATE", 9, by=9)


def measured(workload: Workload, **cpu: list[float]) -> Results:
    names = {"nothing": NOTHING, "hand": BY_ROW, "hand_set": BY_SET, "ours": OURS, "peer": "peer"}
    names["ours_set"] = OURS_BY_STATEMENT
    return {
        (workload.name, names[name]): Measured(workload, times, size=[800.0])
        for name, times in cpu.items()
    }


def of(system: str, found: list[Line]) -> Line:
    return next(line for line in found if line.system == system)


def missed(results: Results) -> list[str]:
    return misses(lines(results), results)


def test_what_a_system_adds_is_compared_with_what_the_floor_adds() -> None:
    found = lines(measured(UPDATE, nothing=[10.0], hand=[30.0], ours=[29.0, 31.0, 40.0]))
    ours = of(OURS, found)
    assert (ours.cpu, ours.added, ours.ratio) == (31.0, 21.0, 1.05)
    assert of(NOTHING, found).added is None


def test_the_spread_is_that_of_the_middle_half() -> None:
    found = lines(measured(UPDATE, nothing=[10.0], ours=[20.0, 21.0, 22.0, 23.0, 90.0]))
    assert of(OURS, found).spread == 2.0


def test_capture_by_statement_has_the_floor_of_one_insert() -> None:
    times = {"nothing": [0.0], "hand": [20.0], "hand_set": [10.0], "ours_set": [10.5]}
    found = lines(measured(BULK, **times))
    assert of(OURS_BY_STATEMENT, found).ratio == 1.05


def test_a_single_row_may_cost_a_little_more_than_the_floor_than_many_may() -> None:
    times = {"nothing": [0.0], "hand": [100.0], "ours": [112.0]}
    assert missed(measured(UPDATE, **times)) == []
    assert missed(measured(BULK, **times)) == ["pgwitness: UPDATE of 9: 1.12 × the floor, not 1.10"]


def test_an_update_of_nothing_is_compared_with_an_audited_one() -> None:
    audited = measured(UPDATE, nothing=[0.0], hand=[20.0], ours=[20.0])
    assert missed(audited | measured(NO_OP, nothing=[0.0], ours=[2.9])) == []
    assert len(missed(audited | measured(NO_OP, nothing=[0.0], ours=[3.1]))) == 1


def test_what_a_row_costs_may_not_grow_with_the_statement() -> None:
    one, many = (Workload(f"by {by}", "UPDATE", 9, by=by, is_scale=True) for by in (1, 9))
    first = measured(one, nothing=[0.0], ours=[20.0])
    assert missed(first | measured(many, nothing=[0.0], ours=[24.0])) == []
    assert len(missed(first | measured(many, nothing=[0.0], ours=[26.0]))) == 1


def test_what_was_not_run_to_its_end_has_no_figures_but_a_reason() -> None:
    results = measured(UPDATE, nothing=[1.0], ours=[2.0])
    results[UPDATE.name, "peer"] = Measured(UPDATE, note="stopped after 30 s")
    peer = of("peer", lines(results)).as_json()
    assert (peer["cpu_us"], peer["added_us"], peer["note"]) == (None, None, "stopped after 30 s")


def test_the_table_says_where_a_peer_is_ahead() -> None:
    found = lines(measured(UPDATE, nothing=[10.0], hand=[30.0], ours=[30.0], peer=[25.0]))
    assert list(ahead(found)) == ["UPDATE of a row: peer 0.75 ×"]


def test_the_table_has_a_line_for_each_system() -> None:
    found = lines(measured(UPDATE, nothing=[10.0], hand=[30.0], ours=[31.0]))
    assert sum(line.lstrip().startswith((NOTHING, BY_ROW, OURS)) for line in table(found)) == 3
