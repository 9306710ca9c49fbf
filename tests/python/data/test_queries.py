"""Queries from Python: steps, results in every form, and what must be refused."""

from __future__ import annotations

import datetime
import json

import pytest
from clinic_models import Patient, Prediction, Status, Xray

import consilia
from consilia import data, functions
from consilia.data import Query


def ids(query: Query[Prediction], db: data.Database) -> list[int]:
    return [row.id for row in query.run(db)]


def test_conditions_compose_in_every_spelling(db: data.Database) -> None:
    everything = Prediction.query()
    assert len(ids(everything, db)) == 12
    done = everything.where(Prediction.status == "done")
    assert all(row.status is Status.DONE for row in done.run(db))
    assert ids(everything.where("status = :s", s="done"), db) == ids(done, db)
    assert ids(everything.exclude(Prediction.status == "done"), db) == ids(
        everything.where(Prediction.status != "done"), db
    )
    named = everything.where(Prediction.xray.patient.full_name.like("Ä%"))
    assert len(ids(named, db)) == 4
    assert ids(everything.where((Prediction.id <= 2) & Prediction.confidence.is_null()), db) == [1]


def test_orders_pages_and_keys(db: data.Database) -> None:
    query = Prediction.query().order_by(Prediction.confidence.desc(), "-id")
    first = query.page(1, 5).run(db)
    assert [row.id for row in first] == [12, 8, 4, 10, 6]
    assert [row.id for row in query.page(3, 5).run(db)] == [3, 1]
    following = query.limit(5).after(query.key(first[-1])).run(db)
    assert [row.id for row in following] == [row.id for row in query.page(2, 5).run(db)]
    nulls = Prediction.query().order_by(Prediction.confidence.desc(), nulls="first").order_by("id")
    assert ids(nulls.limit(2), db) == [1, 3]
    assert ids(Prediction.query().order_by(-Prediction.id).limit(1), db) == [12]


def test_included_rows_are_records_and_absent_ones_are_none(db: data.Database) -> None:
    query = Prediction.query().include(Prediction.xray.patient.user).order_by("id")
    rows = query.run(db)
    assert rows[0].xray.patient.user.name == "ada"
    assert rows[-1].xray.patient.full_name == "Änne"
    assert rows[-1].xray.patient.user is None
    with pytest.raises(AttributeError, match="include"):
        _ = Prediction.query().include(Prediction.xray).first(db).xray.patient


def test_partial_rows_hold_what_was_selected(db: data.Database) -> None:
    row = Prediction.query().select(Prediction.id, Prediction.xray.patient.full_name).order_by("id").first(db)
    assert row.to_dict() == {"id": 1, "xray": {"patient": {"full_name": "Ann"}}}
    deferred = Xray.query().defer(Xray.meta, Xray.content).first(db)
    assert "meta" not in deferred.to_dict()


def test_the_forms_of_a_result_agree(db: data.Database) -> None:
    query = Patient.query().order_by("id")
    rows = query.run(db)
    assert rows.columns == ["id", "full_name", "birth_date", "user_id"]
    assert rows.tuples()[0] == (1, "Ann", datetime.date(1980, 2, 29), 1)
    assert rows.dicts()[1] == {"id": 2, "full_name": "Ben", "birth_date": None, "user_id": None}
    assert json.loads(rows.json())[2]["full_name"] == "Änne"
    assert query.json(db) == rows.json()
    assert json.loads(rows[1:].json()) == json.loads(rows.json())[1:]
    assert rows.values(Patient.full_name) == ["Ann", "Ben", "Änne"]
    assert [row.id for row in rows[-2:]] == [2, 3]
    assert len(rows[5:]) == 0
    with pytest.raises(IndexError):
        _ = rows[3]
    with pytest.raises(consilia.InvalidArgument):
        rows.column("nothing")


def test_counts_and_single_rows(db: data.Database) -> None:
    query = Prediction.query()
    assert (query.count(db), query.where("id < 0").exists(db)) == (12, False)
    assert query.where("id = 3").get(db).id == 3
    assert query.where("id = 99").get_or_none(db) is None
    assert query.where("id = 99").first(db) is None
    with pytest.raises(consilia.NotFound):
        query.where("id = 99").get(db)
    with pytest.raises(consilia.Conflict):
        query.get(db)


