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


def create_product(conninfo: str) -> Blueprint:
    """Return the pages below /crm, read over *conninfo*."""
    product = Blueprint(
        "product",
        __name__,
        url_prefix="/crm",
        template_folder="templates",
        static_folder="static",
    )

    @product.get("/users/<int(max=9223372036854775807):key>")
    def user(key: int) -> str:
        return _render(conninfo, USER, key)

    @product.get("/workflows/<int(max=9223372036854775807):key>")
    def workflow(key: int) -> str:
        return _render(conninfo, WORKFLOW, key)

    @product.get("/settings/account")
    def account() -> str:
        return _render(conninfo, SETTINGS, 1)

    return product


def _render(conninfo: str, page: Page, key: int) -> str:
    with psycopg.connect(conninfo, application_name="crm-web", row_factory=dict_row) as crm:
        record = crm.execute(page.record, [key]).fetchone()
        if record is None:
            abort(404)
        lists = {name: crm.execute(query, [key]).fetchall() for name, query in page.lists.items()}
    return render_template("product.html", noun=page.noun, record=record, lists=lists)
