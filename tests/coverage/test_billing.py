"""What the log shows of plans and billing."""

from datetime import date

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.crm import PRIYA, Crm, Person
from tests.saves import add, change, editing
from tests.viewer import seen

SUBSCRIPTION = ("Plans and Billing · Subscription", "S-1042")
TRIAL_UNTIL = date(2026, 12, 8)


@pytest.fixture(autouse=True)
def account(crm: Crm) -> None:
    """An account with no subscription yet; the application itself could not take one away."""
    with psycopg.connect(crm.conninfo) as owner:
        owner.execute("DELETE FROM crm.subscription")


def start_trial(crm: Crm, by: Person = PRIYA, **columns: object) -> int:
    with crm.saving(by) as form:
        trial = {"number": "S-1042", "trial_plan": "growth", "trial_ends_on": TRIAL_UNTIL}
        return int(add(form, "subscription", **trial, **columns))


def subscribe(crm: Crm, plan: str, licences: int) -> int:
    return start_trial(crm, plan=plan, licence_count=licences, billing_cycle="monthly")


def test_a_trial_starts_with_the_account(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    start_trial(crm, ana)

    [started] = seen(admin, ana)
    assert started.what == ("Created", *SUBSCRIPTION)
    assert started.said == "Started a trial of Growth, until 8 Dec 2026"
    assert ("Plan of the trial", "not there", "Growth") in started.rows


def test_B1_plan_changes_during_trial(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    trial = start_trial(crm)

    for plan in ("pro", "starter"):
        with editing(crm, ana, "subscription", trial) as form:
            change(form, "subscription", trial, trial_plan=plan)

    up, down = seen(admin, ana)
    assert up.what == down.what == ("Updated", *SUBSCRIPTION)
    assert up.said == "Upgraded the trial Growth → Pro"
    assert down.said == "Downgraded the trial Pro → Starter"
    assert up.rows == [("Plan of the trial", "Growth", "Pro")]


def test_B2_plan_is_subscribed_to(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    trial = start_trial(crm)

    with editing(crm, ana, "subscription", trial) as form:
        plan = {"plan": "growth", "licence_count": 5, "billing_cycle": "monthly"}
        change(form, "subscription", trial, **plan)

    [subscribed] = seen(admin, ana)
    assert subscribed.what == ("Updated", *SUBSCRIPTION)
    assert subscribed.said == "Subscribed to Growth, user licences: 5, billed monthly"
    assert subscribed.rows == [
        ("Plan", "not set", "Growth"),
        ("User licences", "not set", "5"),
        ("Billing cycle", "not set", "monthly"),
    ]


def test_B3_plan_is_upgraded_and_downgraded(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    subscription = subscribe(crm, "growth", 5)

    with editing(crm, ana, "subscription", subscription) as form:
        change(form, "subscription", subscription, plan="pro", licence_count=10)
        change(form, "subscription", subscription, billing_cycle="yearly")
    with editing(crm, ana, "subscription", subscription) as form:
        change(form, "subscription", subscription, plan="starter", licence_count=9)

    upgraded, downgraded = seen(admin, ana)
    assert upgraded.what == downgraded.what == ("Updated", *SUBSCRIPTION)
    assert upgraded.said == "Upgraded Growth → Pro, 5 licences added, billed yearly"
    assert upgraded.rows == [
        ("Plan", "Growth", "Pro"),
        ("User licences +5", "5", "10"),
        ("Billing cycle", "monthly", "yearly"),
    ]
    assert downgraded.said == "Downgraded Pro → Starter, 1 licence removed"
    assert downgraded.rows == [("Plan", "Pro", "Starter"), ("User licences −1", "10", "9")]


def test_B4_phone_credits_are_added(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    with crm.saving(ana) as form:
        price = {"amount": "25.00", "currency": "EUR"}
        add(form, "phone_credit_purchase", invoice_number="INV-20311", credits=500, **price)

    [added] = seen(admin, ana)
    assert added.what == ("Created", "Plans and Billing · Phone credits", "INV-20311")
    assert added.said == "Added 500 phone credits for €25.00"
    assert added.link == "https://crm.example/settings/billing"
    assert added.rows[:4] == [
        ("Invoice", "not there", "INV-20311"),
        ("Phone credits", "not there", "500"),
        ("Price", "not there", "€25.00"),
        ("Currency", "not there", "Euro (EUR)"),
    ]


def test_B5_billing_currency_changes(crm: Crm, admin: FlaskClient, ana: Person) -> None:
    subscription = subscribe(crm, "growth", 5)

    with editing(crm, ana, "subscription", subscription) as form:
        change(form, "subscription", subscription, billing_currency="EUR")

    [changed] = seen(admin, ana)
    assert changed.what == ("Updated", *SUBSCRIPTION)
    assert changed.said == "Billing currency: US dollar (USD) → Euro (EUR)"
    assert changed.link == "https://crm.example/settings/billing"
    assert changed.rows == [("Billing currency", "US dollar (USD)", "Euro (EUR)")]
