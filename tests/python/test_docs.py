"""The pages hold together: links lead somewhere, and the examples in Python run as they stand.

The blocks of a page that are fenced as `python` run one after the other in one process, in an empty folder
that shows the repository's `examples` and `tests`. A fragment that is not meant to run is fenced as
`python fragment`. What is fenced as `c` is quoted from programs in C that are built and run as tests.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FENCED = re.compile(r"^(?P<fence>```+)[^\n]*\n.*?^(?P=fence)$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
C = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(page))
    }


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue  # Another site.
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_page_is_linked_from_the_readme_or_the_architecture() -> None:
    linked = set()
    for page in (REPOSITORY / "README.md", REPOSITORY / "docs" / "architecture.md"):
        linked |= {(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(page))}
    assert [page.name for page in PAGES if page.parent.name == "docs" and page not in linked] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`, three\n[a](page.md) [b](#one-two-three) [c](https://x.org)\n```\n[d](none)\n```\n"
    )
    assert broken_links(page) == []
    page.write_text("# One\n[a](none.md) [b](#two) [c](page.md#two)\n")
    assert broken_links(page) == ["none.md", "#two", "page.md#two"]


EXAMPLES = {page: PYTHON.findall(page.read_text(encoding="utf-8")) for page in PAGES}


@pytest.mark.parametrize("page", [page for page in PAGES if EXAMPLES[page]], ids=lambda page: page.name)
def test_the_examples_in_python_run(page: Path, tmp_path: Path) -> None:
    for shown in ("examples", "tests"):
        (tmp_path / shown).symlink_to(REPOSITORY / shown)
    program = tmp_path / "page.py"
    program.write_text("\n".join(EXAMPLES[page]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def statements(text: str) -> list[str]:
    """What stands between semicolons, without comments and spaces."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return ["".join(statement.split()) for statement in code.split(";") if statement.strip()]


C_PROGRAMS = "".join(
    "".join(statements(program.read_text(encoding="utf-8")))
    for folder in ("examples/c", "tests/capi")
    for program in sorted((REPOSITORY / folder).glob("*.c"))
)
QUOTING = [page for page in PAGES if C.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.name)
def test_the_examples_in_c_are_those_of_programs(page: Path) -> None:
    blocks = C.findall(page.read_text(encoding="utf-8"))
    quoted = [statement for block in blocks for statement in statements(block)]
    assert [statement for statement in quoted if statement not in C_PROGRAMS] == []


def test_pages_quote_programs_in_c() -> None:
    assert {"c-api.md", "opinions.md", "requests.md"} <= {page.name for page in QUOTING}


def test_the_main_pages_have_examples() -> None:
    having = {page.name for page, examples in EXAMPLES.items() if examples}
    assert {"README.md", "python.md", "inference.md", "configuration.md", "expressions.md"} <= having
