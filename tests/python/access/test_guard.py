"""A guard in Python: scoped queries, checked changes, and the trail that it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import consilia
from consilia import access, data
from consilia.data import Column, Key

POLICY = access.Policy(
    {
        "version": 1,
        "resources": {"note": ["read", "create", "update", "delete"]},
        "roles": [{"name": "author"}, {"name": "reader"}],
        "rules": [
            {"name": "own", "effect": "allow", "role": "author", "permission": "note:*",
             "condition": "owner_id = :principal_id"},
            {"name": "all", "effect": "allow", "role": "reader", "permission": "note:read"},
        ],
        "fields": [
            {"role": "author", "permission": "note:*", "fields": ["id", "owner_id", "text"]},
            {"role": "reader", "permission": "note:read", "fields": ["id"]},
        ],
    }
)  # fmt: skip
ANN = access.Principal(7, "author", name="ann")


class GuardedNote(data.Model, table="guarded_notes"):
    id: Key
    owner_id: Column[int]
    text: Column[str]
    secret: Column[str] = data.column(default="hidden")


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[data.Database]:
    if request.param == "sqlite":
        made = data.Database(f"sqlite:{tmp_path / 'notes.db'}")
    else:
        made = data.Database(request.getfixturevalue("postgres").create_database())
    made.create_tables(GuardedNote)
    for owner in (7, 8, 7):
        made.insert(GuardedNote(owner_id=owner, text=f"of {owner}"))
    yield made


def guard(principal: access.Principal = ANN, **options: Any) -> access.Guard:
    return access.Guard(POLICY, principal, "note", GuardedNote, **options)


def test_queries_are_scoped_and_name_only_readable_fields(db: data.Database) -> None:
    rows = guard().query().order_by(*guard().order("-text")).run(db)
    assert [row.id for row in rows] == [3, 1]
    assert set(json.loads(rows.json())[0]) == {"id", "owner_id", "text"}
    assert guard().rows().where(guard().filter("text = 'of 8'")).count(db) == 0
    assert guard(access.Principal(1, "reader")).query().count(db) == 3
    for text in ("secret = 'hidden'", "owner_id = 7 and secret = 'x'"):
        with pytest.raises(consilia.InvalidArgument) as refused:
            guard().filter(text)
        assert refused.value.code == "access.field"
    with pytest.raises(consilia.PermissionDenied):
        guard(access.Principal(1, "reader")).query("delete")


def test_a_hidden_record_is_answered_as_a_missing_one(db: data.Database) -> None:
    assert guard().get(db, 1).text == "of 7"
    answers = []
    for key in (2, 4711):
        with pytest.raises(consilia.NotFound) as refused:
            guard().get(db, key)
        answers.append(str(refused.value).replace(str(key), "ID"))
    assert answers[0] == answers[1]


def test_changes_are_checked_before_and_after(db: data.Database) -> None:
    own = guard()
    made = own.insert(db, owner_id=7, text="new")
    own.update(db, made, text="changed")
    assert own.get(db, made).text == "changed"
    with pytest.raises(consilia.PermissionDenied):
        own.insert(db, owner_id=8, text="for another")
    with pytest.raises(consilia.PermissionDenied) as refused:
        own.update(db, made, secret="x", text="y")
    assert refused.value.details["fields"] == "secret"
    with pytest.raises(consilia.PermissionDenied):
        own.update(db, made, owner_id=8)
    assert own.get(db, made).owner_id == 7
    with pytest.raises(consilia.NotFound):
        own.remove(db, 2)
    own.remove(db, made)
    assert own.rows().count(db) == 2
    own.require(db, 1, "delete")
    with pytest.raises(consilia.PermissionDenied):
        guard(access.Principal(1, "reader")).require(db, 1, "delete")


def test_a_trail_writes_what_was_done_and_what_was_refused(db: data.Database) -> None:
    log = access.AuditLog(db, key=bytes(range(32)))
    log.create_schema()
    with access.AuditTrail(log) as trail, db.begin() as transaction:
        guard(trail=trail, context=access.Context(address="192.0.2.7")).update(transaction, 1, text="seen")
        trail.write(transaction)
    with pytest.raises(consilia.NotFound), access.AuditTrail(log) as trail, db.begin() as transaction:
        guard(trail=trail).update(transaction, 1, text="lost with its transaction")
        guard(trail=trail).update(transaction, 2, text="not mine")
    with access.AuditTrail(log) as trail:
        own = guard(trail=trail)
        own.tell_read(own.query().order_by("id").run(db))
        trail.write()
    with pytest.raises(consilia.InvalidArgument):
        trail.write()
    assert [
        (entry.action, entry.record_id, entry.outcome, entry.rule, entry.address) for entry in log.find()
    ] == [
        ("update", "1", "allowed", "own", "192.0.2.7"),
        ("update", "2", "denied", "", ""),
        ("read", "1", "allowed", "own", ""),
        ("read", "3", "allowed", "own", ""),
    ]
    assert guard().get(db, 1).text == "seen"
    assert log.verify().is_sound


def test_the_fields_of_a_model_are_those_of_a_resource() -> None:
    assert access.fields_of(GuardedNote) == {
        "id": "int64",
        "owner_id": "int64",
        "text": "text",
        "secret": "text",
    }
