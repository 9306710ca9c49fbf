"""The policy in force as Python sees it; watching is awaited through its callbacks, never by time."""

from __future__ import annotations

import gc
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import consilia
from consilia import access, data
from consilia.access import Policy, PolicyStore, Principal

STAFF = Principal(7, "staff")
NOBODY: dict[str, Any] = {"version": 1, "resources": {"report": ["read"]}, "roles": [{"name": "staff"}]}
ALLOWED: dict[str, Any] = {
    **NOBODY,
    "rules": [{"name": "all", "effect": "allow", "role": "staff", "permission": "report:read"}],
}
BROKEN: dict[str, Any] = {
    **NOBODY,
    "rules": [{"effect": "allow", "role": "ghost", "permission": "report:read"}],
}


def may_read(store: PolicyStore) -> bool:
    return store.policy.check(STAFF, "read", "report").allowed


def code_of(error: pytest.ExceptionInfo[consilia.Error]) -> str:
    return error.value.code


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> data.Database:
    if request.param == "sqlite":
        return data.Database(f"sqlite:{tmp_path / 'policy.db'}")
    return data.Database(request.getfixturevalue("postgres").create_database())


def test_a_policy_is_replaced_as_a_whole() -> None:
    store = PolicyStore(ALLOWED)
    before = store.policy
    assert may_read(store) and store.version == 1
    assert store.replace(json.dumps(NOBODY)) == 2
    assert not may_read(store) and store.version == 2
    assert before.check(STAFF, "read", "report"), "a policy that was given out does not change"


def test_the_policy_is_one_object_while_it_is_the_same() -> None:
    store = PolicyStore(ALLOWED)
    assert isinstance(store.policy, Policy)
    assert store.policy is store.policy
    before = store.policy
    store.replace(ALLOWED)
    assert store.policy is not before


def test_a_policy_that_is_refused_leaves_the_old_one() -> None:
    store = PolicyStore(ALLOWED)
    with pytest.raises(consilia.ValidationError) as error:
        store.replace(BROKEN)
    assert code_of(error) == "policy.unknown_role"
    assert may_read(store) and store.version == 1
    with pytest.raises(consilia.ValidationError):
        PolicyStore(BROKEN)
    with pytest.raises(consilia.InvalidArgument) as error:
        store.refresh()
    assert code_of(error) == "policy.loader"


def test_a_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(NOBODY))
    store = PolicyStore.from_file(path)
    assert not store.refresh()
    (tmp_path / "new.json").write_text(json.dumps(ALLOWED))
    (tmp_path / "new.json").rename(path)
    assert store.refresh() and may_read(store)
    path.write_text(json.dumps(BROKEN))
    for _ in range(2):
        with pytest.raises(consilia.ValidationError):
            store.refresh()
    assert may_read(store)
    with pytest.raises(consilia.NotFound):
        PolicyStore.from_file(tmp_path / "none.json")


def test_a_function_is_watched_through_its_failures() -> None:
    given: queue.SimpleQueue[Any] = queue.SimpleQueue()
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def loader() -> Any:
        document = None if given.empty() else given.get()
        if isinstance(document, Exception):
            raise document
        return document

    given.put(NOBODY)
    store = PolicyStore.from_loader(loader)
    store.watch(interval_ms=1, on_change=told.put, on_error=told.put)
    given.put(ALLOWED)
    assert told.get().check(STAFF, "read", "report")
    given.put(LookupError("the source is gone"))
    assert "the source is gone" in str(told.get())
    given.put(BROKEN)
    error = told.get()
    assert isinstance(error, consilia.ValidationError) and error.code == "policy.unknown_role"
    assert may_read(store)
    store.stop_watching()
    with pytest.raises(consilia.ValidationError):
        store.refresh()
    given.put(NOBODY)
    assert store.refresh() and not may_read(store)
    with pytest.raises(consilia.InvalidArgument) as refused:
        PolicyStore.from_loader(lambda: None)
    assert code_of(refused) == "policy.loader"


def test_watching_ends_with_the_store_and_is_refused_twice(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(NOBODY))
    before = threading.active_count()
    store = PolicyStore.from_file(path)
    store.watch(interval_ms=86_400_000)
    for wrong in ({}, {"interval_ms": 0}):
        with pytest.raises(consilia.InvalidArgument) as error:
            store.watch(**wrong)
        assert code_of(error) == "policy.watch"
    del store
    gc.collect()
    assert threading.active_count() == before


def test_tables_are_edited_as_rows(db: data.Database) -> None:
    access.create_policy_tables(db)
    access.save_policy(db, NOBODY)
    store = PolicyStore.from_tables(db)
    assert not may_read(store)
    db.execute(
        "INSERT INTO consilia_policy_rules (effect, role, permission)"
        " VALUES ('allow', 'staff', 'report:read')"
    )
    assert store.refresh() and may_read(store)
    assert Policy(access.load_policy(db)).check(STAFF, "read", "report")
    db.execute("UPDATE consilia_policy_rules SET condition = 'owner_id ='")
    with pytest.raises(consilia.ValidationError, match=r"consilia_policy_rules\[id=1\].condition") as error:
        store.refresh()
    assert code_of(error) == "policy.syntax"
    assert may_read(store)


def test_saving_is_part_of_the_transaction(db: data.Database) -> None:
    access.create_policy_tables(db)
    access.save_policy(db, ALLOWED)
    with pytest.raises(RuntimeError, match="rolled back"), db.begin() as tx:
        access.save_policy(tx, NOBODY)
        assert access.load_policy(tx)["rules"] == []
        raise RuntimeError("rolled back")
    assert len(access.load_policy(db)["rules"]) == 1
    with pytest.raises(consilia.ValidationError):
        access.save_policy(db, BROKEN)
    with db.read() as snapshot, pytest.raises(consilia.InvalidArgument) as error:
        access.save_policy(snapshot, NOBODY)
    assert code_of(error) == "database.transaction"


def test_a_forked_child_is_told_so_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(ALLOWED))
    store = PolicyStore.from_file(path)
    policy = store.policy
    store.watch(interval_ms=1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _ = store.policy
        except consilia.Unavailable as error:
            if error.code == "policy.forked" and policy.check(STAFF, "read", "report"):
                status = 0
        del store
        gc.collect()
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_program_ends_while_a_watch_calls_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import itertools, threading\n"
        "from consilia import access\n"
        "count = itertools.count()\n"
        "called = threading.Event()\n"
        "document = {'version': 1, 'resources': {}, 'roles': []}\n"
        "store = access.PolicyStore.from_loader(lambda: document)\n"
        "store.watch(interval_ms=1, on_change=lambda policy: called.set())\n"
        "called.wait()\n"
        "print('ends')\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ends\n", "")
