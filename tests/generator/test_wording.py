"""Names of the catalogue as words: a first draft that a person goes on from."""

import pytest

from generator.wording import (
    bookkeeping_reason,
    column_label,
    count,
    plural,
    sentence,
    singular,
    switch,
    value_label,
    words,
)


@pytest.mark.parametrize(
    ("name", "entity", "module"),
    [
        ("workflow_conditions", "Workflow condition", "Workflow conditions"),
        ("category", "Category", "Categories"),
        ("addresses", "Address", "Addresses"),
        ("status", "Status", "Statuses"),
        ("boxes", "Box", "Boxes"),
        ("branches", "Branch", "Branches"),
        ("houses", "House", "Houses"),
        ("cases", "Case", "Cases"),
        ("people", "Person", "People"),
        ("staff", "Staff", "Staff"),
        ("news", "News", "News"),
        ("price_indices", "Price index", "Price indices"),
        ("keys", "Key", "Keys"),
        ("api_keys", "API key", "API keys"),
        ("bus", "Bus", "Buses"),
        ("OrderLines", "Order line", "Order lines"),
        ("HTTPRequests", "HTTP request", "HTTP requests"),
        ("tbl-customer.v2", "Tbl customer v2", "Tbl customer v2s"),
        ("größen", "Größen", "Größens"),
        ("注文", "注文", "注文s"),
        ('"; DROP', "Drop", "Drops"),
        ("$%&", "", ""),
    ],
)
def test_a_table_names_its_entity_and_its_module(name: str, entity: str, module: str) -> None:
    noun = singular(words(name))
    assert (sentence(noun), sentence(plural(noun))) == (entity, module)


@pytest.mark.parametrize(
    ("name", "is_reference", "label"),
    [
        ("full_name", False, "Full name"),
        ("owner_id", True, "Owner"),
        ("external_id", False, "External ID"),
        ("id", True, "ID"),
        ("deactivated_at", False, "Deactivated"),
        ("at", False, "At"),
        ("is_enabled", False, "Enabled"),
        ("is", False, "Is"),
        ("vat_id", True, "VAT"),
        ("websiteURL", False, "Website URL"),
        ("isActive", False, "Active"),
        ("€", False, "€"),
    ],
)
def test_a_column_is_called_what_it_holds(name: str, is_reference: bool, label: str) -> None:
    assert column_label(name, is_reference=is_reference) == label


@pytest.mark.parametrize(
    ("name", "switched"),
    [
        ("is_lead_scoring_on", ("Lead scoring", True)),
        ("isLeadScoringOn", ("Lead scoring", True)),
        ("sound_off", ("Sound", False)),
        ("two_factor_enabled", ("Two factor", True)),
        ("login_disabled", ("Login", False)),
        ("enable_sms", ("SMS", True)),
        ("disable_indexing", ("Indexing", False)),
    ],
)
def test_a_switch_is_what_it_turns_on(name: str, switched: tuple[str, bool]) -> None:
    assert switch(name) == switched


@pytest.mark.parametrize(
    "name",
    [
        *("is_enabled", "enabled", "disabled", "active", "is_active", "on", "is_on", "off"),
        *("campaign_active", "has_add_on", "is_based_on", "can_be_disabled", "day_off", "button"),
        "enabled_by_default",
    ],
)
def test_what_only_says_how_something_is_is_no_switch(name: str) -> None:
    assert switch(name) is None


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("handed_out", "Handed out"),
        ("in-progress", "In progress"),
        ("InProgress", "In progress"),
        ("IN_PROGRESS", "In progress"),
        ("step_2", "Step 2"),
        ("ACTIVE", "Active"),
        ("R", "R"),
        ("USD", "USD"),
        ("PG-13", "PG-13"),
        ("A+", "A+"),
        ("<=", "<="),
        ("in stock", "in stock"),
        ("日本", "日本"),
        ("_", "_"),
        (" ", "(empty)"),
        ("", "(empty)"),
    ],
)
def test_a_value_reads_as_words_and_a_code_stays_a_code(value: str, label: str) -> None:
    assert value_label(value) == label


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("schema_migrations", "migrations"),
        ("flyway_schema_history", "migrations"),
        ("alembic_version", "migrations"),
        ("databasechangelog", "migrations"),
        ("ar_internal_metadata", "migrations"),
        ("price_history", "log"),
        ("audit_trail", "log"),
        ("EventLog", "log"),
        ("user_sessions", "sessions"),
        ("outbox", "queue"),
        ("delayed_jobs", "queue"),
        ("solid_queue_claimed_executions", "queue"),
        ("cached_prices", "cache"),
    ],
)
def test_bookkeeping_is_told_by_its_name(table: str, reason: str) -> None:
    assert reason in (bookkeeping_reason(table) or "")


@pytest.mark.parametrize("table", ["logo", "catalog", "job", "queue_rule", "session_type", "login"])
def test_what_only_sounds_like_bookkeeping_is_none(table: str) -> None:
    assert bookkeeping_reason(table) is None


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 entries"), (1, "1 entry"), (12_345, "12,345 entries")]
)
def test_a_number_of_things_is_in_the_singular_or_plural(number: int, words: str) -> None:
    assert count(number, "entry") == words
