"""A bank under load: transfers that leave a token each, some of them undone, some prepared.

Each transaction adds one token and writes two accounts. What must never be seen again has a token
that says so.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psycopg
from psycopg.conninfo import make_conninfo

from tests.crash.sealer import admit_sealer
from tests.crash.server import Server
from tests.shop import APP, AUDITOR, Connection, admit, install

CLIENTS, ACCOUNTS = 6, 20
SCHEMA = f"""
CREATE SCHEMA bank;
CREATE TABLE bank.token (id text PRIMARY KEY, actor text);
CREATE TABLE bank.account (id int PRIMARY KEY, balance int, version int);
INSERT INTO bank.account SELECT n, 0, 0 FROM generate_series(1, {ACCOUNTS}) AS n;
"""
TRACKED = """
source = "bank"

[table."bank.token"]
module = "Bank"
entity = "Transfer"

[table."bank.account"]
module = "Bank"
entity = "Account"
"""
ADMIT_AUDITOR = f"""
GRANT USAGE ON SCHEMA bank TO {AUDITOR};
GRANT SELECT ON ALL TABLES IN SCHEMA bank TO {AUDITOR};
"""
MOVE = "UPDATE bank.account SET balance = balance + %s, version = version + 1 WHERE id = %s"


@dataclass
class Traffic:
    """The tokens of transactions that were said to be committed, or prepared.

    ``broken`` is what clients met that no server that is killed explains.
    """

    acknowledged: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


def install_bank(server: Server, folder: Path, name: str = "bank") -> None:
    """Make a database with a bank in it, tracked."""
    server.new_database(name)
    with psycopg.connect(server.owner_of(name)) as owner:
        install(owner, folder, SCHEMA, TRACKED)
        admit(owner, "bank")
        admit_sealer(owner)
        owner.execute(ADMIT_AUDITOR.encode())


@contextmanager
def traffic(
    server: Server, seed: int, synchronous_commit: str = "on", name: str = "bank"
) -> Iterator[Traffic]:
    """Write from six connections, until the server is gone, or for as long as this is open."""
    seen, stop = Traffic(), Event()
    options = f"-c synchronous_commit={synchronous_commit}"
    conninfo = make_conninfo(server.conninfo(name, APP), options=options)
    threads = [
        Thread(target=_work, args=[conninfo, f"{seed}.{number}", seen, stop])
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _work(conninfo: str, name: str, seen: Traffic, stop: Event) -> None:
    chance, number = random.Random(name), 0
    connection = None
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            while not stop.is_set():
                number += 1
                _transfer(connection, f"{name}.{number}", chance, seen)
    except psycopg.Error as error:
        if connection is None or not connection.broken:
            seen.broken.append(f"{name}: {error.sqlstate} {error}")


def _transfer(connection: Connection, token: str, chance: random.Random, seen: Traffic) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT audit.set_context(%s)", [token])
    if chance.random() < 0.3:
        connection.execute("SAVEPOINT attempt")
        _write(connection, f"{token} undone", chance)
        connection.execute("ROLLBACK TO attempt")
    if chance.random() < 0.15:
        _write(connection, f"{token} undone", chance)
        connection.execute("ROLLBACK")
        return
    _write(connection, token, chance)
    if chance.random() < 0.1:
        connection.execute(f"PREPARE TRANSACTION '{token}'".encode())
        seen.acknowledged.add(token)
        connection.execute(f"COMMIT PREPARED '{token}'".encode())
    else:
        connection.execute("COMMIT")
        seen.acknowledged.add(token)


def _write(connection: Connection, token: str, chance: random.Random) -> None:
    connection.execute("INSERT INTO bank.token VALUES (%s, %s)", [token, token])
    amount = chance.randint(1, 100)
    # In one order, so that no two wait for each other.
    one, other = sorted(chance.sample(range(1, ACCOUNTS + 1), 2))
    connection.execute(MOVE, [amount, one])
    connection.execute(MOVE, [-amount, other])
