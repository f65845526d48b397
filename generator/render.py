"""Renders the SQL that tracks a table: configuration in, bytes out, no database.

Knows how a TrackedTable becomes the values of sql/track.sql.j2; the SQL itself stands there.
"""

from functools import cache
from pathlib import Path

import jinja2

from generator.config import TrackedTable
from generator.description import describe
from generator.lookups import ancestor_query, granted_schemas, grants, named_references
from generator.names import TableName
from generator.quoting import Sql, identifier, literal, qualified, refuse_unquoted, text_array

TRUNCATE_COMMENTS = {
    "log": "TRUNCATE names no rows: it leaves one entry for the table.",
    "forbid": "TRUNCATE names no rows, so it is refused here: use DELETE.",
}


def sql_folder() -> Path:
    """Return the folder with the SQL sources: beside the package, or inside its wheel."""
    here = Path(__file__).parent
    return here / "sql" if (here / "sql").is_dir() else here.parent / "sql"


def render_audit_schema() -> str:
    """Return the SQL that installs the audit schema: the numbered files of sql/ in order."""
    return "\n".join(path.read_text("utf-8") for path in sorted(sql_folder().glob("0*.sql")))


def render_audit_schema_rollback() -> str:
    """Return the SQL that removes the audit schema, while the log is empty."""
    return (sql_folder() / "audit_schema.rollback.sql").read_text("utf-8")


def render_track(tracked: TrackedTable) -> str:
    """Return the SQL that tracks a table, or tracks it anew."""
    return _template("track.sql.j2").render(_names(tracked) | _capture(tracked))


def render_untrack(name: TableName) -> str:
    """Return the SQL that stops tracking a table."""
    return _template("untrack.sql.j2").render(_table_names(name))


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(sql_folder()),
        undefined=jinja2.StrictUndefined,
        finalize=refuse_unquoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - SQL, where refuse_unquoted guards every value
    )
    return environment.get_template(name)


def _table_names(name: TableName) -> dict[str, Sql]:
    return {
        "name": qualified(name),
        "name_in_text": Sql(qualified(name).replace("'", "''")),
        "function": Sql(f"audit.{identifier(name.capture_function)}"),
        "schema_in_text": literal(name.schema),
        "table_in_text": literal(name.table),
    }


def _names(tracked: TrackedTable) -> dict[str, object]:
    words = {
        "source": literal(tracked.source),
        "module": literal(tracked.module),
        "entity": literal(tracked.entity),
        "part": literal(tracked.part),
        "description": describe(tracked),
    }
    return {**_table_names(tracked.name), **words, "truncate": _truncate(tracked)}


def _capture(tracked: TrackedTable) -> dict[str, object]:
    references = named_references(tracked)
    unrecorded = (*tracked.ignore, *tracked.exclude)
    return {
        "grants": grants(tracked),
        "granted_schemas": granted_schemas(tracked),
        "references": references,
        "unrecorded": text_array(unrecorded) if unrecorded else Sql(""),
        "entity_id": _entity_id(tracked),
        "former_entity_id": _former_entity_id(tracked),
        "entity_label": _entity_label(tracked),
        "ancestor": ancestor_query(tracked),
        "row_key": _row_key(tracked.key),
        "labels": Sql("v_labels" if references else "NULL"),
        "old_row": _stored("v_old", tracked),
        "new_row": _stored("v_new", tracked),
    }


def _stored(row: str, tracked: TrackedTable) -> Sql:
    stored = f"{row} - {text_array(tracked.exclude)}" if tracked.exclude else row
    if tracked.redact:
        stored = f"audit._redact({stored}, {text_array(tracked.redact)})"
    return Sql(stored)


def _entity_id(tracked: TrackedTable) -> Sql:
    """Write the entity's key as text: of one column its text, of several a JSON array."""
    columns = tracked.parent.key if tracked.parent else tracked.key
    if len(tracked.ancestors) > 1:
        return Sql("v_entity_id")
    if not columns:
        return Sql("NULL")
    if tracked.parent and len(columns) == 1:
        # The parent that it has, or had: a foreign key may set it to null.
        column = literal(columns[0])
        return Sql(f"coalesce(v_new ->> {column}, v_old ->> {column})")
    if len(columns) == 1:
        return Sql(f"v_row ->> {literal(columns[0])}")
    values = ", ".join(f"v_row -> {literal(column)}" for column in columns)
    return Sql(f"jsonb_build_array({values})::text")


def _former_entity_id(tracked: TrackedTable) -> Sql:
    """Write the key that the entity had before, where it is another now."""
    columns = tracked.parent.key if tracked.parent else tracked.key
    if len(tracked.ancestors) > 1 or not columns:
        return Sql("NULL")
    if len(columns) == 1:
        mark = ",\n                " if tracked.parent else ", "
        return Sql(f"nullif(v_old ->> {literal(columns[0])}{mark}{_entity_id(tracked)})")
    former = _entity_id(tracked).replace("v_row", "v_old")
    keys = f"\n             {former},\n             {_entity_id(tracked)}"
    return Sql(f"CASE WHEN TG_OP = 'UPDATE' THEN nullif({keys}) END")


def _entity_label(tracked: TrackedTable) -> Sql:
    if tracked.root.label is None:
        return Sql("NULL")
    if tracked.ancestors:
        return Sql("v_entity_label")
    return Sql(f"left(v_row ->> {literal(tracked.root.label)}, 256)")


def _row_key(key: tuple[str, ...]) -> Sql:
    pairs = ", ".join(f"{literal(c)}, v_row -> {literal(c)}" for c in key)
    return Sql(f"jsonb_build_object({pairs})" if key else "NULL")


def _truncate(tracked: TrackedTable) -> dict[str, Sql]:
    arguments = [tracked.source, tracked.name.schema, tracked.name.table]
    arguments += [tracked.module, tracked.entity, *([tracked.part] if tracked.part else [])]
    log = tracked.truncate == "log"
    call = f"audit._capture_truncate(\n        {', '.join(map(literal, arguments))})"
    return {
        "moment": Sql("AFTER" if log else "BEFORE"),
        "call": Sql(call if log else "audit._refuse_truncate()"),
        "comment": Sql(TRUNCATE_COMMENTS[tracked.truncate]),
    }
