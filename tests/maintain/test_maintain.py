"""pgwitness maintain: days ahead, days that are over, days past the retention."""

from generator.maintenance import Terms
from tests.maintenance import Upkeep


def test_a_new_log_has_all_the_days_it_needs(upkeep: Upkeep) -> None:
    before = upkeep.partitions()
    run = upkeep.maintain()
    assert run.given_up == []
    assert [p.name for p in upkeep.partitions()] == [p.name for p in before]


def test_days_are_added_in_front_of_the_last_partition_while_that_is_empty(upkeep: Upkeep) -> None:
    upkeep.age(20)
    upkeep.maintain()
    assert upkeep.days() == [*range(-21, 47)]
    assert upkeep.tables() == set()


def test_a_last_partition_in_use_is_ended_a_month_ahead(upkeep: Upkeep) -> None:
    upkeep.age(76, ahead=5)
    upkeep.add_entries(-10, 3)
    upkeep.add_entries(0, 2)
    upkeep.maintain()
    assert upkeep.days() == [*range(-77, -69), *range(30, 47)]
    assert upkeep.as_owner("SELECT count(*) FROM audit.entry")[0].count == 5


def test_days_that_are_wholly_past_the_retention_are_dropped_and_no_others(upkeep: Upkeep) -> None:
    upkeep.age(93, ahead=5)
    for day in (-94, -91, -90, -89):
        upkeep.add_entries(day, 5 - day)
    upkeep.maintain()
    assert upkeep.days()[0] == -90
    assert upkeep.removed() == {-94: 99, -93: 0, -92: 0, -91: 96}
    assert [d["entries"] for d in upkeep.runs()[0].dropped] == [99, 0, 0, 96]


def test_running_again_changes_nothing(upkeep: Upkeep) -> None:
    upkeep.age(76, ahead=5)
    upkeep.add_entries(0)
    upkeep.maintain(Terms("crm", retention=30))
    before = upkeep.partitions(), upkeep.removed()
    run = upkeep.maintain(Terms("crm", retention=30))
    assert (upkeep.partitions(), upkeep.removed()) == before
    assert run.given_up == []
