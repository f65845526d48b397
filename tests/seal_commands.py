"""The commands that seal and verify, run over the reference CRM's log as its operators do."""

import json
from typing import Any

from click.testing import CliRunner, Result

from generator.cli import main
from tests.databases import MIGRATIONS

CONFIG = str(MIGRATIONS / "audit.toml")


def pgwitness_seal(database: str, *options: str) -> Result:
    """Run pgwitness seal."""
    command = ["seal", "--config", CONFIG, "--database", database, *options]
    return CliRunner().invoke(main, command)


def pgwitness_verify(database: str) -> tuple[int, dict[str, Any]]:
    """Run pgwitness verify, and return its exit code and what it said."""
    result = CliRunner().invoke(main, ["verify", "--database", database, "--json"])
    return result.exit_code, json.loads(result.stdout)


def states(database: str) -> tuple[int, list[str]]:
    """Return the exit code of pgwitness verify, and of which kinds its findings are."""
    code, said = pgwitness_verify(database)
    return code, [finding["state"] for finding in said["findings"]]


def acknowledged(database: str) -> int:
    """Find that nothing is sealed before somebody says why; return how many entries are then."""
    assert states(database) == (1, ["restored"])
    assert pgwitness_seal(database).exit_code == 1
    result = pgwitness_seal(database, "--acknowledge", "a test")
    (head,) = (json.loads(line) for line in result.stdout.splitlines())
    assert (result.exit_code, head["kind"], states(database)) == (0, "restore", (0, []))
    return int(head["entries"])
