"""Full-text search: every word of a text, whatever else it holds."""

from __future__ import annotations

import pytest
from clinic_models import Patient

import consilia
from consilia import data
from consilia.data import Column, Key


class Finding(data.Model, table="findings", soft_delete=True):
    id: Key
    title: Column[str]
    body: Column[str | None]
    full_text = ("title", "body")


@pytest.fixture
def findings(url: str) -> data.Database:
    database = data.Database(url)
    database.create_tables(Finding)
    database.insert(Finding(title="Lung opacity", body="left lower lobe"))
    database.create_full_text(Finding)  # What is there already is found too.
    database.insert(Finding(title="Normal", body="no opacity in either lung"))
    database.insert(Finding(title="Érosion", body=None))
    return database


def found(database: data.Database, text: str) -> list[int]:
    return Finding.query.search(text).order_by("id").run(database).values("id")


def test_rows_with_every_word_are_found(findings: data.Database) -> None:
    assert found(findings, "OPACITY lung") == [1, 2]
    assert found(findings, "lobe opacity") == [1]
    assert found(findings, "érosion") == [3]
    assert found(findings, "pneumonia") == []
    Finding.query.where(Finding.id == 1).update(findings, body="clear")
    assert found(findings, "lobe") == []
    findings.soft_delete(findings.get(Finding, 2))
    assert found(findings, "opacity") == [1]


def test_the_best_comes_first_by_its_rank(findings: data.Database) -> None:
    findings.insert(Finding(title="lung lung lung", body="lung"))
    ranked = Finding.query.search("lung", rank_as="rank").order_by("-rank").run(findings)
    assert ranked[0].title == "lung lung lung"
    assert ranked[0].rank > ranked[-1].rank


def test_operators_and_quotes_mean_nothing(findings: data.Database) -> None:
    for text in ['lung" OR "normal', "lung OR normal", "lung' --", "lung AND (normal", "lung*", "title:lung"]:
        assert set(found(findings, text)) <= {1, 2}
    for text in ["", "  ", '"*()']:
        with pytest.raises(consilia.InvalidArgument) as caught:
            found(findings, text)
        assert caught.value.code == "query.search"


def test_a_model_without_an_index_is_not_searched(findings: data.Database) -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        Patient.query.search("ann").run(findings)
    assert caught.value.code == "query.search"
    with pytest.raises(consilia.InvalidArgument) as caught:
        findings.create_full_text(Patient)
    assert caught.value.code == "model.full_text"
