"""Models of tables that other programs made, read from the live database."""

from __future__ import annotations

import pytest
from clinic_models import Patient, Prediction

import consilia
from consilia import data


def test_reflected_models_are_queried_and_written_like_declared_ones(db: data.Database) -> None:
    schema = data.reflect(db)
    assert schema.tables == ["patients", "predictions", "users", "xrays"]
    assert "xrays" in schema
    assert len(schema) == len(list(schema)) == 4
    Found, People = schema["predictions"], schema["patients"]  # noqa: N806
    query = (
        Found.query.where(Found.xray.patient.full_name == "Ann").include(Found.xray.patient).order_by("id")
    )
    assert [row.xray.patient.full_name for row in query.run(db)] == ["Ann"] * 4
    assert query.json(db) == (
        Prediction.query.where(Prediction.xray.patient.full_name == "Ann")
        .include(Prediction.xray.patient)
        .order_by("id")
        .json(db)
    )
    made = db.insert(People(full_name="Eve", user=db.get(schema["users"], 1)))
    assert db.get(Patient, made.id).user_id == 1
    made.full_name = "Eva"
    db.update(made)
    assert db.get(Patient, made.id).full_name == "Eva"
    assert db.get_or_none(Found, 1) is not None
    db.soft_delete(db.get(Found, 1))
    assert Found.query.count(db) == 11


def test_a_model_is_made_once_and_knows_its_relatives(db: data.Database) -> None:
    schema = data.reflect(db)
    xrays = schema["xrays"]
    assert schema["xrays"] is xrays
    assert schema["patients"] is not Patient
    with pytest.raises(TypeError):  # A class of another reflection is another class.
        db.insert(data.reflect(db)["xrays"](patient=db.get(schema["patients"], 1)))
    rows = schema["patients"].query.order_by("id").prefetch("shots", xrays.query, xrays.patient).run(db)
    assert [len(row.shots) for row in rows] == [2, 2, 2]


def test_circles_and_self_references_are_read(url: str) -> None:
    database = data.Database(url)
    teams = "id INTEGER PRIMARY KEY, above INTEGER REFERENCES teams (id)"
    people = "id INTEGER PRIMARY KEY, team_id INTEGER REFERENCES teams (id)"
    database.execute(f"CREATE TABLE teams ({teams})")
    database.execute(f"CREATE TABLE people ({people})")
    database.execute("ALTER TABLE teams ADD COLUMN lead_id INTEGER REFERENCES people (id)")
    database.execute("INSERT INTO teams (id) VALUES (1)")
    database.execute("INSERT INTO people VALUES (5, 1)")
    database.execute("UPDATE teams SET lead_id = 5, above = 1")
    schema = data.reflect(database)
    teams = schema["teams"]
    row = teams.query.include(teams.lead.team, teams.above_row).get(database)
    assert (row.lead.id, row.lead.team.id, row.above, row.above_row.id) == (5, 1, 1, 1)
    assert schema["people"] is type(row.lead)


def test_what_cannot_be_a_model_says_why(url: str) -> None:
    database = data.Database(url)
    database.execute("CREATE TABLE keyless (name TEXT)")
    database.execute("CREATE TABLE taken (id INTEGER PRIMARY KEY, query TEXT)")
    database.execute('CREATE TABLE odd (id INTEGER PRIMARY KEY, "Upper Case" TEXT)')
    schema = data.reflect(database)
    assert [(left.table, left.part) for left in schema.left_out] == [("odd", "Upper Case")]
    assert "lower-case" in schema.left_out[0].reason
    assert schema["odd"].query.count(database) == 0
    with pytest.raises(consilia.NotFound) as caught:
        _ = schema["nothing"]
    assert caught.value.code == "schema.unknown_table"
    with pytest.raises(consilia.InvalidArgument) as refused:
        _ = schema["keyless"]
    assert refused.value.code == "model.key"
    with pytest.raises(TypeError, match="cannot be named `query`"):
        _ = schema["taken"]
