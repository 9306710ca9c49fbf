"""Steps of a query that an application names: they chain with each other and with those of the library."""

from __future__ import annotations

import datetime
from typing import Self, TypeVar

import pytest
from clinic_models import Prediction as Stored
from clinic_models import Xray

import consilia
from consilia import data, functions
from consilia.data import Column, Key, Query, Reference

M = TypeVar("M", bound=data.Model)


class DatedQuery(Query[M]):
    def created_within(self, days: int) -> Self:
        earliest = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        return self.where(Dated.taken_at >= earliest)


class Dated(data.Model):
    taken_at: Column[datetime.datetime]
    query = data.scopes(DatedQuery)


class ScanQuery(DatedQuery["Scan"]):
    def completed(self) -> Self:
        return self.where(Scan.status == "done")

    def of_room(self, name: str) -> Self:
        return self.where(Scan.room.name == name)

    def with_room(self) -> Self:
        return self.include(Scan.room)


class Room(Dated, table="scope_rooms"):
    id: Key
    name: Column[str]
    query = data.scopes(DatedQuery["Room"])


class Ward(Dated, table="scope_wards"):
    id: Key


class Scan(Dated, table="scope_scans", soft_delete=True):
    id: Key
    status: Column[str]
    room: Reference[Room]
    query = data.scopes(ScanQuery)


@pytest.fixture
def scans(url: str) -> data.Database:
    database = data.Database(url)
    database.create_tables(Room, Scan)
    now = datetime.datetime.now(datetime.UTC)
    long_ago = now - datetime.timedelta(days=30)
    red = database.insert(Room(name="red", taken_at=now))
    blue = database.insert(Room(name="blue", taken_at=long_ago))
    for room, status, taken_at in [(red, "done", now), (red, "open", now), (blue, "done", long_ago)]:
        database.insert(Scan(room=room, status=status, taken_at=taken_at))
    return database


def test_named_scopes_chain_in_any_order(scans: data.Database) -> None:
    query = Scan.query.completed().created_within(7).with_room()
    assert [(scan.id, scan.room.name) for scan in query.run(scans)] == [(1, "red")]
    assert Scan.query.limit(5).where(Scan.id > 1).completed().count(scans) == 1
    assert Scan.query.with_room().of_room("blue").only_deleted().completed().count(scans) == 0
    rooms = Room.query.created_within(7).prefetch("scans", Scan.query.completed(), Scan.room)
    assert [scan.id for scan in rooms.run(scans)[0].scans] == [1]


def test_every_step_keeps_the_class_of_the_query(scans: data.Database) -> None:
    steps = [
        Scan.query,
        Scan.query(),
        Scan.query.order_by("id"),
        Scan.query.include("room"),
        Scan.query.page(1, 5),
        Scan.query.rows(),
        Scan.query.union_all(Scan.query),
        data.related(Scan.query, "room"),
    ]
    assert {type(query) for query in steps} == {ScanQuery}
    assert type(Room.query) is type(Ward.query) is DatedQuery
    assert type(Stored.query) is Query
    assert Scan.query is Scan.query
    with pytest.raises(TypeError, match="name a step"):
        Scan.query(Scan.id)


def test_what_has_no_query_says_so() -> None:
    with pytest.raises(TypeError, match="mixin"):
        Dated.query()
    with pytest.raises(AttributeError, match="its class"):
        _ = Room(name="red").query
    with pytest.raises(TypeError, match="derived from Query"):
        data.scopes(Scan)


def test_a_function_is_a_step_too(db: data.Database) -> None:
    def tried(query: Query[Stored], at_least: int, status: str = "done") -> Query[Stored]:
        return query.where(Stored.attempt >= at_least, Stored.status == status)

    assert Stored.query.apply(tried, 1).count(db) == 6
    assert Stored.query.apply(tried, 0, status="pending").apply(Query.count, db) == 6
    with pytest.raises(TypeError):
        Stored.query.apply()


