"""Kills a server under load again and again, and writes to build/crash.json what was lost.

With --power, it loses each time what it had not synced, too.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import psycopg

from tests.crash.bank import Traffic, install_bank, traffic
from tests.crash.power import cut, server_on, volume
from tests.crash.sealer import Head, Sealed, judge_seals, seal_rest, sealing
from tests.crash.server import Server, server
from tests.crash.verdict import CLEAN, judge_bank, settle

REPORT = Path("build/crash.json")
SECONDS = (1.0, 1.5, 2.0)
"""How long clients write before the server is killed, in turn."""

Counts = dict[str, object]
Crash = Callable[[Server], None]


def main() -> None:
    """Do all of it, once with each way to commit; exit 1 if anything was lost or made up."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="kills, with each way to commit")
    parser.add_argument("--power", action="store_true", help="cut the power (as root)")
    asked = parser.parse_args()
    runs, is_clean = [], True
    for commit in ("on", "off"):
        with bank_on_a_volume() if asked.power else bank_in_a_folder() as (bank, crash):
            counts, was_clean = kill_often(bank, crash, asked.rounds, commit)
        runs.append(counts)
        is_clean &= was_clean
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(runs, indent=2) + "\n")
    print(json.dumps(runs, indent=2))
    sys.exit(0 if is_clean else 1)


@contextmanager
def bank_in_a_folder() -> Iterator[tuple[Server, Crash]]:
    """Run a bank whose server is killed, and no more."""
    with server() as bank, tempfile.TemporaryDirectory() as folder:
        install_bank(bank, Path(folder))
        yield bank, _kill


@contextmanager
def bank_on_a_volume() -> Iterator[tuple[Server, Crash]]:
    """Run a bank whose server is killed, and what it did not sync is lost."""
    with volume() as disk, server_on(disk) as bank, tempfile.TemporaryDirectory() as folder:
        install_bank(bank, Path(folder))
        disk.sync()
        yield bank, partial(cut, disk)


def kill_often(bank: Server, crash: Crash, rounds: int, commit: str) -> tuple[Counts, bool]:
    """Crash a server so often, and return what was counted, and whether it is as promised."""
    acknowledged: set[str] = set()
    heads: set[Head] = set()
    left = 0
    for number in range(rounds):
        seen, sealed = _write_and_crash(bank, crash, number, commit)
        left += settle(bank)
        acknowledged |= seen.acknowledged
        heads |= sealed.acknowledged
        verdict, seals = judge_bank(bank, acknowledged), judge_seals(bank, heads)
        print(f"{number + 1}: {verdict} {seals}", file=sys.stderr)
        # What an asynchronous commit may lose, PostgreSQL's manual says. No seal.
        promised = CLEAN if commit == "on" else replace(CLEAN, lost=verdict.lost)
        broken = [*seen.broken, *sealed.broken]
        is_clean = verdict == promised and seals.is_clean and not broken
        if not is_clean:
            print("\n".join(broken), file=sys.stderr)
            break
    heads |= seal_rest(bank)
    seals = judge_seals(bank, heads)
    counts: Counts = {
        "postgresql": _version(bank),
        "synchronous_commit": commit,
        "rounds": rounds,
        "kills": number + 1,
        "acknowledged": len(acknowledged),
        "left_prepared": left,
        **asdict(verdict),
        "seals": seals.seals,
        "seals_lost": seals.lost,
        "findings": len(seals.findings),
        "unsealed": seals.unsealed,
    }
    return counts, is_clean and seals.is_clean and not seals.unsealed


def _write_and_crash(
    bank: Server, crash: Crash, number: int, commit: str
) -> tuple[Traffic, Sealed]:
    """Write and seal for a while, and crash meanwhile."""
    with traffic(bank, number, commit) as seen, sealing(bank) as sealed:
        time.sleep(SECONDS[number % len(SECONDS)])
        crash(bank)
    return seen, sealed


def _kill(bank: Server) -> None:
    bank.kill()
    bank.restart()


def _version(bank: Server) -> str:
    with psycopg.connect(bank.conninfo()) as superuser:
        return superuser.info.parameter_status("server_version") or ""


if __name__ == "__main__":
    main()
