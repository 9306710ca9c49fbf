"""The audit log in Python: entries with their transactions, reviews, proof, archives."""

from __future__ import annotations

import datetime
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

import consilia
from consilia import AuditAnchor, AuditEvent, AuditLog, data

KEY = bytes(range(32))
LATER = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> data.Database:
    if request.param == "sqlite":
        return data.Database(f"sqlite:{tmp_path / 'clinic.db'}")
    return data.Database(request.getfixturevalue("postgres").create_database())


@pytest.fixture
def log(db: data.Database) -> AuditLog:
    made = AuditLog(db, key=KEY)
    made.create_schema()
    return made


def read_of(record_id: object, **changes: Any) -> AuditEvent:
    given: dict[str, Any] = {
        "user_id": 7,
        "user_name": "Ada",
        "roles": "staff",
        "action": "read",
        "resource": "prediction",
        "rule": "staff_reads",
        "reason": "staff reads",
        "address": "192.0.2.7",
    }
    return AuditEvent(record_id=record_id, **{**given, **changes})


def test_an_entry_tells_who_did_what_to_which_record(log: AuditLog) -> None:
    record = uuid.uuid4()
    place = log.append(read_of(record, outcome="denied", details={"fields": ["status"]}))
    (entry,) = log.find()
    assert (entry.sequence, entry.hash) == (place.sequence, place.hash) == (1, log.head().hash)
    assert entry.user_id == "7"
    assert entry.record_id == str(record)
    assert entry.outcome == "denied"
    assert entry.details == {"fields": ["status"]}
    assert entry.at.tzinfo == datetime.UTC
    assert json.loads(entry.to_json_line())["address"] == "192.0.2.7"
    assert entry.previous == AuditAnchor().hash


def test_an_entry_goes_with_its_transaction(db: data.Database, log: AuditLog) -> None:
    with pytest.raises(RuntimeError), db.begin() as tx:
        log.append(read_of(1), session=tx)
        raise RuntimeError
    assert log.head() == AuditAnchor()
    with db.begin() as tx:
        log.append(read_of(2), session=tx)
        assert [entry.record_id for entry in log.find(session=tx)] == ["2"]
        log.append_many([read_of(3), read_of(4)], session=tx)
    log.append_many([read_of(5)])
    assert [entry.record_id for entry in log.find()] == ["2", "3", "4", "5"]
    for session in (db, db.read(), tx):
        with pytest.raises(consilia.InvalidArgument) as refused:
            log.append(read_of(6), session=session)
        assert refused.value.code == "database.transaction"


def test_reviews_find_what_they_ask_for(log: AuditLog) -> None:
    log.append_many([read_of(1), read_of(2), read_of(1, user_id=8, outcome="denied"), read_of(1, action="x")])

    def found(**asked: Any) -> list[int]:
        return [entry.sequence for entry in log.find(**asked)]

    assert found(resource="prediction", record_id=1) == [1, 3, 4]
    assert found(user_id=8) == found(outcome="denied") == [3]
    assert found(limit=2) == [1, 2]
    assert found(limit=2, after_sequence=2) == [3, 4]
    assert found(limit=2, newest_first=True) == [4, 3]
    assert found(since=LATER) == found(action="update") == found(resource="x") == []
    assert found(until=LATER) == [1, 2, 3, 4]
    for wrong in ({"record_id": 1}, {"outcome": "maybe"}, {"since": datetime.date(2026, 1, 1)}):
        with pytest.raises(consilia.InvalidArgument) as refused:
            log.find(**wrong)  # type: ignore[arg-type]
        assert refused.value.code == "audit.field"
    with pytest.raises(consilia.InvalidArgument) as refused:
        log.find(limit=0)
    assert refused.value.code == "audit.page"


