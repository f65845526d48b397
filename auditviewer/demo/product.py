"""The CRM's own pages, as far as the demo needs them: where the links of the audit log lead.

They read the live rows as the CRM does; they change nothing and know nothing of the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from flask import Blueprint, abort, render_template
from psycopg.rows import dict_row


@dataclass(frozen=True)
class Page:
    """A record by its key, and lists that belong to it."""

    noun: str
    record: LiteralString
    lists: Mapping[str, LiteralString] = field(default_factory=dict)


USER = Page(
    "User",
    """
    SELECT full_name AS "Name", email AS "E-mail", role AS "Role",
           CASE WHEN deactivated_at IS NULL THEN 'yes' ELSE 'no' END AS "Can sign in"
    FROM crm.app_user
    WHERE id = %s
    """,
)

SETTINGS = Page(
    "Account settings",
    """
    SELECT s.company_name AS "Name", u.full_name AS "Primary contact", s.time_zone AS "Time zone",
           s.currency AS "Currency", s.language AS "Language", s.date_format AS "Date format",
           s.time_format AS "Time format", s.is_lead_scoring_on AS "Lead scoring",
           s.is_profile_enrichment_on AS "Profile enrichment",
           s.is_dnd_email_blocked AS "Do not disturb is kept"
    FROM crm.account_setting AS s
    JOIN crm.app_user AS u ON u.id = s.primary_contact_id
    WHERE s.id = %s
    """,
)

WORKFLOW = Page(
    "Workflow",
    """
    SELECT w.name AS "Name", w.description AS "Description", w.record_type AS "Looks at",
           w.match AS "Conditions match", w.is_enabled AS "Enabled", u.full_name AS "Owner",
           w.run_count::text AS "Runs"
    FROM crm.workflow AS w
    JOIN crm.app_user AS u ON u.id = w.owner_id
    WHERE w.id = %s
    """,
    {
        "Conditions": """
            SELECT field AS "Field", operator AS "Operator", value AS "Value"
            FROM crm.workflow_condition
            WHERE workflow_id = %s
            ORDER BY position
            """,
        "Actions": """
            SELECT a.kind AS "Action", a.settings::text AS "Settings", u.full_name AS "Assigned to"
            FROM crm.workflow_action AS a
            LEFT JOIN crm.app_user AS u ON u.id = a.assignee_id
            WHERE a.workflow_id = %s
            ORDER BY a.position
            """,
    },
)


BILLING = Page(
    "Plans and billing",
    """
    SELECT number AS "Name", plan AS "Plan", licence_count::text AS "User licences",
           billing_cycle AS "Billed", billing_currency AS "Billing currency",
           trial_plan AS "Plan of the trial", trial_ends_on::text AS "Trial until"
    FROM crm.subscription
    WHERE id = %s
    """,
    {
        "Phone credits": """
            SELECT invoice_number AS "Invoice", credits::text AS "Credits",
                   amount || ' ' || currency AS "Price"
            FROM crm.phone_credit_purchase
            WHERE EXISTS (SELECT FROM crm.subscription WHERE id = %s)
            ORDER BY phone_credit_purchase.id DESC
            """,
    },
)

TERRITORY = Page(
    "Territory",
    """
    SELECT t.name AS "Name", t.description AS "Description", r.name AS "Assignment rule",
           r.position::text AS "Position"
    FROM crm.territory AS t
    LEFT JOIN crm.assignment_rule AS r ON r.territory_id = t.id
    WHERE t.id = %s
    """,
)

ASSIGNMENT_RULE = Page(
    "Assignment rule",
    """
    SELECT r.name AS "Name", t.name AS "Territory", r.position::text AS "Position",
           r.record_type AS "Looks at", r.match AS "Filter groups match"
    FROM crm.assignment_rule AS r
    JOIN crm.territory AS t ON t.id = r.territory_id
    WHERE r.id = %s
    """,
    {
        "Filters": """
            SELECT g.position::text AS "Group", g.match AS "Conditions match",
                   c.field AS "Field", c.operator AS "Operator", c.value AS "Value"
            FROM crm.assignment_filter_group AS g
            LEFT JOIN crm.assignment_condition AS c ON c.filter_group_id = g.id
            WHERE g.assignment_rule_id = %s
            ORDER BY g.position, c.position
            """,
        "Access": """
            SELECT u.full_name AS "User", t.position::text AS "Turn in the round robin"
            FROM crm.assignment_access AS a
            JOIN crm.app_user AS u ON u.id = a.user_id
            LEFT JOIN crm.assignment_round_robin AS t USING (assignment_rule_id, user_id)
            WHERE a.assignment_rule_id = %s
            ORDER BY t.position, u.full_name
            """,
    },
)

SALES_SEQUENCE = Page(
    "Sales sequence",
    """
    SELECT s.name AS "Name", s.kind AS "Type", s.record_type AS "For",
           s.entry_match AS "Entry conditions match", s.exit_match AS "Exit conditions match",
           s.run_time::text AS "Run time", s.time_zone AS "Time zone",
           s.schedule::text AS "Schedule", s.is_enabled AS "Enabled", u.full_name AS "Owner"
    FROM crm.sales_sequence AS s
    JOIN crm.app_user AS u ON u.id = s.owner_id
    WHERE s.id = %s
    """,
    {
        "Entry conditions": """
            SELECT field AS "Field", operator AS "Operator", value AS "Value"
            FROM crm.sales_sequence_entry_condition
            WHERE sales_sequence_id = %s
            ORDER BY position
            """,
        "Exit conditions": """
            SELECT field AS "Field", operator AS "Operator", value AS "Value"
            FROM crm.sales_sequence_exit_condition
            WHERE sales_sequence_id = %s
            ORDER BY position
            """,
        "Steps": """
            SELECT kind AS "Step", subject AS "Subject", wait_days::text AS "Days to wait"
            FROM crm.sales_sequence_step
            WHERE sales_sequence_id = %s
            ORDER BY position
            """,
    },
)

PAGES = {
    "users": USER,
    "workflows": WORKFLOW,
    "territories": TERRITORY,
    "assignment-rules": ASSIGNMENT_RULE,
    "sales-sequences": SALES_SEQUENCE,
}
SETTINGS_PAGES = {"account": SETTINGS, "billing": BILLING}


def create_product(conninfo: str) -> Blueprint:
    """Return the pages below /crm, read over *conninfo*."""
    product = Blueprint(
        "product",
        __name__,
        url_prefix="/crm",
        template_folder="templates",
        static_folder="static",
    )

    @product.get(f"/<any({_choice(PAGES)}):kind>/<int(max=9223372036854775807):key>")
    def record(kind: str, key: int) -> str:
        return _render(conninfo, PAGES[kind], key)

    @product.get(f"/settings/<any({_choice(SETTINGS_PAGES)}):kind>")
    def settings(kind: str) -> str:
        return _render(conninfo, SETTINGS_PAGES[kind], 1)

    return product


def _choice(pages: Mapping[str, Page]) -> str:
    return ", ".join(f'"{name}"' for name in pages)


def _render(conninfo: str, page: Page, key: int) -> str:
    with psycopg.connect(conninfo, application_name="crm-web", row_factory=dict_row) as crm:
        record = crm.execute(page.record, [key]).fetchone()
        if record is None:
            abort(404)
        lists = {name: crm.execute(query, [key]).fetchall() for name, query in page.lists.items()}
    return render_template("product.html", noun=page.noun, record=record, lists=lists)
