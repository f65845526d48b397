"""Whatever an application says of who acts: the write goes on, and the entry keeps it."""

import json

import pytest

from tests.shop import Connection, Log, insert

SPOKEN = ["actor", "actor_name", "ip", "context"]


def say(app: Connection, setting: str, value: str) -> None:
    """Set audit.<setting> until the end of the transaction, as SET LOCAL does."""
    app.execute("SELECT set_config('audit.' || %s, %s, true)", [setting, value])


@pytest.mark.parametrize(
    "ip", ["unknown", "203.0.113.24:443", "10.0.0.1, 192.168.0.1", "fe80::1%eth0", "10.1", " "]
)
def test_an_address_that_is_none_is_kept_as_it_came(app: Connection, log: Log, ip: str) -> None:
    with app.transaction():
        say(app, "ip", ip)
        insert(app, "variant")

    assert [entry.ip for entry in log()] == [ip]


@pytest.mark.parametrize(("setting", "limit"), [("actor", 256), ("actor_name", 256), ("ip", 128)])
def test_what_is_too_long_is_cut(app: Connection, log: Log, setting: str, limit: int) -> None:
    with app.transaction():
        say(app, setting, "é" * 9_000)
        insert(app, "variant")

    [entry] = log()
    assert getattr(entry, setting) == "é" * limit


@pytest.mark.parametrize(
    "context", ["no JSON", '{"request": ', r'{"a": "\u0000"}', "1e400000", "[" * 8_000]
)
def test_a_context_that_is_no_json_is_kept_as_it_came(
    app: Connection, log: Log, context: str
) -> None:
    with app.transaction():
        say(app, "context", context)
        insert(app, "variant")

    [entry] = log()
    assert entry.context == {"unparsed": context}


@pytest.mark.parametrize("context", [json.dumps("x" * 10_000), "7" * 10_000, "{}" + " " * 10_000])
def test_a_context_that_is_too_long_is_cut_and_no_json_any_more(
    app: Connection, log: Log, context: str
) -> None:
    with app.transaction():
        say(app, "context", context)
        insert(app, "variant")

    [entry] = log()
    assert entry.context == {"unparsed": context[:8192]}


@pytest.mark.parametrize("context", ["{}", "[1, 2]", '"text"', "7", " {} "])
def test_any_json_is_a_context(app: Connection, log: Log, context: str) -> None:
    with app.transaction():
        say(app, "context", context)
        insert(app, "variant")

    assert [entry.context for entry in log()] == [json.loads(context)]


@pytest.mark.parametrize(
    "actor", ["'); DROP TABLE audit.entry; --", "$$; $capture$", "\\' %s {x} \n\t", "Ана ✓"]
)
def test_an_actor_is_text_whatever_it_looks_like(app: Connection, log: Log, actor: str) -> None:
    with app.transaction():
        say(app, "actor", actor)
        say(app, "actor_name", actor)
        insert(app, "variant")

    [entry] = log()
    assert (entry.actor, entry.actor_name) == (actor, actor)


def test_set_context_refuses_no_context(app: Connection, log: Log) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42', p_context => '{\"agent\": \"\\u0000\"}')")
        insert(app, "variant")

    [entry] = log()
    assert entry.context == {"unparsed": '{"agent": "\\u0000"}'}


@pytest.mark.parametrize("setting", SPOKEN)
def test_what_is_empty_was_not_said(app: Connection, log: Log, setting: str) -> None:
    with app.transaction():
        say(app, setting, "")
        insert(app, "variant")

    [entry] = log()
    assert (getattr(entry, setting), entry.actor_bound) == (None, None)


@pytest.mark.parametrize("setting", SPOKEN)
def test_one_thing_that_was_said_is_in_the_entry_alone(
    app: Connection, log: Log, setting: str
) -> None:
    with app.transaction():
        say(app, setting, "7")
        insert(app, "variant")

    [entry] = log()
    assert {name for name in SPOKEN if getattr(entry, name) is not None} == {setting}


@pytest.mark.parametrize("ip", ["203.0.113.24", "2001:db8::7", "::ffff:203.0.113.24", "10.0.0.1/8"])
def test_an_address_is_kept_as_it_was_written(app: Connection, log: Log, ip: str) -> None:
    with app.transaction():
        app.execute("SELECT audit.set_context('42', %s)", [ip])
        insert(app, "variant")

    assert [entry.ip for entry in log()] == [ip]


@pytest.mark.parametrize(
    "words",
    [
        {"Größe": "日本 🦊 \u2028 \x7f", "": None},
        {"reason": "'); DROP TABLE audit.entry; -- $capture$ %s"},
        {"unparsed": {"actor": "43", "actor_bound": True}},
        {"a": [1.10, 1e16, -0.5, 12345678901234567890]},
        {"deep": [[[[[[[[[[]]]]]]]]]]},
    ],
)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_what_is_in_a_context_is_kept(
    app: Connection, log: Log, words: dict[str, object], is_escaped: bool
) -> None:
    with app.transaction():
        say(app, "context", json.dumps(words, ensure_ascii=is_escaped))
        insert(app, "variant")

    [entry] = log()
    assert (entry.context, entry.actor) == (words, None)


def test_of_a_name_that_comes_twice_the_last_is_kept(app: Connection, log: Log) -> None:
    with app.transaction():
        say(app, "context", '{"request": "7f1c", "request": "80aa"}')
        insert(app, "variant")

    assert [entry.context for entry in log()] == [{"request": "80aa"}]


@pytest.mark.parametrize("setting", SPOKEN)
def test_a_megabyte_of_it_is_cut(app: Connection, log: Log, setting: str) -> None:
    with app.transaction():
        say(app, setting, "x" * 1_000_000)
        insert(app, "variant")
        app.execute("TRUNCATE shop.note")

    assert [entry.operation for entry in log()] == ["INSERT", "TRUNCATE"]
    assert {len(str(getattr(entry, setting))) < 9_000 for entry in log()} == {True}


def test_all_of_it_at_once_is_kept_for_every_way_of_writing(app: Connection, log: Log) -> None:
    with app.transaction():
        for setting in SPOKEN:
            say(app, setting, "\\ ' \" {\n")
        insert(app, "product", name="Lamp", seller_id=1, details=r'"\u0000"')
        app.execute("UPDATE shop.product SET name = 'Light'")
        app.execute("DELETE FROM shop.product")
        app.execute("TRUNCATE shop.note")

    said = {(entry.actor, entry.actor_name, entry.ip, str(entry.context)) for entry in log()}
    text = "\\ ' \" {\n"
    assert said == {(text, text, text, str({"unparsed": text}))}
    assert len(log()) == 4
