"""Records: values that are read where they lie, and what is stored of them."""

from __future__ import annotations

import datetime
import gc
import uuid

import pytest
from clinic_models import NOON, Patient, Prediction, Status, User, Xray

import consilia
from consilia import data
from consilia.data import Column, Key, Reference


def test_a_record_gives_the_values_of_its_row(db: data.Database) -> None:
    patient = db.get(Patient, 1)
    assert (patient.id, patient.full_name, patient.birth_date) == (1, "Ann", datetime.date(1980, 2, 29))
    assert db.get(Patient, 3).full_name == "Änne"
    xray = db.get(Xray, 1)
    assert xray.taken_at == NOON
    assert xray.taken_at.tzinfo is datetime.UTC
    assert xray.meta == {"view": "PA", "shot": 0}
    assert (xray.token, xray.content, xray.patient_id) == (None, None, 1)


def test_every_type_comes_back_as_it_went_in(db: data.Database) -> None:
    token = uuid.uuid4()
    before_1970 = datetime.datetime(1931, 3, 1, 23, 59, 59, 999_999, tzinfo=datetime.UTC)
    made = db.insert(
        Xray(patient_id=2, taken_at=before_1970, meta=[1, None, "é"], token=token, content=b"\0\xff")
    )
    read = db.get(Xray, made.id)
    assert (read.taken_at, read.meta, read.token, read.content) == (
        before_1970,
        [1, None, "é"],
        token,
        b"\0\xff",
    )


def test_times_of_another_zone_are_the_same_instant(db: data.Database) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    made = db.insert(Xray(patient_id=1, taken_at=NOON.astimezone(zone)))
    assert db.get(Xray, made.id).taken_at == NOON


def test_a_missing_record_is_not_found(db: data.Database) -> None:
    assert db.get_or_none(Patient, 99) is None
    with pytest.raises(consilia.NotFound) as caught:
        db.get(Patient, 99)
    assert caught.value.code == "record.not_found"
    assert caught.value.details == {"model": "patients", "id": 99}


def test_inserting_gives_the_key_and_the_times(db: data.Database) -> None:
    record = Prediction(xray_id=1)
    assert record.id is None
    assert record.status == Status.PENDING  # The default of the column.
    assert db.insert(record) is record
    stored = db.get(Prediction, record.id)
    assert stored.created_at == record.created_at == stored.updated_at
    assert stored.status is Status.PENDING
    assert stored.is_deleted is False


def test_updating_stores_what_was_assigned_and_refuses_a_stale_record(db: data.Database) -> None:
    first, second = db.get(Prediction, 1), db.get(Prediction, 1)
    first.status = Status.DONE
    db.update(first)
    assert db.get(Prediction, 1).status is Status.DONE
    second.confidence = 1  # An integer for a double.
    with pytest.raises(consilia.Conflict) as caught:
        db.update(second)
    assert caught.value.code == "record.stale"
    first.confidence = 0.25
    db.update(first)  # It knows its own new version.
    assert db.get(Prediction, 1).confidence == 0.25
    before = db.get(Prediction, 1).updated_at
    db.update(first)  # Nothing was assigned.
    assert db.get(Prediction, 1).updated_at == before


def test_a_broken_rule_names_table_and_column(db: data.Database) -> None:
    with pytest.raises(consilia.Conflict) as caught:
        db.insert(User(name="ada"))
    assert caught.value.code == "database.unique"
    with pytest.raises(consilia.ValidationError):
        db.insert(User(name="x" * 51))
    with pytest.raises(consilia.ValidationError):
        db.insert(Prediction(xray_id=1, status="lost"))
    with pytest.raises(consilia.InvalidArgument) as typed:
        db.insert(User(name=7))
    assert typed.value.code == "query.type"


def test_soft_deleted_records_are_hidden_until_they_are_restored(db: data.Database) -> None:
    record = db.get(Prediction, 1)
    db.soft_delete(record, by=5)
    assert db.get_or_none(Prediction, 1) is None
    hidden = Prediction.query().only_deleted().get(db)
    assert (hidden.id, hidden.is_deleted, hidden.deleted_by) == (1, True, 5)
    db.restore(record)
    assert db.get(Prediction, 1).deleted_at is None
    db.delete(db.get(Prediction, 1))
    assert Prediction.query().with_deleted().count(db) == 11
    with pytest.raises(consilia.InvalidArgument):
        db.soft_delete(db.get(Patient, 1))


def test_deleting_a_row_that_others_need_is_refused_or_sets_them_free(db: data.Database) -> None:
    with pytest.raises(consilia.Conflict):
        db.delete(db.get(Patient, 1))
    db.delete(db.get(User, 1))
    assert db.get(Patient, 1).user_id is None


