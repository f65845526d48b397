"""pgspot, which knows how scripts of extensions were exploited, over the SQL that is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from generator.render import render_audit_schema

ROOT = Path(__file__).parents[2]
SQL = [
    *sorted(ROOT.glob("migrations/*_audit_schema*.sql")),
    *sorted(ROOT.glob("tests/golden/*.sql")),
]
MEANT = {
    # A schema that is there already belongs to audit_owner, or installing fails.
    "PS010",
    # Only audit_owner and audit_writer can have created a function in it before.
    "PS002",
}


# Bodies in PL/pgSQL are for plpgsql_check: pgspot reads no row variable of a table, and gives up.
def pgspot(*paths: Path) -> subprocess.CompletedProcess[str]:
    ignored = [f"--ignore={code}" for code in sorted(MEANT)]
    command = [sys.executable, "-m", "pgspot", "--no-plpgsql", *ignored, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True)


def test_nothing_in_the_sql_is_found_unsafe() -> None:
    found = pgspot(*SQL)

    assert "TOTAL: Errors: 0 Warnings: 0 Unknown: 0" in found.stdout
    assert found.returncode == 0


@pytest.mark.parametrize(
    ("pinned", "code"),
    [
        ("SET LOCAL search_path = pg_catalog, pg_temp;", "PS016"),
        ("    SECURITY DEFINER\n    SET search_path = pg_catalog, pg_temp", "PS003"),
    ],
)
def test_a_path_that_is_not_pinned_would_be(tmp_path: Path, pinned: str, code: str) -> None:
    script = tmp_path / "script.sql"
    script.write_text(
        render_audit_schema().replace(pinned, pinned.split("\n")[0] * ("\n" in pinned))
    )

    assert f"{code}: " in pgspot(script).stdout


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_what_follows_in_a_transaction_finds_names_as_before(path: Path) -> None:
    script = path.read_text("utf-8")

    assert script.count("SET LOCAL search_path = pg_catalog, pg_temp;") == 1
    assert script.endswith("\nSET LOCAL search_path TO DEFAULT;\n")
