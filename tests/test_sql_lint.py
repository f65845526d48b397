"""pgspot, which knows how scripts of extensions were exploited, over the SQL that is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from generator.render import render_audit_schema

ROOT = Path(__file__).parents[1]
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


def pgspot(*paths: Path) -> subprocess.CompletedProcess[str]:
    ignored = [f"--ignore={code}" for code in sorted(MEANT)]
    command = [sys.executable, "-m", "pgspot", "--plpgsql", *ignored, *map(str, paths)]
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