def test_changed_rows_come_back(db: data.Database) -> None:
    query = Stored.query.where(Stored.xray.patient.full_name == "Ben")
    changed = query.update_returning(db, Stored.id, "attempt", attempt=Stored.attempt + 10)
    assert sorted(changed.tuples()) == [(5, 10), (6, 11), (7, 10), (8, 11)]
    whole = query.where(Stored.id == 5).update_returning(db, status="done", xray=db.get(Xray, 1))
    assert whole[0].to_dict() == db.get(Stored, 5).to_dict()
    assert whole[0].xray_id == 1
    assert len(query.where("id < 0").update_returning(db, attempt=1)) == 0
    with pytest.raises(consilia.InvalidArgument):
        query.update_returning(db, Stored.xray.patient.full_name, attempt=1)
    with pytest.raises(consilia.InvalidArgument):
        query.update_returning(db, "id")
    with pytest.raises(TypeError):
        query.update_returning()


def test_rows_are_counted_by_a_value(db: data.Database) -> None:
    Stored.query.where(Stored.id <= 2).update(db, status="done")
    counted = Stored.query.count_by(db, Stored.status)
    assert [(row.status, row.count) for row in counted] == [("done", 7), ("pending", 5)]
    by_name = Stored.query.where(Stored.id < 7).count_by(db, Stored.xray.patient.full_name)
    assert [(row.xray.patient.full_name, row.count) for row in by_name] == [("Ann", 4), ("Ben", 2)]
    with pytest.raises(consilia.InvalidArgument):
        Stored.query.count_by(db, "nothing")


def test_rows_are_locked_and_others_skip_them(db: data.Database) -> None:
    query = Stored.query.order_by("id").limit(1)
    with db.begin() as tx:
        assert query.for_update().get(tx).id == 1
        if db.dialect == "postgresql":
            with db.begin() as other:
                assert query.for_update(skip_locked=True).get(other).id == 2
        else:
            assert query.for_update(skip_locked=True).get(tx).id == 1


def test_a_tree_is_followed_up_and_down(url: str) -> None:
    class Folder(data.Model, table="folders"):
        id: Key
        name: Column[str]
        parent: Reference[Folder | None]

    database = data.Database(url)
    database.create_tables(Folder)
    top = database.insert(Folder(name="top"))
    middle = database.insert(Folder(name="middle", parent=top))
    database.insert(Folder(name="leaf", parent=middle))
    database.insert(Folder(name="other"))
    below = Folder.query.where(Folder.name == "middle").with_descendants(Folder.parent)
    assert [row.name for row in below.order_by("id").run(database)] == ["middle", "leaf"]
    above = Folder.query.where(Folder.name == "leaf").with_ancestors("parent").order_by("id")
    assert [row.name for row in above.run(database)] == ["top", "middle", "leaf"]


def test_a_query_over_rows_and_a_union_of_different_rows(db: data.Database) -> None:
    ranked = Stored.query.annotate(
        place=functions.over(
            functions.row_number(), partition_by=[Stored.xray_id], order_by=[Stored.id.desc()]
        )
    )
    newest = ranked.rows().where("place = 1").order_by("id")
    assert [row.id for row in newest.run(db)] == [2, 4, 6, 8, 10, 12]
    both = Stored.query.where("id <= 2").select("status").union_distinct(Stored.query.select("status"))
    assert sorted(row.status for row in both.run(db)) == ["done", "pending"]


def test_several_reads_go_together(db: data.Database) -> None:
    place = "?" if db.dialect == "sqlite" else "$1"
    users, patients = db.query_all(
        ["SELECT name FROM users", (f"SELECT id FROM patients WHERE id > {place} ORDER BY id", [1])]
    )
    assert [row.name for row in users] == ["ada"]
    assert patients.tuples() == [(2,), (3,)]
    assert db.query_all([]) == []
    with pytest.raises(TypeError):
        db.query_all([7])
    with pytest.raises(consilia.Error):
        db.query_all(["SELECT 1", "SELECT nothing FROM nowhere"])
