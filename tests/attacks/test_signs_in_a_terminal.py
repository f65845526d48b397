"""Names, values and anchors that would write to the terminal of who reads what the commands say."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generator.anchors.anchor import Anchor, Log, Seal
from generator.cli import main
from tests.attacks.outcomes import Attack
from tests.attacks.scene import CONFIG, Admit, acting, do
from tests.crm import VIEWER, Crm

CLEAR = "\x1b[2J"
"""Clears the screen of a terminal, with all that was said before."""
KEEPER = "crm_keeper"
TRIGGER = f"""
ALTER TABLE crm.workflow OWNER TO {KEEPER};
CREATE FUNCTION crm.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER "!a{CLEAR}
ok: 12 tables" AFTER UPDATE ON crm.workflow FOR EACH ROW EXECUTE FUNCTION crm.f();
"""
BEHIND_ITS_BACK = """
ALTER TABLE crm.workflow DISABLE TRIGGER "!audit_update";
UPDATE crm.workflow SET name = E'\\u009b2J';
ALTER TABLE crm.workflow ENABLE ALWAYS TRIGGER "!audit_update";
"""
SEAL = Seal(7, "entries", "1/1/1", 1, datetime(2026, 11, 26, tzinfo=UTC), "00" * 32)
ANCHOR = Anchor(Log("crm", "victim"), SEAL)
NO_ANCHORS = {
    "a line without end": "[" * 100_000,
    "a number beyond all": ANCHOR.line().replace("7,", "Infinity,"),
    "signs for a terminal": f"{CLEAR}ok",
    "no text": "\xff",
}


def run(verb: str, crm: Crm, *arguments: str, role: str = "postgres") -> Result:
    return CliRunner().invoke(main, [verb, "--database", crm.as_role(role), *arguments])


def with_config(verb: str, crm: Crm) -> Result:
    return run(verb, crm, "--config", str(CONFIG.path))


@pytest.fixture
def keeper(admit: Admit, spare: Crm) -> str:
    """Somebody who owns a table with a workflow."""
    spare.add_workflow("Nurture")
    return admit(KEEPER)


@pytest.mark.attacker("owner of tracked tables")
@pytest.mark.parametrize("verb", ["check", "status"])
def test_an_owner_names_things_so_that_a_finding_is_not_seen(
    attack: Attack, spare: Crm, keeper: str, verb: str
) -> None:
    do(spare, "postgres", TRIGGER)
    said = with_config(verb, spare).output

    assert "\x1b" not in said
    assert "ok: 12 tables" not in said.splitlines()
    attack.shown(said, "\\x1b[2J\\nok: 12 tables" if verb == "check" else " to mend")


@pytest.mark.attacker("owner of tracked tables")
def test_an_owner_writes_a_value_so_that_a_difference_is_not_seen(
    attack: Attack, spare: Crm, keeper: str
) -> None:
    do(spare, "postgres", BEHIND_ITS_BACK)
    said = with_config("reconcile", spare).output

    assert "\x9b" not in said
    attack.shown(said, '"\\x9b2J"')


@pytest.mark.attacker("who keeps the anchors")
@pytest.mark.parametrize("line", NO_ANCHORS.values(), ids=NO_ANCHORS.keys())
def test_who_keeps_the_anchors_puts_into_them(
    attack: Attack, spare: Crm, tmp_path: Path, line: str
) -> None:
    anchors = tmp_path / "anchors.jsonl"
    anchors.write_text(line, encoding="latin-1")
    done = run("verify", spare, "--anchors", str(anchors), role=VIEWER)

    assert (done.exit_code, "\x1b" in done.output) == (2, False)
    attack.shown(done.output, "anchors.jsonl:1: is no anchor")


@pytest.mark.attacker("who keeps the anchors")
def test_who_keeps_the_anchors_makes_one_up(attack: Attack, spare: Crm, tmp_path: Path) -> None:
    spare.add_workflow("Nurture")
    anchors = tmp_path / "anchors.jsonl"
    with acting(spare, VIEWER) as reader:
        [[identity]] = reader.execute("SELECT audit._identity()").fetchall()
    made_up = replace(ANCHOR, seal=replace(SEAL, identity=identity))
    anchors.write_text(made_up.line(), encoding="utf-8")
    first = with_anchors(spare, anchors)

    assert first.exit_code == 1
    attack.shown(first.output, "nothing is sealed: seal 7 with the head 0000000000000000… is known")


def with_anchors(crm: Crm, anchors: Path) -> Result:
    return run("seal", crm, "--config", str(CONFIG.path), "--anchors", str(anchors))
