"""The folder of migrations: what its files leave tracked, and the new ones that a config needs.

Appends only: a file that is there may be applied somewhere, so it is never touched.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.config import Config
from generator.names import TableName, parse_table_name
from generator.render import (
    render_audit_schema,
    render_audit_schema_rollback,
    render_track,
    render_untrack,
)

_FILE = re.compile(r"(\d+)_(.+)\.sql")
_HEADER = re.compile(r"-- (Tracks|Stops tracking) (.+)\.\n")
_NAME_BYTES = 120


@dataclass(frozen=True)
class Migration:
    """A migration to write: its verb and subject, its SQL, and what takes it back."""

    verb: str
    subject: str
    sql: str
    rollback: str
    before: str = ""

    @property
    def diff(self) -> str:
        """What the migration changes in the SQL that is in force, as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.sql.splitlines(keepends=True),
            f"{self.subject} in the migrations",
            f"{self.subject} by audit.toml",
        )
        return "".join(lines)


def plan(config: Config) -> list[Migration]:
    """Return the migrations that bring the folder in line with the config, in order."""
    return [*_plan_schema(config.migrations), *_plan_tables(config)]


def write(folder: Path, migrations: list[Migration]) -> list[Path]:
    """Write migrations with their rollbacks under the next numbers, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(match[1]) for match, _ in _files(folder)), default=0)
    written = []
    for offset, migration in enumerate(migrations, start=1):
        stem = f"{number + offset:04}_{_file_name(migration)}"
        path = folder / f"{stem}.sql"
        _write_new(folder / f"{stem}.rollback.sql", migration.rollback)
        _write_new(path, migration.sql)
        written.append(path)
    return written


def _plan_schema(folder: Path) -> Iterator[Migration]:
    wanted = render_audit_schema()
    before = ""
    for match, path in _files(folder):
        if match[2] == "audit_schema":
            before = path.read_text("utf-8")
    if before != wanted:
        rollback = before or render_audit_schema_rollback()
        yield Migration("", "audit_schema", wanted, rollback, before)


def _plan_tables(config: Config) -> Iterator[Migration]:
    tracked = tracked_tables(config.migrations)
    for table in config.tables:
        wanted = render_track(table)
        before = tracked.pop(table.name, "")
        if before != wanted:
            verb = "retrack" if before else "track"
            rollback = before or render_untrack(table.name)
            yield Migration(verb, str(table.name), wanted, rollback, before)
    for name, before in tracked.items():
        yield Migration("untrack", str(name), render_untrack(name), before, before)


def tracked_tables(folder: Path) -> dict[TableName, str]:
    """Return the tables that the files of a folder leave tracked, each with its SQL in force."""
    tracked: dict[TableName, str] = {}
    for _, path in _files(folder):
        sql = path.read_text("utf-8")
        header = _HEADER.match(sql)
        if header is None:
            continue
        name = parse_table_name(header[2])
        tracked.pop(name, None)
        if header[1] == "Tracks":
            tracked[name] = sql
    return tracked


def _files(folder: Path) -> Iterator[tuple[re.Match[str], Path]]:
    """Yield the numbered migrations of a folder in the order in which yoyo applies them."""
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is not None and not path.name.endswith(".rollback.sql"):
            yield match, path


def _file_name(migration: Migration) -> str:
    words = re.sub(r"[^\w]+", "_", f"{migration.verb}_{migration.subject}").strip("_")
    return words.encode()[:_NAME_BYTES].decode(errors="ignore")


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
