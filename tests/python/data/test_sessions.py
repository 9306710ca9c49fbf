"""Transactions, savepoints, snapshots, threads, and what refuses to be mixed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from clinic_models import Patient, User

import consilia
from consilia import data


def names(db: data.Session) -> list[str]:
    return [user.name for user in User.query().order_by("id").run(db)]


def test_a_block_that_fails_leaves_nothing(db: data.Database) -> None:
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        tx.insert(User(name="bob"))
        assert names(tx) == ["ada", "bob"]
        _ = 1 / 0
    assert names(db) == ["ada"]
    with db.begin() as tx:
        tx.insert(User(name="bob"))
    assert names(db) == ["ada", "bob"]


def test_an_ended_transaction_refuses_everything(db: data.Database) -> None:
    with db.begin() as tx:
        pass
    for use in (lambda: tx.get(User, 1), tx.commit, lambda: tx.on_commit(print), lambda: names(tx)):
        with pytest.raises(consilia.InvalidArgument) as caught:
            use()
        assert caught.value.code == "database.transaction"
    tx.rollback()  # There is nothing to undo.


def test_commit_and_rollback_can_be_said(db: data.Database) -> None:
    with db.begin() as tx:
        tx.insert(User(name="bob"))
        tx.commit()
    with db.begin() as tx:
        tx.insert(User(name="eve"))
        tx.rollback()
    assert names(db) == ["ada", "bob"]


def test_savepoints_nest(db: data.Database) -> None:
    with db.begin() as tx:
        with tx.savepoint():
            tx.insert(User(name="bob"))
            with pytest.raises(consilia.Conflict), tx.savepoint():
                tx.insert(User(name="eve"))
                tx.insert(User(name="ada"))
        with pytest.raises(KeyError), tx.savepoint():
            tx.insert(User(name="zoe"))
            raise KeyError
    assert names(db) == ["ada", "bob"]


def test_actions_run_after_the_commit_only(db: data.Database) -> None:
    called: list[str] = []
    with db.begin() as tx:
        tx.on_commit(lambda: called.append("first"))
        with pytest.raises(KeyError), tx.savepoint():
            tx.on_commit(lambda: called.append("undone"))
            raise KeyError
        tx.on_commit(lambda: called.append("second"))
        assert called == []
    assert called == ["first", "second"]
    with pytest.raises(KeyError), db.begin() as tx:
        tx.on_commit(lambda: called.append("never"))
        raise KeyError
    assert called == ["first", "second"]


def test_a_snapshot_does_not_see_later_writes_and_does_not_write(db: data.Database) -> None:
    with db.read() as snapshot:
        assert names(snapshot) == ["ada"]
        db.insert(User(name="bob"))
        assert names(snapshot) == ["ada"]
        with pytest.raises(consilia.InvalidArgument) as caught:
            snapshot.insert(User(name="eve"))
        assert caught.value.code == "database.read_scope"
    assert names(db) == ["ada", "bob"]


def test_transact_gives_what_the_body_gives_and_passes_its_errors(db: data.Database) -> None:
    assert db.transact(lambda tx: tx.insert(User(name="bob")).id) == 2
    with pytest.raises(KeyError):
        db.transact(lambda tx: {}["missing"])

    attempts = []

    def contended(tx: data.Transaction) -> int:
        attempts.append(len(names(tx)))
        tx.insert(User(name=f"try {len(attempts)}"))
        if len(attempts) < 3:
            error = consilia.Unavailable("another one was there first")
            error.code = "database.serialization"
            raise error
        return len(attempts)

    assert db.transact(contended) == 3
    assert attempts == [2, 2, 2]
    assert names(db) == ["ada", "bob", "try 3"]


def test_a_session_is_used_by_one_thread_at_a_time(db: data.Database) -> None:
    entered, leave = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    with db.begin() as tx:

        def rows():
            yield {"name": "slow"}
            entered.set()
            assert leave.wait(10)

        worker = threading.Thread(target=lambda: tx.bulk_insert(User, rows()))
        worker.start()
        assert entered.wait(10)
        try:
            tx.get(User, 1)
        except consilia.InvalidArgument as error:
            errors.append(error)
        finally:
            leave.set()
            worker.join()
    assert [error.code for error in errors] == ["database.session"]
    assert names(db) == ["ada", "slow"]


def test_threads_write_side_by_side(empty: data.Database) -> None:
    def work(number: int) -> None:
        for i in range(25):
            with empty.begin() as tx:
                tx.insert(User(name=f"{number}-{i}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.query().count(empty) == 100


def test_urls_and_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        data.Database("mysql://there")
    assert caught.value.code == "database.url"
    with pytest.raises(TypeError, match="no option"):
        data.Database(f"sqlite:{tmp_path / 'a.db'}", speed="high")
    with pytest.raises(TypeError):
        data.Database()
    assert data.Database(f"sqlite:{tmp_path / 'a.db'}", connections_max=1).dialect == "sqlite"
    with pytest.raises(TypeError, match="derived from Model"):
        data.Database("sqlite::memory:").get(int, 1)


def test_many_rows_in_every_form(db: data.Database) -> None:
    assert (
        db.bulk_insert(Patient, [{"full_name": "Cid", "user_id": None}, {"full_name": "Dee", "user_id": 1}])
        == 2
    )
    assert db.bulk_insert(Patient, [("Eve",), ("Fay",)], columns=[Patient.full_name]) == 2
    assert db.bulk_insert(Patient, (Patient(full_name=f"G{i}") for i in range(5000))) == 5000
    assert db.bulk_insert(Patient, []) == 0
    assert Patient.query().count(db) == 3 + 4 + 5000
    stored = Patient.query().where(Patient.full_name == "Dee").get(db)
    assert (stored.user_id, stored.birth_date) == (1, None)


def test_many_rows_are_all_stored_or_none(db: data.Database) -> None:
    def rows():
        for i in range(9000):
            yield {"name": f"user {i}"}
        yield {"name": "ada"}

    with pytest.raises(consilia.Conflict):
        db.bulk_insert(User, rows())
    assert names(db) == ["ada"]


def test_rows_that_do_not_fit_are_refused(db: data.Database) -> None:
    for rows in (
        [{"name": "a"}, {"name": "b", "id": 9}],
        [{"name": "a"}, {"id": 9}],
        [{"nothing": 1}],
        [{"name": 7}],
        [{}],
    ):
        with pytest.raises(consilia.InvalidArgument):
            db.bulk_insert(User, rows)
    with pytest.raises(TypeError):
        db.bulk_insert(User, [Patient(full_name="x")])
    with pytest.raises(TypeError):
        db.bulk_insert(User, [7])
    assert names(db) == ["ada"]


def test_rows_that_are_there_are_updated(empty: data.Database) -> None:
    rows = [{"id": 1, "name": "ada"}, {"id": 2, "name": "bob"}]
    assert empty.bulk_insert(User, rows) == 2
    changed = [{"id": 2, "name": "eve"}, {"id": 3, "name": "zoe"}]
    empty.upsert(User, changed, conflict=["id"], update=["name"])
    assert names(empty) == ["ada", "eve", "zoe"]
    empty.upsert(User, [{"id": 1, "name": "other"}], conflict=[User.id])
    assert names(empty)[0] == "ada"
