"""Plays saves against a real database through ordinary connections, then moves them into the past.

It makes no entry of the log: the triggers do, as they would for any application.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import LiteralString

import psycopg

from auditviewer.demo.week.people import MOBILE
from auditviewer.demo.week.saves import Save

# What an application does first in each transaction. SET LOCAL takes no parameters;
# set_config(…, true) is the same and does.
SAY_WHO: LiteralString = """
    SELECT set_config('audit.actor', %(actor)s, true),
           set_config('audit.actor_name', %(name)s, true),
           set_config('audit.ip', %(ip)s, true),
           set_config('audit.context', %(context)s, true)
"""

# The same in one call, which also binds the actor to this transaction.
SAY_WHO_BOUND: LiteralString = """
    SELECT audit.set_context(%(actor)s, %(ip)s, %(name)s, %(context)s)
"""


def play(saves: Iterable[Save], conninfo: str, now: datetime) -> dict[str, datetime]:
    """Play each save in a transaction of its own, as the role of its program.

    Returns when each was, seen from *now*, by transaction id.
    """
    moments: dict[str, datetime] = {}
    for number, save in enumerate(saves):
        when = save.when.before(now)
        with (
            psycopg.connect(conninfo, user=save.via.role, application_name=save.via.name) as crm,
            crm.cursor() as cursor,
        ):
            if save.who is not None:
                _say_who(cursor, save, _request_id(number))
            for step in save.what:
                for statement in step:
                    cursor.execute(statement.query, {**statement.values, "now": when})
            cursor.execute("SELECT pg_current_xact_id()::text")
            moments[_only(cursor)[0]] = when
    return moments


def move_into_past(
    superuser: psycopg.Connection, moments: Mapping[str, datetime], now: datetime
) -> None:
    """Give each played transaction the time at which the story has it.

    The log stamps entries with the clock and refuses every change of them: rightly so. A week
    can't be waited for, though, so the superuser of this throw-away cluster turns those triggers
    off for one transaction. In a real database that superuser is whom the log can't protect from.
    """
    with superuser.transaction():
        _add_days(superuser, now)
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.cursor().executemany(
            "UPDATE audit.entry"
            " SET occurred_at = occurred_at - transaction_at + %(when)s, transaction_at = %(when)s"
            " WHERE transaction_id = %(transaction)s::xid8",
            [{"transaction": key, "when": when} for key, when in moments.items()],
        )
        # The tables would else be tracked since after the first entries.
        superuser.execute(
            "UPDATE audit.tracked_table SET tracked_at = %s WHERE table_schema <> 'audit'",
            [min(moments.values()) - timedelta(minutes=30)],
        )


def _say_who(cursor: psycopg.Cursor, save: Save, request: str) -> None:
    assert save.who is not None
    cursor.execute(
        "SELECT id::text, full_name FROM crm.app_user WHERE email = %s", [save.who.email]
    )
    actor, name = _only(cursor)
    context = {"request": request} | ({"reason": save.reason} if save.reason else {})
    cursor.execute(
        SAY_WHO_BOUND if save.via == MOBILE else SAY_WHO,
        {"actor": actor, "name": name, "ip": save.ip, "context": json.dumps(context)},
    )


def _request_id(number: int) -> str:
    return "req_" + sha256(str(number).encode()).hexdigest()[:10]


def _add_days(superuser: psycopg.Connection, now: datetime) -> None:
    """Add the partitions of the last eight days that aren't there, as their owner."""
    superuser.execute("SET LOCAL ROLE audit_owner")
    superuser.execute(
        """
        SELECT audit._add_partition(day, day + 1)
        FROM generate_series(1, 8) AS n,
             LATERAL (SELECT (%s::timestamptz AT TIME ZONE 'UTC')::date - n) AS d (day)
        WHERE to_regclass('audit.entry_' || to_char(day, 'YYYYMMDD')) IS NULL
        """,
        [now],
    )
    superuser.execute("RESET ROLE")


def _only(cursor: psycopg.Cursor) -> tuple[str, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row
