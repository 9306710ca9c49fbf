"""The report of a demo run: complete, self-contained, and safe whatever a file is called."""

from __future__ import annotations

import copy
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest

from consilia import demo
from consilia.report import CASES_SHOWN, write_report

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, cells of tables, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._table = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        named = dict(attrs).get("aria-label")
        if tag in {"div", "table"} and named and dict(attrs).get("role") != "img":
            self._table = named
            self.tables[named] = []
        if tag == "tr":
            self.tables[self._table].append([])
        if tag in {"td", "th"}:
            self.tables[self._table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))  # Of the drawing: `<rect/>`.

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.tables[self._table][-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def judged(images: list[Path]) -> demo.Outcome:
    return demo.run(demo.Options(images=images[0].parent, limit=2))


def test_cases_that_were_explained_are_shown_with_their_heat_map(images: list[Path], tmp_path: Path) -> None:
    explained = demo.run(demo.Options(images=images[0].parent, heat_maps=1))
    assert ["heat_png" in case for case in explained.cases] == [True, False, False, False]
    _, page = written(explained, tmp_path)
    pictures = [image["alt"] or "" for image in page.all("img")]
    assert [alt for alt in pictures if alt.startswith("Heat map of the panel over ")] == [
        f"Heat map of the panel over {explained.cases[0]['name']}"
    ]
    many = [dict(explained.cases[number > 40], id=number) for number in range(60)]
    for case in many[:-1]:
        case.pop("heat_png", None)
    many[-1]["heat_png"] = explained.cases[0]["heat_png"]
    explained.cases = many
    _, page = written(explained, tmp_path)
    assert len([image for image in page.all("img") if (image["alt"] or "").startswith("Submitted")]) == 24
    assert any((image["alt"] or "").startswith("Heat map") for image in page.all("img"))


@pytest.fixture
def outcome(judged: demo.Outcome) -> demo.Outcome:
    return copy.deepcopy(judged)


def written(outcome: demo.Outcome, folder: Path) -> tuple[str, Page]:
    path = folder / "deep" / "report.html"
    write_report(path, outcome)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == [], "every element is closed"
    return text, page


def test_a_case_shows_six_opinions_as_bars_and_the_consensus(outcome: demo.Outcome, tmp_path: Path) -> None:
    _, page = written(outcome, tmp_path)
    for case in outcome.cases:
        heading, *rows = page.tables[f"Opinions on {case['name']}"]
        assert heading == ["member", "probabilities", "diagnosis", "confidence"]
        assert rows == [
            [opinion["member"], "", opinion["diagnosis"], f"{opinion['confidence']:.2f}"]
            for opinion in case["opinions"]
        ] + [["consensus", "", case["diagnosis"], f"{case['confidence']:.2f}"]]
    bars = [
        element["aria-label"] or "" for element in page.all("div") if "bar" in (element.get("class") or "")
    ]
    assert len(bars) == 7 * len(outcome.cases)
    for bar in bars:
        assert 98 <= sum(map(int, re.findall(r" (\d+) %", bar))) <= 102, "rounded shares of one"


def test_members_memory_and_people_are_in_it(outcome: demo.Outcome, tmp_path: Path) -> None:
    text, page = written(outcome, tmp_path)
    assert [row[0] for row in page.tables["Members"][1:]] == [m["id"] for m in outcome.engine["members"]]
    assert all(row[2].endswith(" ms") for row in page.tables["Members"][1:])
    assert [row[0] for row in page.tables["Who sees what"][1:]] == list(outcome.views)
    assert len(page.tables["All cases"]) == 1 + len(outcome.cases)
    assert "means nothing about a patient" in text
    assert "Peak " in text


def test_the_file_needs_nothing_else_and_everybody_may_read_it(outcome: demo.Outcome, tmp_path: Path) -> None:
    text, page = written(outcome, tmp_path)
    images = page.all("img")
    assert len(images) == 2 * len(outcome.cases)
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert all(image["alt"] for image in images)
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert page.all("link") == []
    assert all("src" not in script for script in page.all("script"))
    assert "url(" not in text
    file = tmp_path / "deep" / "report.html"
    other = tmp_path / "other"
    other.touch()
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
    assert list(file.parent.iterdir()) == [file], "nothing is left of the writing"


def test_names_are_text_and_never_markup(outcome: demo.Outcome, tmp_path: Path) -> None:
    hostile = '"><script>alert(1)</script>.png'
    outcome.cases[0]["name"] = hostile
    outcome.cases[0]["label"] = hostile
    outcome.refused.append({"name": hostile, "code": "upload.empty", "reason": hostile})
    text, page = written(outcome, tmp_path)
    assert len(page.all("script")) == 1
    assert "<script>alert" not in text
    assert page.tables["Refused uploads"][1] == [hostile, hostile, "upload.empty"]


def test_what_failed_is_said(outcome: demo.Outcome, tmp_path: Path) -> None:
    broken = {"member": "crossvit", "error_code": "member.damaged", "error_message": "damaged"}
    outcome.cases[0]["opinions"][0] = broken
    failed = {
        "diagnosis": None,
        "confidence": None,
        "agreement": None,
        "probabilities": None,
        "opinions": None,
    }
    outcome.cases[1] |= failed
    outcome.cases[1] |= {"status": "failed", "failure_code": "ensemble.no_opinion", "failure_reason": "none"}
    text, page = written(outcome, tmp_path)
    assert page.tables[f"Opinions on {outcome.cases[0]['name']}"][1] == [
        "crossvit",
        "no opinion:member.damaged",
    ]
    assert f"Opinions on {outcome.cases[1]['name']}" not in page.tables
    assert page.tables["All cases"][2][2:4] == ["failed", "ensemble.no_opinion"]
    assert "<dt>judged</dt><dd>1</dd>" in text


def test_many_cases_are_all_in_the_table_and_some_have_pictures(
    outcome: demo.Outcome, tmp_path: Path
) -> None:
    outcome.cases = [outcome.cases[0] | {"id": n} for n in range(3 * CASES_SHOWN)]
    _, page = written(outcome, tmp_path)
    assert len(page.all("article")) == CASES_SHOWN
    assert len(page.tables["All cases"]) == 1 + 3 * CASES_SHOWN


def test_a_run_without_images_has_a_report_too(outcome: demo.Outcome, tmp_path: Path) -> None:
    outcome.cases = []
    _, page = written(outcome, tmp_path)
    assert len(page.tables["All cases"]) == 1
