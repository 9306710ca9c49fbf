"""The page lists every code that a form can give, and every kind."""

from __future__ import annotations

import re
from pathlib import Path

from consilia import forms

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "forms.md").read_text(encoding="utf-8")


def test_the_page_has_every_code_of_the_catalog_with_its_parameters() -> None:
    table = PAGE.partition("## Codes")[2].partition("\n## ")[0]
    documented: dict[str, set[str]] = {}
    for row in re.findall(r"^\| (`.*?`) \|(.*?)\|", table, re.MULTILINE):
        for code in re.findall(r"`(\w+)`", row[0]):
            documented[code] = set(re.findall(r"`(\w+)`", row[1]))
    texts = forms.Messages.english().texts
    assert set(documented) == {code for code in texts if "." not in code}
    for code, text in texts.items():
        assert set(re.findall(r"\{(\w+)\}", text)) <= documented[code.partition(".")[0]]