def test_records_are_equal_by_model_and_key(db: data.Database) -> None:
    assert db.get(Patient, 1) == db.get(Patient, 1)
    assert db.get(Patient, 1) != db.get(Patient, 2)
    assert db.get(Patient, 1) != db.get(User, 1)
    assert len({db.get(Patient, 1), db.get(Patient, 1)}) == 1
    assert Patient() != Patient()


def test_json_of_a_record_can_be_changed_in_place(db: data.Database) -> None:
    xray = db.get(Xray, 1)
    xray.meta["view"] = "AP"
    assert xray.meta["view"] == "AP"
    xray.meta = xray.meta
    db.update(xray)
    assert db.get(Xray, 1).meta == {"view": "AP", "shot": 0}


def test_a_reference_that_was_not_loaded_says_what_to_do(db: data.Database) -> None:
    with pytest.raises(AttributeError, match="include it"):
        _ = db.get(Prediction, 1).xray
    with pytest.raises(AttributeError, match="not selected"):
        _ = Prediction.query().select("id").first(db).status
    with pytest.raises(AttributeError):
        _ = db.get(Prediction, 1).nothing


def test_assigning_a_reference_assigns_its_key(db: data.Database) -> None:
    patient = db.get(Patient, 2)
    patient.user = db.get(User, 1)
    assert patient.user_id == 1
    patient.user_id = None
    db.update(patient)
    assert db.get(Patient, 2).user_id is None
    with pytest.raises(TypeError):
        patient.user = db.get(Patient, 1)


def test_a_record_outlives_its_result_and_its_database(url: str) -> None:
    database = data.Database(url)
    database.create_tables(User)
    record = database.get(User, database.insert(User(name="kept")).id)
    del database
    gc.collect()
    assert record.name == "kept"


def test_a_cycle_of_records_is_collected(db: data.Database) -> None:
    class Node(data.Model, table="nodes"):
        id: Key
        parent: Reference[Node | None]
        note: Column[data.Json | None]

    db.create_tables(Node)
    root = db.insert(Node())
    root.note = [root]
    del root
    assert gc.collect() > 0
    child = db.insert(Node(parent=db.get(Node, 1)))
    assert Node.query().include(Node.parent).where(Node.id == child.id).get(db).parent == db.get(Node, 1)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(TypeError, match="has no column `colour`"):
        Patient(colour="red")
    with pytest.raises(AttributeError):
        Patient(full_name="Ann").colour = "red"
    with pytest.raises(TypeError):
        Patient("Ann")


def test_declarations_that_mean_nothing_are_refused() -> None:
    with pytest.raises(TypeError, match="no column holds"):

        class Odd(data.Model, table="odd"):
            id: Key
            value: Column[complex]

    with pytest.raises(TypeError, match="cannot be named"):

        class Taken(data.Model, table="taken"):
            id: Key
            query: Column[str]

    class Lost(data.Model, table="lost"):
        id: Key
        other: Reference[Nowhere]  # noqa: F821

    with pytest.raises(TypeError, match="no model of this name"):
        Lost.query()
    with pytest.raises(TypeError, match="mixin"):
        data.Model.declare()


def test_a_mixin_gives_its_columns_to_each_of_its_models(url: str) -> None:
    class Noted(data.Model):
        note: Column[str | None]

    class Letter(Noted, table="letters"):
        id: Key

    class Parcel(Noted, table="parcels"):
        id: Key
        weight: Column[float]

    database = data.Database(url)
    database.create_tables(Letter, Parcel)
    assert database.get(Letter, database.insert(Letter(note="hello")).id).note == "hello"
    parcel = database.get(Parcel, database.insert(Parcel(weight=1, note=None)).id)
    assert (parcel.weight, parcel.note) == (1.0, None)


def test_an_audited_record_says_who_made_and_who_changed_it(url: str) -> None:
    class Memo(data.Model, table="memos", audit=True, timestamps=True):
        id: Key
        text: Column[str]

    database = data.Database(url)
    database.create_tables(Memo)
    with database.begin() as tx:
        tx.act_as(7)
        made = tx.insert(Memo(text="first"))
    with database.begin() as tx:
        tx.act_as(8)
        memo = tx.get(Memo, made.id)
        memo.text = "second"
        tx.update(memo)
    memo = database.get(Memo, made.id)
    assert (memo.text, memo.created_by, memo.updated_by) == ("second", 7, 8)
    assert database.get(Memo, database.insert(Memo(text="nobody")).id).created_by is None