def test_what_may_not_be_kept_is_refused_by_name(log: AuditLog) -> None:
    for wrong in ({"action": ""}, {"address": "x" * 201}, {"user_id": 1.5}, {"roles": "a\0b"}):
        with pytest.raises(consilia.InvalidArgument) as refused:
            log.append(read_of(1, **wrong))
        assert refused.value.code == "audit.field"
        assert refused.value.details["field"] in wrong
    for details in ([1], {"a": "x" * 5000}, "{"):
        with pytest.raises(consilia.InvalidArgument) as refused:
            log.append(read_of(1, details=details))
        assert refused.value.code == "audit.details"
    assert log.find() == []


def test_what_is_changed_or_cut_is_found(db: data.Database, log: AuditLog) -> None:
    log.append_many([read_of(number) for number in range(5)])
    sound = log.verify(anchor=log.head())
    assert (sound.is_sound, sound.entries, sound.fault, sound.sequence) == (True, 5, "none", 0)
    assert sound.end == log.head()
    assert log.verify(after=sound.end).entries == 0
    cut = log.verify(anchor=AuditAnchor(6, "f" * 64))
    assert (cut.is_sound, cut.fault, cut.sequence) == (False, "cut_tail", 6)
    with pytest.raises(consilia.ValidationError):
        db.execute("UPDATE consilia_audit SET user_id = '8'")
    if db.dialect == "sqlite":
        db.execute("DROP TRIGGER consilia_audit_no_update")
    else:
        db.execute("ALTER TABLE consilia_audit DISABLE TRIGGER USER")
    db.execute("UPDATE consilia_audit SET user_id = '8' WHERE sequence = 3")
    changed = log.verify()
    assert (changed.fault, changed.sequence, changed.entries) == ("changed", 3, 2)
    assert changed.explain


def test_a_log_is_gone_on_with_its_own_key_only(db: data.Database, log: AuditLog) -> None:
    for key in (b"", bytes(16)):
        with pytest.raises(consilia.InvalidArgument) as refused:
            AuditLog(db, key=key).append(read_of(1))
        assert refused.value.code == "audit.key"
    with pytest.raises(consilia.InvalidArgument) as refused:
        AuditLog(db, key=bytes(15))
    assert refused.value.code == "audit.options"


def test_archives_prove_themselves_back_to_back(log: AuditLog, tmp_path: Path) -> None:
    log.append_many([read_of(number) for number in range(5)])
    assert log.rotate(tmp_path / "none", keep=5).entries == 0
    first = log.rotate(tmp_path / "1.jsonl", keep=2, user_id=1, roles="admin")
    second = log.rotate(tmp_path / "2.jsonl", before=LATER, keep=1)
    assert (first.entries, second.entries) == (3, 2)
    one = consilia.verify_audit_file(tmp_path / "1.jsonl", key=KEY)
    two = consilia.verify_audit_file(tmp_path / "2.jsonl", key=KEY, after=one.end, anchor=second.end)
    assert one.is_sound and two.is_sound
    assert log.verify(after=two.end).is_sound
    assert [entry.action for entry in log.find()] == ["rotate", "rotate"]
    assert log.find()[0].details["file"] == "1.jsonl"
    assert consilia.verify_audit_file(tmp_path / "1.jsonl").fault == "changed"
    for options in ({}, {"keep": -1}):
        with pytest.raises(consilia.InvalidArgument) as refused:
            log.rotate(tmp_path / "x", **options)
        assert refused.value.code == "audit.rotate"
    with pytest.raises(consilia.Conflict):
        log.rotate(tmp_path / "1.jsonl", keep=0)


def test_a_line_is_a_line_whatever_it_says(log: AuditLog, tmp_path: Path) -> None:
    log.append(read_of(1, user_name='x\r\n{"sequence":2}\u2028\x85y', user_id=8))
    log.append(read_of(2))
    assert log.export_json_lines(tmp_path / "8.jsonl", user_id=8) == 1
    (line,) = (tmp_path / "8.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["user_name"] == 'x\r\n{"sequence":2}\u2028\x85y'
    assert line == log.find()[0].to_json_line()
    with pytest.raises(consilia.Conflict):
        log.export_json_lines(tmp_path / "8.jsonl")
