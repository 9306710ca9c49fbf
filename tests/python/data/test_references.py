"""References that lead in circles, to what comes later, and to one of several classes with one name."""

from __future__ import annotations

import types

import pytest

import consilia
from consilia import data
from consilia.data import Column, Key, Reference, reference


class Team(data.Model, table="teams"):
    id: Key
    name: Column[str]
    lead: Reference[Member | None] = reference(on_delete="set null")


class Member(data.Model, table="members"):
    id: Key
    name: Column[str]
    team: Reference[Team]
    mentor: Reference[Member | None]


def test_models_may_refer_to_each_other(url: str) -> None:
    database = data.Database(url)
    for _ in range(2):  # What is there stays as it is.
        database.create_tables(Team, Member)
    red = database.insert(Team(name="red"))
    ada = database.insert(Member(name="ada", team=red))
    database.insert(Member(name="bob", team=red, mentor=ada))
    red.lead = ada
    database.update(red)
    query = Member.query().include(Member.team.lead.team).order_by(Member.id)
    bob = query.where(Member.mentor.name == "ada").get(database)
    assert bob.team.lead == ada
    assert bob.team.lead.team == red
    assert Team.query().where(Team.lead.mentor.name.is_null()).count(database) == 1
    with pytest.raises(consilia.Conflict):
        database.insert(Member(name="eve", team_id=99))
    database.execute("DELETE FROM members WHERE name = 'bob'")
    database.delete(ada)
    assert database.get(Team, red.id).lead_id is None


def test_the_last_of_a_circle_declares_all_of_it(url: str) -> None:
    class Left(data.Model, table="lefts"):
        id: Key
        right: Reference[Right | None]

    class Right(data.Model, table="rights"):
        id: Key
        left: Reference[Left]

    database = data.Database(url)
    assert Right.query().sql()  # Neither has been needed before.
    database.create_tables(Right, Left)
    left = database.insert(Left())
    right = database.insert(Right(left=left))
    assert Right.query().include(Right.left.right).get(database).left == left
    assert right.id == 1


def test_a_circle_that_cannot_be_declared_is_not_declared_by_half() -> None:
    class Good(data.Model, table="goods"):
        id: Key
        bad: Reference[Bad | None]

    class Bad(data.Model, table="bads"):
        id: Key
        good: Reference[Good]
        checks = ("nothing > 1",)

    for _ in range(2):
        with pytest.raises(consilia.InvalidArgument, match="check"):
            Good.query()
        with pytest.raises(consilia.InvalidArgument, match="check"):
            Bad.query()


def test_of_two_classes_with_one_name_that_of_the_own_module_is_meant() -> None:
    def declare(module: str, table: str) -> types.SimpleNamespace:
        scope: dict[str, object] = {"__name__": module}
        program = (
            "from consilia import data\n"
            "from consilia.data import Key, Reference\n"
            f"class Child(data.Model, table='{table}_children'):\n"
            "    id: Key\n"
            "    parent: Reference['Parent']\n"
            f"class Parent(data.Model, table='{table}_parents'):\n"
            "    id: Key\n"
        )
        exec(program, scope)
        return types.SimpleNamespace(**scope)

    first, second = declare("one", "one"), declare("two", "two")
    assert "one_parents" in first.Child.query().include("parent").sql()
    assert "two_parents" in second.Child.query().include("parent").sql()
