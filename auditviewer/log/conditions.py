"""A filter as conditions on the entries of the log: which of them stand for a change to be shown.

Knows SQL, and which indexes the look-ups walk; where a page begins and ends is `stands`' business.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from auditviewer.log.filters import Filter
from auditviewer.log.ids import has_id, has_no_id
from auditviewer.log.search import text_condition

Condition = sql.Composable

# Not by transaction_id = …: its index finds each entry of a bulk load again and again. The one by
# entity goes straight to the next entry of the same one.
OF_SAME_CHANGE = """
    n.entity = e.entity
      AND {same_id}
      AND n.transaction_id IS NOT DISTINCT FROM e.transaction_id
      AND n.module = e.module
      AND n.actor IS NOT DISTINCT FROM e.actor"""

NEWER_OF_SAME = sql.SQL(
    f"""
    SELECT FROM audit.entry AS n
    WHERE {OF_SAME_CHANGE}
      AND n.occurred_at >= e.occurred_at AND n.occurred_at < e.occurred_at + '1 day'::interval
      AND n.occurred_at >= %(low)s AND n.occurred_at < %(after)s
      AND (n.occurred_at, n.id) > (e.occurred_at, e.id)
      AND {{matches}}"""
)

SAME_ID = has_id("n.entity_id", "e.entity_id")
FORMER_ID = has_id("n.former_entity_id", "e.entity_id")
NO_ID = has_no_id("n.entity_id")

# A part whose parents were deleted in the same statement has lost its entity; the change of the
# entity shows it.
ENTITY_OF_ORPHAN = sql.SQL("""
    SELECT FROM audit.entry AS n
    WHERE n.entity = e.entity
      AND n.entity_id IS NOT NULL
      AND n.transaction_id IS NOT DISTINCT FROM e.transaction_id
      AND n.module = e.module
      AND n.actor IS NOT DISTINCT FROM e.actor
      AND n.occurred_at >= e.transaction_at - '1 day'::interval
      AND n.occurred_at < e.occurred_at + '1 day'::interval
      AND n.occurred_at >= %(before)s AND n.occurred_at < %(after)s
      AND {matches}""")

# A CASE, for of a plain NOT EXISTS the planner makes a join, which loses the order.
IS_NEWEST_OF_ONE = sql.SQL("""CASE
    WHEN EXISTS ({of_same}) OR EXISTS ({of_former}) THEN false
    ELSE true
    END""")
IS_NEWEST = sql.SQL("""CASE
    WHEN e.entity_id IS NOT NULL THEN NOT EXISTS ({of_same}) AND NOT EXISTS ({of_former})
    WHEN e.part IS NOT NULL AND e.operation <> 'TRUNCATE' AND EXISTS ({of_orphan}) THEN false
    ELSE NOT EXISTS ({of_none})
    END""")

# What a change is to its entity, the entries of the entity's own row say: the first and the last.
# They are looked for from when the transaction began, less what a clock is set back by: further
# back, an entity that is written all day would have them all read.
OWN_ROWS = sql.SQL(
    f"""
    FROM audit.entry AS n
    WHERE {OF_SAME_CHANGE}
      AND n.part IS NULL
      AND n.occurred_at >= e.transaction_at - '1 minute'::interval
      AND n.occurred_at < e.occurred_at + {{until}}::interval
      AND n.occurred_at >= %(before)s AND n.occurred_at < %(after)s"""
)

# A CASE, for the planner takes half of all to be of a kind: of an equality, hardly any.
KIND = sql.SQL("""CASE coalesce(CASE
    WHEN e.entity_id IS NOT NULL THEN (
        SELECT CASE
            WHEN l.operation = 'DELETE' THEN 'deleted'
            WHEN f.operation = 'INSERT' THEN 'created'
            END
        FROM (SELECT n.operation {of_same} ORDER BY n.occurred_at DESC, n.id DESC LIMIT 1) AS l,
             (SELECT n.operation {of_same} ORDER BY n.occurred_at, n.id LIMIT 1) AS f)
    ELSE (
        SELECT CASE
            WHEN bool_and(n.operation = 'DELETE') OR bool_or(n.operation = 'TRUNCATE')
                THEN 'deleted'
            WHEN bool_and(n.operation = 'INSERT') THEN 'created'
            END
        {of_none})
    END, 'updated') WHEN %(kind)s THEN true ELSE false END""")

# What is rare would be looked for at every entry, one after the other. Transactions without the
# operation are passed over.
SAVES_WITH = sql.SQL("""e.transaction_id = ANY (ARRAY(
          SELECT DISTINCT d.transaction_id
          FROM audit.entry AS d
          WHERE {of_change}
            AND d.part IS NULL
            AND d.operation = ANY (%(operations)s)
            AND d.occurred_at >= %(before)s AND d.occurred_at < %(after)s))""")


@dataclass
class Conditions:
    """What an entry *e* has to fulfil: *own* by itself, *dear* as an entity sees it.

    What is dear asks for others of the change. Their values are in *values*, less those of time:
    low, high, before, after. Of which entity the entries are is for `seen` to say.
    """

    own: list[Condition] = field(default_factory=list)
    dear: list[Condition] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, **values: Any) -> None:
        """Add a condition that an entry fulfils by itself."""
        self.own.append(sql.SQL(condition))
        self.values |= values


def conditions_of(asked: Filter) -> Conditions:
    """Return a condition for each filter that is given, and none for the others.

    A change stands where its newest entry stands, or the newest that has the text asked for.
    """
    found = Conditions()
    found.add("e.occurred_at >= %(low)s AND e.occurred_at < %(high)s")
    found.own += [_of(condition, "e") for condition in _of_change(asked)]
    found.values |= {
        "actor": asked.actor,
        "module": asked.module,
        "entity": asked.entity,
        "entity_id": asked.entity_id,
        "save": asked.save,
    }
    matches: Condition = sql.SQL("true")
    if asked.text:
        condition, values = text_condition(asked.text)
        matches, _ = text_condition(asked.text, "n")
        found.own.append(condition)
        found.values |= values
    found.dear.append(_is_newest(matches, of_one=asked.entity_id is not None))
    if asked.kind:
        _add_kind(found, asked)
    return found


def _of_change(asked: Filter) -> Iterator[str]:
    """Yield the conditions that all entries of a change fulfil alike, or none does."""
    if asked.by:
        yield "{e}.actor IS NULL" if asked.actor is None else "{e}.actor = %(actor)s"
    if asked.module:
        yield "{e}.module = %(module)s"
    if asked.entity:
        yield "{e}.entity = %(entity)s"
    if asked.save:
        yield "{e}.transaction_id = %(save)s::xid8"


def _of(condition: str, alias: str) -> Condition:
    return sql.SQL(condition).format(e=sql.Identifier(alias))


def _is_newest(matches: Condition, *, of_one: bool) -> Condition:
    subqueries = {
        "of_same": NEWER_OF_SAME.format(same_id=SAME_ID, matches=matches),
        "of_former": NEWER_OF_SAME.format(same_id=FORMER_ID, matches=matches),
    }
    if of_one:
        return IS_NEWEST_OF_ONE.format(**subqueries)
    return IS_NEWEST.format(
        **subqueries,
        of_none=NEWER_OF_SAME.format(same_id=NO_ID, matches=matches),
        of_orphan=ENTITY_OF_ORPHAN.format(matches=matches),
    )


def _add_kind(found: Conditions, asked: Filter) -> None:
    # An index finds what one person did, or of one entity; and deletions are rare anyhow.
    if asked.kind == "deleted" or (asked.kind == "created" and (asked.by or asked.entity)):
        of_change = [_of(condition, "d") for condition in ("true", *_of_change(asked))]
        found.own.append(SAVES_WITH.format(of_change=sql.SQL(" AND ").join(of_change)))
        is_deleted = asked.kind == "deleted"
        found.values["operations"] = ["DELETE", "TRUNCATE"] if is_deleted else ["INSERT"]
    # The entry that has the text need not be the newest of its change.
    until = sql.Literal("1 day" if asked.text else "1 microsecond")
    found.dear.append(
        KIND.format(
            of_same=OWN_ROWS.format(same_id=SAME_ID, until=until),
            of_none=OWN_ROWS.format(same_id=NO_ID, until=until),
        )
    )
    found.values["kind"] = asked.kind
