"""Renders the SQL that tracks a table: configuration in, bytes out, no database.

Knows how a TrackedTable becomes the values of sql/track.sql.j2; the SQL itself stands there.
"""

from functools import cache
from pathlib import Path

import jinja2

from generator.by_statement import has_statements, statement_values
from generator.config import TrackedTable
from generator.description import describe
from generator.expressions import (
    Images,
    changed_part,
    entity_id,
    entity_label,
    former_entity_id,
    row_key,
    stored,
)
from generator.lookups import (
    OF_ROW,
    ancestor_query,
    granted_schemas,
    grants,
    looked_up,
    named_references,
)
from generator.names import TableName
from generator.quoting import Sql, identifier, literal, qualified, refuse_unquoted

_OF_ROW = Images("v_old", "v_new", "v_row")

FIRES = {
    "row": "Fires before every other AFTER trigger: entries are in the order of the writes.",
    "statement": "Fires after a statement''s row triggers, before its other statement triggers.",
}
TRUNCATE_COMMENTS = {
    "log": "TRUNCATE names no rows: it leaves one entry for the table.",
    "rows": "Before, because afterwards nobody knows what was removed: an entry for each row.",
    "forbid": "TRUNCATE names no rows, so it is refused here: use DELETE.",
}


def sql_folder() -> Path:
    """Return the folder with the SQL sources: beside the package, or inside its wheel."""
    here = Path(__file__).parent
    return here / "sql" if (here / "sql").is_dir() else here.parent / "sql"


def render_audit_schema() -> str:
    """Return the SQL that installs the audit schema: the numbered files of sql/ in order."""
    return "\n".join(path.read_text("utf-8") for path in sorted(sql_folder().glob("[0-9]*.sql")))


def render_audit_schema_rollback() -> str:
    """Return the SQL that removes the audit schema, while the log is empty."""
    return (sql_folder() / "audit_schema.rollback.sql").read_text("utf-8")


def render_guard() -> str:
    """Return the SQL by which a superuser has the database refuse what gets around the log."""
    return (sql_folder() / "guard.sql").read_text("utf-8")


def render_guard_rollback() -> str:
    """Return the SQL that takes the guard away."""
    return (sql_folder() / "guard.rollback.sql").read_text("utf-8")


def render_track(tracked: TrackedTable) -> str:
    """Return the SQL that tracks a table, or tracks it anew."""
    values = _names(tracked) | _capture(tracked)
    statement = Sql("")
    if has_statements(tracked):
        template = _template("capture_statement.sql.j2")
        statement = Sql(template.render(values | statement_values(tracked)))
    return _template("track.sql.j2").render(values | {"statement": statement})


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
        "schema": identifier(name.schema),
        "name_as_literal": literal(qualified(name)),
        "name_in_text": Sql(qualified(name).replace("'", "''")),
        "function": Sql(f"audit.{identifier(name.capture_function)}"),
        "function_in_text": literal(name.capture_function),
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
    return {
        "by_row": tracked.capture == "row",
        "rejects_missing_actor": tracked.missing_actor == "reject",
        "has_names": bool(looked_up(tracked)),
        "fires": Sql(FIRES[tracked.capture]),
        "grants": grants(tracked),
        "granted_schemas": granted_schemas(tracked),
        "references": references,
        "reference_before": Sql(", ".join(map(OF_ROW.old, tracked.references))),
        "reference_after": Sql(", ".join(map(OF_ROW.new, tracked.references))),
        "unrecorded_columns": [identifier(c) for c in (*tracked.ignore, *tracked.exclude)],
        "entity_id": entity_id(tracked, _OF_ROW),
        "former_entity_id": former_entity_id(tracked, _OF_ROW),
        "entity_label": entity_label(tracked, _OF_ROW),
        "ancestor": ancestor_query(tracked),
        "row_key": row_key(tracked, _OF_ROW),
        "labels": Sql("v_labels" if references else "NULL"),
        "old_row": _old_row(tracked),
        "new_row": stored("v_new", tracked),
    }


def _old_row(tracked: TrackedTable) -> Sql:
    whole = stored(_OF_ROW.old, tracked)
    if tracked.rows == "full":
        return whole
    changed = changed_part(tracked, _OF_ROW, indent=14)
    return Sql(f"CASE WHEN TG_OP = 'UPDATE'\n         THEN {changed}\n         ELSE {whole} END")


def _truncate(tracked: TrackedTable) -> dict[str, object]:
    arguments = [tracked.source, tracked.name.schema, tracked.name.table]
    arguments += [tracked.module, tracked.entity, *([tracked.part] if tracked.part else [])]
    if tracked.missing_actor == "reject":
        arguments += [*([] if tracked.part else [""]), "reject"]
    calls = {
        "log": f"audit._capture_truncate(\n        {', '.join(map(literal, arguments))})",
        "rows": f"audit.{identifier(tracked.name.capture_function)}()",
        "forbid": "audit._refuse_truncate()",
    }
    return {
        "moment": Sql("AFTER" if tracked.truncate == "log" else "BEFORE"),
        "call": Sql(calls[tracked.truncate]),
        "comment": Sql(TRUNCATE_COMMENTS[tracked.truncate]),
        "reads_rows": tracked.truncate == "rows",
    }
