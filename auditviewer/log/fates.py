"""Queries for what became of entities since a change of them.

Knows SQL; of what a change refers to, `renamed` asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from auditviewer.log.database import Reading
from auditviewer.log.entries import KEYS, keys_of
from auditviewer.log.stands import MARGIN, Stand

# The newest entry of the entity's own row says whether it is still there, and its name. Ordered as
# the index by entity is: by the key, every entry since then would be passed.
FATES = sql.SQL("""
SELECT k.number, e.operation = 'DELETE' AS is_deleted, e.entity_label AS label
FROM {keys}
CROSS JOIN LATERAL (
    SELECT e.operation, e.entity_label
    FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND hashtextextended(e.entity_id, 0) = hashtextextended(k.entity_id, 0)
      AND e.entity_id = k.entity_id
      AND e.module = k.module
      AND e.part IS NULL
      AND e.occurred_at >= k.transaction_at
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.entity DESC, hashtextextended(e.entity_id, 0) DESC, e.occurred_at DESC, e.id DESC
    LIMIT 1
) AS e""")


@dataclass(frozen=True)
class Fate:
    """What the log knows of an entity since a change of it."""

    is_deleted: bool = False
    label: str | None = None


def read_fates(reading: Reading, stands: Sequence[Stand]) -> list[Fate]:
    """Return what became of the entity of each change; each entity is looked for once."""
    if not stands:
        return []
    earliest: dict[object, int] = {}
    for number in sorted(range(len(stands)), key=lambda number: stands[number].transaction_at):
        earliest.setdefault(_entity_of(stands[number]), number)
    asked = [stands[number] for number in earliest.values()]
    values = keys_of(asked)
    values["low"] = min(stand.transaction_at for stand in stands)
    values["high"] = reading.now + MARGIN
    found: dict[object, Fate] = {}
    for row in reading.connection.execute(FATES.format(keys=KEYS), values):
        stand = asked[row.pop("number")]
        found[_entity_of(stand)] = Fate(**row)
    return [found.get(_entity_of(stand), Fate()) for stand in stands]


def _entity_of(stand: Stand) -> object:
    return stand.module, stand.entity, stand.entity_id
