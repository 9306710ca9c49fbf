"""The versions of rows, as triggers keep them: which there were, all rows as of a time, and the way back."""

from __future__ import annotations

import asyncio
import datetime
import enum

import pytest
from clinic_models import Patient

import consilia
from consilia import data
from consilia.data import Column, History, Json, Key, Reference


class Stage(enum.StrEnum):
    DRAFT = "draft"
    FINAL = "final"


class Author(data.Model, table="history_authors"):
    id: Key
    name: Column[str]


class Report(data.Model, table="history_reports", timestamps=True, soft_delete=True, history=True):
    id: Key
    title: Column[str]
    stage: Column[Stage] = Stage.DRAFT
    tags: Column[Json | None]
    author: Reference[Author]


@pytest.fixture
def reports(url: str) -> data.Database:
    database = data.Database(url)
    database.create_tables(Author, Report)
    author = database.insert(Author(name="ada"))
    with database.begin() as tx:
        tx.act_as(7)
        report = tx.insert(Report(title="first", tags=[1], author=author))
    report.title = "second"
    report.stage = Stage.FINAL
    database.update(report)
    return database


def test_each_version_says_what_the_row_was_and_who_made_it(reports: data.Database) -> None:
    first, second = History(Report).versions(1).run(reports)
    assert (first.history_action, first.history_by, first.title) == ("insert", 7, "first")
    assert (second.history_action, second.history_by, second.title) == ("update", None, "second")
    assert (first.stage, second.stage) == (Stage.DRAFT, Stage.FINAL)
    assert first.stage is Stage.DRAFT
    assert (first.tags, first.author_id, first.id) == ([1], 1, 1)
    assert first.history_at <= second.history_at
    assert History(Report).versions(2).count(reports) == 0


def test_the_versions_are_a_query(reports: data.Database) -> None:
    history = History(Report)
    query = history.versions(1).where("history_action = 'update'").select("title", "history_by")
    assert [row.title for row in query.run(reports)] == ["second"]
    assert asyncio.run(reports.aio.count(query)) == 1


def test_all_rows_are_read_as_of_a_time(reports: data.Database) -> None:
    history = History(Report)
    first, second = history.versions(1).run(reports)
    assert [row.title for row in history.as_of(reports, second.history_at)] == ["second"]
    before = history.as_of(reports, first.history_at - datetime.timedelta(seconds=1))
    assert len(before) == 0
    row = history.as_of(reports, second.history_at)[0]
    assert isinstance(row, Report)
    assert row.stage is Stage.FINAL
    with pytest.raises(TypeError, match="time zone"):
        history.as_of(reports, datetime.date(2026, 1, 1))
    with pytest.raises(consilia.InvalidArgument):
        history.as_of(reports, datetime.datetime(2026, 1, 1))


def test_a_version_is_restored_even_of_a_deleted_row(reports: data.Database) -> None:
    history = History(Report)
    first = history.versions(1).first(reports)
    history.restore(reports, first.history_id)
    restored = reports.get(Report, 1)
    assert (restored.title, restored.stage) == ("first", Stage.DRAFT)
    reports.delete(restored)
    assert reports.get_or_none(Report, 1) is None

    async def bring_back() -> None:
        await reports.aio.restore(history, first.history_id)
        rows = await reports.aio.as_of(history, datetime.datetime.now(datetime.UTC))
        assert [row.title for row in rows] == ["first"]

    asyncio.run(bring_back())
    actions = history.versions(1).run(reports).values("history_action")
    assert actions == ["insert", "update", "update", "delete", "insert"]


def test_a_restore_that_fails_in_a_transaction_changes_nothing(reports: data.Database) -> None:
    history = History(Report)
    with pytest.raises(consilia.NotFound) as caught:
        history.restore(reports, 99)
    assert caught.value.code == "record.no_version"
    first = history.versions(1).first(reports)
    with pytest.raises(ZeroDivisionError), reports.begin() as tx:
        history.restore(tx, first.history_id)
        assert tx.get(Report, 1).title == "first"
        _ = 1 / 0
    assert reports.get(Report, 1).title == "second"


def test_a_model_without_history_has_none() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        History(Patient)
    assert caught.value.code == "record.no_history"
    with pytest.raises(TypeError):
        History(int)
