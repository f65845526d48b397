"""Queries for what became of entities since a moment, such as that of a change of them.

Knows SQL; which entities a change refers to is for `renamed` to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from auditviewer.log.database import Reading
from auditviewer.log.ids import has_id
from auditviewer.log.stands import MARGIN, Entity, Stand

# The newest entry of the entity's own row says whether it is still there, and its name. Ordered as
# the index by entity is: by the key, every entry since then would be passed.
FATES = sql.SQL("""
SELECT k.module, k.entity, k.entity_id, e.operation = 'DELETE' AS is_deleted,
       e.entity_label AS label
FROM unnest(%(modules)s::text[], %(entities)s::text[], %(ids)s::text[], %(since)s::timestamptz[])
         AS k (module, entity, entity_id, since)
CROSS JOIN LATERAL (
    SELECT e.operation, e.entity_label
    FROM audit.entry AS e
    WHERE e.entity = k.entity
      AND {same_id}
      AND e.module = k.module
      AND e.part IS NULL
      AND e.occurred_at >= k.since
      AND e.occurred_at >= %(low)s AND e.occurred_at < %(high)s
    ORDER BY e.entity DESC, hashtextextended(e.entity_id, 0) DESC, e.occurred_at DESC, e.id DESC
    LIMIT 1
) AS e""").format(same_id=has_id("e.entity_id", "k.entity_id"))


@dataclass(frozen=True)
class Fate:
    """What the log knows of an entity since a change of it."""

    is_deleted: bool = False
    label: str | None = None


def read_fates(reading: Reading, stands: Sequence[Stand]) -> list[Fate]:
    """Return what became of the entity of each change; each entity is looked for once."""
    since: dict[Entity, datetime] = {}
    for stand in stands:
        since[stand.of] = min(stand.transaction_at, since.get(stand.of, stand.transaction_at))
    found = find_fates(reading, since)
    return [found.get(stand.of, Fate()) for stand in stands]


def find_fates(reading: Reading, since: Mapping[Entity, datetime]) -> dict[Entity, Fate]:
    """Return what became of each entity since a moment, where the log has something of it."""
    if not since:
        return {}
    modules, entities, ids = map(list, zip(*since, strict=True))
    values = {"modules": modules, "entities": entities, "ids": ids, "since": list(since.values())}
    span = {"low": min(since.values()), "high": reading.now + MARGIN}
    return {
        (row["module"], row["entity"], row["entity_id"]): Fate(row["is_deleted"], row["label"])
        for row in reading.connection.execute(FATES, values | span)
    }
