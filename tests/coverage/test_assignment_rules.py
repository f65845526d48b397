"""What the log shows of assignment rules, with their filters and the people that they assign to."""

from dataclasses import dataclass
from itertools import count

import pytest
from flask.testing import FlaskClient

from tests.crm import PRIYA, Connection, Crm, Person
from tests.saves import add, change, editing, remove
from tests.viewer import seen

NAME = "Enquiries from the north"
RULE = ("Assignment rules", NAME)
ANA, OTHER_ANA = 2, 3
NORWAY = {"field": "country", "operator": "is", "value": "Norway"}
LARGE = {"field": "company_size", "operator": "is_greater_than", "value": "200"}

_numbers = count(1)


@dataclass(frozen=True)
class Rule:
    """A rule with one filter group, in which there is one condition."""

    id: int
    group: int
    condition: int
    position: int


def add_rule(form: Connection) -> Rule:
    """Make a territory of its own, and the rule that fills it; Priya has access and gets all."""
    number = next(_numbers)
    territory = add(form, "territory", name=f"Nordics {number}")
    where = {"territory_id": territory, "position": number, "record_type": "lead"}
    rule = add(form, "assignment_rule", name=NAME, **where)
    group = add(form, "assignment_filter_group", assignment_rule_id=rule, position=1)
    condition = add(form, "assignment_condition", filter_group_id=group, position=1, **NORWAY)
    add(form, "assignment_access", assignment_rule_id=rule, user_id=1)
    add(form, "assignment_round_robin", assignment_rule_id=rule, user_id=1, position=1)
    return Rule(rule, group, condition, number)


@pytest.fixture
def rule(crm: Crm) -> Rule:
    """A rule that somebody else made."""
    with crm.saving(PRIYA) as form:
        return add_rule(form)


def test_R1_rule_is_created_and_deleted(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    with crm.saving(ana) as form:
        rule = add_rule(form)
    with crm.saving(ana) as form:
        remove(form, "assignment_rule", id=rule.id)

    created, deleted = (each for each in seen(admin, ana) if each.where == "Assignment rules")
    assert created.what == ("Created", *RULE)
    assert (
        created.said
        == "Created with 1 filter group, 1 condition, 1 access right, 1 round-robin member"
    )
    assert ("+ added at 1", "not there", "Country is Norway") in created.rows
    assert deleted.what == ("Deleted", *RULE)
    assert (
        deleted.said
        == "Deleted with 1 filter group, 1 access right, 1 round-robin member, 1 condition"
    )
    assert ("− removed", "Priya Nair", "not there") in deleted.rows


def test_R2_filters_match_all_or_any(crm: Crm, admin: FlaskClient, ana: Person, rule: Rule) -> None:
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        change(form, "assignment_rule", rule.id, match="any")
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        change(form, "assignment_filter_group", rule.group, match="any")

    of_groups, of_conditions = seen(admin, ana)
    assert of_groups.what == of_conditions.what == ("Updated", *RULE)
    assert of_groups.said == "Filter groups match: all of them → any of them"
    assert of_groups.rows == [("Filter groups match", "all of them", "any of them")]
    before, after = "all of its conditions", "any of its conditions"
    assert of_conditions.said == f"Changed filter group: {before} → {after}"
    assert of_conditions.rows == [("~ changed", before, after)]


def test_R3_condition_is_added_removed_and_updated(
    crm: Crm, admin: FlaskClient, ana: Person, rule: Rule
) -> None:
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        new = add(form, "assignment_condition", filter_group_id=rule.group, position=2, **LARGE)
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        change(form, "assignment_condition", rule.condition, value="Sweden")
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        remove(form, "assignment_condition", id=new)

    added, updated, removed = seen(admin, ana)
    assert added.what == updated.what == removed.what == ("Updated", *RULE)
    assert added.said == "Added condition: Company size is greater than 200"
    assert added.rows == [("+ added at 2", "not there", "Company size is greater than 200")]
    assert updated.said == "Changed condition: Country is Norway → Sweden"
    assert updated.rows == [("~ changed", "Country is Norway", "Country is Sweden")]
    assert removed.said == "Removed condition: Company size is greater than 200"
    assert removed.rows == [("− removed at 2", "Company size is greater than 200", "not there")]


def test_R4_access_is_given_to_and_taken_from_a_user(
    crm: Crm, admin: FlaskClient, ana: Person, rule: Rule
) -> None:
    access = {"assignment_rule_id": rule.id, "user_id": ANA}
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        add(form, "assignment_access", **access)
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        remove(form, "assignment_access", **access)

    given, taken = seen(admin, ana)
    assert given.what == taken.what == ("Updated", *RULE)
    assert given.said == "Gave access to Ana Diaz"
    assert given.rows == [("+ added", "not there", "Ana Diaz")]
    assert taken.said == "Took access from Ana Diaz"
    assert taken.rows == [("− removed", "Ana Diaz", "not there")]


def test_R5_user_is_added_to_and_removed_from_the_round_robin(
    crm: Crm, admin: FlaskClient, ana: Person, rule: Rule
) -> None:
    member = {"assignment_rule_id": rule.id, "user_id": ANA}
    with crm.saving(PRIYA) as form:
        add(form, "assignment_access", **member)
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        add(form, "assignment_round_robin", **member, position=2)
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        remove(form, "assignment_round_robin", **member)

    added, removed = seen(admin, ana)
    assert added.what == removed.what == ("Updated", *RULE)
    assert added.said == "Added Ana Diaz to the round robin"
    assert added.rows == [("+ added at 2", "not there", "Ana Diaz")]
    assert removed.said == "Removed Ana Diaz from the round robin"
    assert removed.rows == [("− removed at 2", "Ana Diaz", "not there")]


def test_who_loses_access_and_a_turn_is_told_in_one_sentence(
    crm: Crm, admin: FlaskClient, ana: Person, rule: Rule
) -> None:
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        for table in ("assignment_access", "assignment_round_robin"):
            remove(form, table, assignment_rule_id=rule.id, user_id=1)

    [taken] = seen(admin, ana)
    assert taken.said == "Took access from Priya Nair, removed Priya Nair from the round robin"


def test_R6_position_of_the_territory_changes(
    crm: Crm, admin: FlaskClient, ana: Person, rule: Rule
) -> None:
    with crm.saving(PRIYA) as form:
        other = add_rule(form)  # one place further down
    with editing(crm, ana, "assignment_rule", rule.id) as form:
        change(form, "assignment_rule", rule.id, position=other.position)
        change(form, "assignment_rule", other.id, position=rule.position)

    down, up = seen(admin, ana)
    assert down.what == up.what == ("Updated", *RULE)
    places = str(rule.position), str(other.position)
    assert down.said == f"Territory moved down from position {places[0]} to {places[1]}"
    assert down.rows == [("Position of the territory +1", *places)]
    assert up.said == f"Territory moved up from position {places[1]} to {places[0]}"