def test_aggregates_groups_and_annotations(db: data.Database) -> None:
    query = Prediction.query()
    row = query.aggregate(
        db,
        total=functions.count(),
        done=functions.filter(functions.count(), Prediction.status == "done"),
        mean=functions.avg(Prediction.confidence),
    )
    assert (row.total, row.done, row.mean) == (12, 6, pytest.approx(0.55))
    groups = query.group_by(Prediction.status).annotate(n=functions.count()).order_by("status").run(db)
    assert [(group.status, group.n) for group in groups] == [(Status.DONE, 6), (Status.PENDING, 6)]
    annotated = query.annotate(twice=Prediction.attempt * 2 + 1).order_by("id").run(db)
    assert [row.twice for row in annotated[:2]] == [1, 3]
    assert annotated[0].to_dict()["twice"] == 1


def test_functions_are_calculated_by_the_database(db: data.Database) -> None:
    query = Patient.query().annotate(
        upper=functions.upper(Patient.full_name),
        size=functions.length(Patient.full_name),
        born=functions.coalesce(functions.year(Patient.birth_date), 0),
        kind=functions.case_when((Patient.id == 1, "first"), otherwise="other"),
    )
    rows = query.order_by("id").run(db)
    assert [(row.upper, row.size, row.born, row.kind) for row in rows] == [
        ("ANN", 3, 1980, "first"),
        ("BEN", 3, 0, "other"),
        ("ÄNNE", 4, 0, "other"),
    ]
    viewed = Xray.query().where(functions.json_text(Xray.meta, "view") == "PA")
    assert viewed.count(db) == 6


def test_prefetched_rows_hang_under_their_name(db: data.Database) -> None:
    done = Prediction.query().where(Prediction.status == "done").order_by("-id")
    xrays = Xray.query().order_by("id").prefetch("done", done, Prediction.xray)
    patients = Patient.query().order_by("id").prefetch("xrays", xrays, Xray.patient).run(db)
    assert [[x.id for x in patient.xrays] for patient in patients] == [[1, 2], [3, 4], [5, 6]]
    assert [p.id for p in patients[1].xrays[0].done] == [6]
    assert json.loads(patients.json())[0]["xrays"][1]["done"][0]["id"] == 4
    assert patients.dicts()[0]["xrays"][0]["done"][0]["status"] == Status.DONE


def test_a_single_row_comes_with_what_is_prefetched(db: data.Database) -> None:
    query = Patient.query.prefetch("xrays", Xray.query.order_by("-id"), Xray.patient)
    assert [x.id for x in query.where(Patient.id == 2).get(db).xrays] == [4, 3]
    assert [x.id for x in query.first(db).xrays] == [2, 1]
    assert query.order_by("-full_name").first(db).full_name == "Änne"
    assert query.where(Patient.id == 3).get_or_none(db).xrays[0].id == 6
    assert query.order_by("-id").limit(1).get(db) == query.order_by("-id").first(db)
    none = query.where(Patient.id == 99)
    assert (none.get_or_none(db), none.first(db)) == (None, None)
    with pytest.raises(consilia.NotFound) as caught:
        none.get(db)
    assert caught.value.code == "query.none"
    for several in (query.get, query.get_or_none):
        with pytest.raises(consilia.Conflict) as many:
            several(db)
        assert many.value.code == "query.many"


def test_changes_by_query(db: data.Database) -> None:
    query = Prediction.query().where(Prediction.xray.patient.full_name == "Ben")
    assert query.update(db, attempt=Prediction.attempt + 10, status=Status.DONE) == 4
    assert {row.attempt for row in query.run(db)} == {10, 11}
    assert query.delete(db) == 4
    assert Prediction.query().count(db) == 8
    with pytest.raises(consilia.InvalidArgument):
        query.update(db)
    with pytest.raises(consilia.InvalidArgument):
        query.update(db, nothing=1)


