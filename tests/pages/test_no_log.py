"""What the viewer says when it can't read the log, or could do more than read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors

from tests.crm import VIEWER, Crm, create_role
from tests.page import parse
from tests.viewer import signed_in, viewer_over

WRITERS = ("postgres", "crm_owner", "audit_viewer_and_writer")
BLIND = ("audit_viewer_of_all_data", "audit_viewer_of_nothing")


def title(reader: FlaskClient, path: str = "/") -> tuple[int, str]:
    """Return the status of an answer, and the heading of its page."""
    answer = reader.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, parse(answer.text).first("h1").text


@contextmanager
def admin_over(conninfo: str, folder: Path) -> Iterator[FlaskClient]:
    with viewer_over(conninfo, folder) as app:
        yield signed_in(app)


@pytest.fixture(scope="module", autouse=True)
def roles(crm: Crm) -> Iterator[None]:
    """Make roles that no installation should have: check would find them in each."""
    with crm.as_superuser() as superuser:
        create_role(superuser, WRITERS[2], "audit_reader", "audit_writer")
        create_role(superuser, BLIND[0], "pg_read_all_data")
        create_role(superuser, BLIND[1])
        yield
        for role in (WRITERS[2], *BLIND):
            superuser.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("role", WRITERS)
def test_a_role_that_could_change_the_log_is_refused(crm: Crm, tmp_path: Path, role: str) -> None:
    with admin_over(crm.as_role(role), tmp_path) as admin:
        assert title(admin) == (503, "The viewer has too many rights")
        assert title(admin, "/changes/1/1") == (503, "The viewer has too many rights")


@pytest.mark.parametrize("role", BLIND)
def test_a_role_that_cannot_see_the_log_is_told_so_rather_than_that_it_is_empty(
    crm: Crm, tmp_path: Path, role: str
) -> None:
    with admin_over(crm.as_role(role), tmp_path) as admin:
        assert title(admin) == (503, "This database has no audit log to read")


def test_a_database_without_an_audit_schema_is_told(empty_database: str, tmp_path: Path) -> None:
    with admin_over(empty_database, tmp_path) as admin:
        assert title(admin) == (503, "This database has no audit log to read")


def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with admin_over("host=127.0.0.1 port=1 dbname=none", tmp_path) as admin:
        assert title(admin) == (503, "The database doesn't answer")


def test_a_connection_that_was_cut_is_made_again(crm: Crm, admin: FlaskClient) -> None:
    assert admin.get("/").status_code == 200

    with crm.as_superuser() as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [VIEWER]
        )

    assert admin.get("/").status_code == 200


def cancel_what_waits(superuser: psycopg.Connection, reader: threading.Thread) -> None:
    """Cancel the viewer's query as soon as it waits for a lock."""
    while reader.is_alive():
        superuser.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE usename = %s AND wait_event_type = 'Lock'",
            [VIEWER],
        )


def test_a_query_that_is_stopped_is_told(crm: Crm, admin: FlaskClient) -> None:
    answers: list[tuple[int, str]] = []
    with crm.as_superuser() as locker, crm.as_superuser() as superuser, locker.transaction():
        locker.execute("LOCK TABLE audit.entry")
        reader = threading.Thread(target=lambda: answers.append(title(admin)))
        reader.start()
        cancel_what_waits(superuser, reader)
        reader.join()

    assert answers == [(504, "That took too long")]


@pytest.fixture
def app(crm: Crm, tmp_path: Path) -> Iterator[Flask]:
    with viewer_over(crm.as_role(VIEWER), tmp_path) as app:
        yield app


def test_the_viewer_s_connections_cannot_write(app: Flask) -> None:
    with app.extensions["audit"].reading() as reading:
        connection = reading.connection
        with pytest.raises(errors.ReadOnlySqlTransaction), connection.transaction():
            connection.execute("CREATE TABLE mine (id int)")
        with pytest.raises(psycopg.Error), connection.transaction():
            connection.execute("INSERT INTO audit.entry (source) VALUES ('crm')")


def test_all_queries_of_a_page_see_one_moment(crm: Crm, app: Flask, workflow: int) -> None:
    count = "SELECT count(*) AS number FROM audit.entry"
    with app.extensions["audit"].reading() as reading:
        [before] = reading.connection.execute(count)
        crm.save("DELETE FROM crm.workflow WHERE id = %s", workflow)
        [after] = reading.connection.execute(count)

    assert before == after


def test_a_query_may_not_take_longer_than_five_seconds(app: Flask) -> None:
    with app.extensions["audit"].reading() as reading:
        [found] = reading.connection.execute("SHOW statement_timeout")

    assert found == {"statement_timeout": "5s"}
