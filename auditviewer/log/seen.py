"""Entries as entities see them: one that moved a row is seen by the entity that the row left, too.

Knows SQL; which entries are asked for is `conditions`' business, what a move means `states`'.
"""

from psycopg import sql

from auditviewer.log.conditions import Conditions
from auditviewer.log.ids import has_id

COLUMNS = sql.SQL("""e.id, e.occurred_at, e.transaction_id, e.transaction_at,
           e.module, e.entity, e.actor, e.part, e.operation""")

# In the list of columns, not by a join: below one, PostgreSQL would sort whole days for 50 rows.
BY_ANY = sql.SQL("""
SELECT {columns},
           CASE WHEN e.is_former THEN e.former_entity_id ELSE e.entity_id END AS entity_id,
           e.is_former
    FROM (
        SELECT {columns}, e.entity_id, e.former_entity_id,
               unnest(CASE WHEN e.former_entity_id IS NULL
                      THEN '{{false}}' ELSE '{{false,true}}' END::boolean[]) AS is_former
        FROM audit.entry AS e
        WHERE {own}
        {order}
    ) AS e""")

# An index for each of both; one condition with OR would have all entries of the entity sorted.
BY_ONE = sql.SQL("""
SELECT {columns}, e.entity_id, false AS is_former
    FROM audit.entry AS e
    WHERE {own} AND {same}
    UNION ALL
    SELECT {columns}, e.former_entity_id, true
    FROM audit.entry AS e
    WHERE {own} AND {former}
    {order}""")

AND = sql.SQL("\n      AND ")
NEWEST_FIRST = sql.SQL("ORDER BY {e}occurred_at DESC, {e}id DESC")

SAME_AS_ASKED = has_id("e.entity_id", "%(entity_id)s")
FORMER_AS_ASKED = has_id("e.former_entity_id", "%(entity_id)s")


def entries_as_seen(found: Conditions, *, ordered: bool) -> sql.Composable:
    """Return the query of the entries that fulfil *own*, each once for each entity that sees it.

    *entity_id* is that of the entity, *is_former* tells that the row left it. In order, an entry
    comes for the entity that it belongs to, then for the one that it left.
    """
    nothing = sql.SQL("")
    own = AND.join(found.own)
    if found.values["entity_id"] is None:
        order = NEWEST_FIRST.format(e=sql.SQL("e.")) if ordered else nothing
        return BY_ANY.format(columns=COLUMNS, own=own, order=order)
    order = NEWEST_FIRST.format(e=nothing) if ordered else nothing
    return BY_ONE.format(
        columns=COLUMNS, own=own, order=order, same=SAME_AS_ASKED, former=FORMER_AS_ASKED
    )