def test_subqueries(db: data.Database) -> None:
    with_user = Patient.query().where(
        data.exists(
            Xray.query().where((Xray.patient_id == functions.outer("id")) & (functions.outer("id") < 3))
        )
    )
    assert [row.id for row in with_user.order_by("id").run(db)] == [1, 2]
    counted = Patient.query().annotate(
        shots=data.scalar(data.related(Xray.query(), "patient"), functions.count())
    )
    assert [row.shots for row in counted.run(db)] == [2, 2, 2]
    chosen = Xray.query().where(
        data.in_query(Xray.patient_id, Patient.query().where("full_name = 'Ben'").select("id"))
    )
    assert chosen.count(db) == 2


def test_rows_in_chunks_are_all_rows_once(db: data.Database) -> None:
    sizes = []
    seen = []
    for rows in Prediction.query().order_by("-attempt").chunks(db, 5):
        sizes.append(len(rows))
        seen += [row.id for row in rows]
    assert sizes == [5, 5, 2]
    assert sorted(seen) == list(range(1, 13))


def test_a_union_gives_the_rows_of_both(db: data.Database) -> None:
    low, high = Prediction.query().where("id <= 2"), Prediction.query().where("id >= 11")
    assert sorted(ids(low.union_all(high), db)) == [1, 2, 11, 12]


def test_trusted_sql_gives_rows_without_a_model(db: data.Database) -> None:
    place = "?" if db.dialect == "sqlite" else "$1"
    rows = db.query(
        f'SELECT id, full_name AS name, 1.5 AS "the rate" FROM patients WHERE id < {place} ORDER BY id', [3]
    )
    assert [(row.id, row.name, row["the rate"], row[1]) for row in rows] == [
        (1, "Ann", 1.5, "Ann"),
        (2, "Ben", 1.5, "Ben"),
    ]
    first = rows[0]
    assert (len(first), first[-1], list(first)) == (3, 1.5, [1, "Ann", 1.5])
    with pytest.raises(KeyError):
        _ = first["nothing"]
    assert db.execute(f"UPDATE patients SET full_name = 'Eve' WHERE id = {place}", [2]) == 1
    assert db.get(Patient, 2).full_name == "Eve"


def test_hostile_text_never_changes_a_statement(db: data.Database) -> None:
    for text in ["' OR 1=1 --", '"; DROP TABLE patients; --', "a\0b", "%", "\\", "𝕏"]:
        named = Patient.query().where(Patient.full_name == text)
        if "\0" in text and db.dialect == "postgresql":  # No text of PostgreSQL holds a zero byte.
            with pytest.raises(consilia.ValidationError):
                named.count(db)
        else:
            assert named.count(db) == 0
        for use in (
            lambda t: Patient.query().order_by(t).run(db),
            lambda t: Patient.query().select(t).run(db),
            lambda t: Patient.query().include(t).run(db),
            lambda t: Patient.query().group_by(t).run(db),
        ):
            with pytest.raises(consilia.Error):
                use(text)
    assert Patient.query().count(db) == 3


def test_what_is_no_condition_is_refused(db: data.Database) -> None:
    with pytest.raises(TypeError):
        Patient.query().where(True)
    with pytest.raises(TypeError):
        Patient.query().where(Patient.id == 1 and Patient.id == 2)
    with pytest.raises(TypeError):
        Patient.query().run("clinic.db")
    with pytest.raises(TypeError):
        Patient.query().order_by("id", nulls="middle")
    with pytest.raises(consilia.InvalidArgument):
        Patient.query().where(Patient.full_name == 7).run(db)
    with pytest.raises(AttributeError, match="no column or reference"):
        _ = Prediction.xray.colour


def test_a_query_explains_and_shows_itself(db: data.Database) -> None:
    text, scans = Patient.query().where("full_name = 'Ann'").explain(db)
    assert scans == ["patients"]
    assert "patients" in text
    assert Patient.query().where(Patient.id == 5).explain(db)[1] == []
    assert "WHERE" in Patient.query().where(Patient.id == 5).sql()
    assert "5" not in Patient.query().where(Patient.id == 5).sql()
