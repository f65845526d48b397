"""What the log shows of account and CRM settings."""

from datetime import UTC, datetime

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.crm import PRIYA, Crm, Person
from tests.page import Listed
from tests.saves import add, change, editing
from tests.viewer import seen

SETTINGS = ("Account & CRM settings · Account settings", "Kestrel Bikes")


@pytest.fixture(autouse=True)
def account(crm: Crm) -> None:
    """An account with the settings that it begins with."""
    with psycopg.connect(crm.conninfo) as owner:
        owner.execute("DELETE FROM crm.account_setting")
    with crm.saving(PRIYA) as form:
        add(form, "account_setting", company_name="Kestrel Bikes", primary_contact_id=1)


def edited(crm: Crm, admin: FlaskClient, by: Person, **columns: object) -> Listed:
    """Save the form of the settings, and return what the page shows of it."""
    with editing(crm, by, "account_setting", 1) as form:
        change(form, "account_setting", 1, **columns)
    found = seen(admin, by)[-1]
    assert found.what == ("Updated", *SETTINGS)
    assert found.link == "https://crm.example/settings/account"
    return found


def test_A1_primary_contact(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, primary_contact_id=2)

    assert shown.said == "Primary contact: Priya Nair → Ana Diaz"
    assert shown.rows == [("Primary contact", "Priya Nair", "Ana Diaz")]


def test_A2_cancellation_is_requested_and_withdrawn(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    request = {"cancellation_requested_at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC)}
    asked = edited(crm, admin, ana, **request, cancellation_reason="No budget")
    withdrawn = edited(crm, admin, ana, cancellation_requested_at=None, cancellation_reason=None)

    assert asked.said == "Account cancellation requested, reason: No budget"
    assert asked.rows == [
        ("Cancellation requested", "not set", "2 Mar 2026, 09:30:00"),
        ("Reason for cancellation", "not set", "No budget"),
    ]
    assert withdrawn.said == (
        "Request to cancel the account withdrawn; Reason for cancellation cleared (was No budget)"
    )


def test_A3_time_zone(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, time_zone="Europe/Zurich")

    assert shown.said == "Time zone: UTC → Europe/Zurich"
    assert shown.rows == [("Time zone", "UTC", "Europe/Zurich")]


def test_A4_currency(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, currency="CHF")

    assert shown.said == "Currency: US dollar (USD) → Swiss franc (CHF)"
    assert shown.rows == [("Currency", "US dollar (USD)", "Swiss franc (CHF)")]


def test_A5_language(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, language="de")

    assert shown.said == "Language: English → German"
    assert shown.rows == [("Language", "English", "German")]


def test_A6_date_format(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, date_format="DD.MM.YYYY")

    before, after = "year-month-day (2026-12-31)", "day.month.year (31.12.2026)"
    assert shown.said == f"Date format: {before} → {after}"
    assert shown.rows == [("Date format", before, after)]


def test_A7_time_format(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    shown = edited(crm, admin, ana, time_format="12h")

    assert shown.said == "Time format: 24 hours (14:05) → 12 hours (2:05 PM)"
    assert shown.rows == [("Time format", "24 hours (14:05)", "12 hours (2:05 PM)")]


def test_A8_intelligent_lead_scoring_on_and_off(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    on, off = (edited(crm, admin, ana, is_lead_scoring_on=value) for value in (True, False))

    assert on.said == "Intelligent lead scoring turned on"
    assert on.rows == [("Intelligent lead scoring", "off", "on")]
    assert off.said == "Intelligent lead scoring turned off"
    assert off.rows == [("Intelligent lead scoring", "on", "off")]


def test_A9_automatic_profile_enrichment_on_and_off(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    on, off = (edited(crm, admin, ana, is_profile_enrichment_on=value) for value in (True, False))

    assert on.said == "Automatic profile enrichment turned on"
    assert on.rows == [("Automatic profile enrichment", "off", "on")]
    assert off.said == "Automatic profile enrichment turned off"
    assert off.rows == [("Automatic profile enrichment", "on", "off")]


def test_A10_no_emails_to_those_with_do_not_disturb_off_and_on(
    crm: Crm, admin: FlaskClient, ana: Person
) -> None:
    off, on = (edited(crm, admin, ana, is_dnd_email_blocked=value) for value in (False, True))

    label = "No e-mails to leads and contacts with Do not disturb"
    assert off.said == "E-mails to leads and contacts with Do not disturb allowed"
    assert off.rows == [(label, "on", "off")]
    assert on.said == "E-mails to leads and contacts with Do not disturb prevented"
    assert on.rows == [(label, "off", "on")]
