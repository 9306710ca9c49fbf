"""Migrations from Python: made from the models, applied, undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from clinic_models import ALL, User

import consilia
from consilia import data


def test_files_bring_a_database_to_the_models_and_back(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    database = data.Database(url)
    migrations = data.Migrations(database, ALL, folder)
    path = migrations.make("initial")
    assert path is not None
    assert path.name == "0001_initial.json"
    assert migrations.make("again") is None
    assert any("users" in text for step in migrations.plan() for text in step.sql)
    assert [status.applied_at for status in migrations.status()] == [None]
    assert migrations.migrate() == ["0001_initial"]
    assert migrations.migrate() == []
    assert database.insert(User(name="ada")).id == 1
    assert migrations.status()[0].applied_at is not None
    with pytest.raises(consilia.Conflict) as caught:
        migrations.rollback("")
    assert caught.value.code == "migration.data_loss"
    assert any(step.loses_data for step in migrations.plan_rollback(""))
    assert migrations.rollback("", allows_data_loss=True) == ["0001_initial"]
    with pytest.raises(consilia.Error):
        User.query().run(database)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(consilia.InvalidArgument):
        data.Migrations(data.Database("sqlite::memory:"), ALL, tmp_path / "nowhere")
