"""What an entry says of a row, as SQL over the row before and after in jsonb.

Knows nothing of where these come from; what is looked up beside the row, others know.
"""

from dataclasses import dataclass, replace

from generator.config import TrackedTable
from generator.quoting import Sql, literal, text_array

NULL = Sql("NULL")


@dataclass(frozen=True)
class Images:
    """How SQL calls the row before, the row after, and the one of them that names it.

    ``found`` goes before what was looked up: the alias of a query, or nothing.
    """

    old: str
    new: str
    row: str
    found: str = ""


def row_key(tracked: TrackedTable, of: Images) -> Sql:
    """Write the key of a row as an object."""
    pairs = ", ".join(f"{literal(column)}, {of.row} -> {literal(column)}" for column in tracked.key)
    return Sql(f"jsonb_build_object({pairs})") if tracked.key else NULL


def entity_id(tracked: TrackedTable, of: Images) -> Sql:
    """Write the entity's key as text: of one column its text, of several a JSON array."""
    columns = tracked.parent.key if tracked.parent else tracked.key
    if len(tracked.ancestors) > 1:
        return Sql(f"{of.found}v_entity_id")
    if not columns:
        return NULL
    if tracked.parent and len(columns) == 1:
        # The parent that it has, or had: a foreign key may set it to null.
        column = literal(columns[0])
        if of.new == of.old:
            return Sql(f"{of.row} ->> {column}")
        return Sql(f"coalesce({of.new} ->> {column}, {of.old} ->> {column})")
    if len(columns) == 1:
        return Sql(f"{of.row} ->> {literal(columns[0])}")
    values = ", ".join(f"{of.row} -> {literal(column)}" for column in columns)
    return Sql(f"jsonb_build_array({values})::text")


def former_entity_id(tracked: TrackedTable, of: Images) -> Sql:
    """Write the key that the entity had before, where it is another now."""
    columns = tracked.parent.key if tracked.parent else tracked.key
    if len(tracked.ancestors) > 1 or not columns:
        return NULL
    if len(columns) == 1:
        mark = ",\n                " if tracked.parent else ", "
        return Sql(f"nullif({of.old} ->> {literal(columns[0])}{mark}{entity_id(tracked, of)})")
    former = entity_id(tracked, replace(of, row=of.old))
    keys = f"\n             {former},\n             {entity_id(tracked, of)}"
    return Sql(f"CASE WHEN TG_OP = 'UPDATE' THEN nullif({keys}) END")


def entity_label(tracked: TrackedTable, of: Images) -> Sql:
    """Write the name of the entity."""
    if tracked.root.label is None:
        return NULL
    if tracked.ancestors:
        return Sql(f"{of.found}v_entity_label")
    return Sql(f"left({of.row} ->> {literal(tracked.root.label)}, 256)")


def stored(row: str, tracked: TrackedTable) -> Sql:
    """Write a row as the log keeps it: without what is excluded, and with what is redacted."""
    kept = f"{row} - {text_array(tracked.exclude)}" if tracked.exclude else row
    if tracked.redact:
        kept = f"audit._redact({kept}, {text_array(tracked.redact)})"
    return Sql(kept)


def changed_part(tracked: TrackedTable, of: Images, indent: int) -> Sql:
    """Write the row before an UPDATE as the log keeps it: the whole, or what is otherwise after."""
    if tracked.rows == "full":
        return stored(of.old, tracked)
    lines = (
        "coalesce((",
        "    SELECT jsonb_object_agg(c.key, c.value)",
        f"    FROM jsonb_each({of.old}) AS c",
        f"    WHERE record_image_ne(ROW(c.value), ROW({of.new} -> c.key))), '{{}}')",
    )
    return stored(("\n" + " " * indent).join(lines), tracked)


def unrecorded(tracked: TrackedTable) -> Sql:
    """Write the columns whose change alone is no entry, or nothing."""
    columns = (*tracked.ignore, *tracked.exclude)
    return text_array(columns) if columns else Sql("")
