"""The HTML report of a demo run: one file, nothing external."""

from __future__ import annotations

import base64
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilia.cli import format_size

if TYPE_CHECKING:
    from consilia.demo import Outcome

CASES_SHOWN = 24
"""Cases with pictures; the table holds all of them."""

# Okabe and Ito's palette, told apart in every form of colour blindness; the text at a bar says the same.
_COLOURS = ("#0072b2", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#d55e00")


def write_report(path: Path, outcome: Outcome) -> None:
    """Writes the report, whole or not at all.

    Args:
        path: The HTML file; its folder is made if missing, an older file is replaced.
        outcome: What `consilia.demo.run` gave.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("consilia"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["size"] = format_size
    page = environment.get_template("report.html.j2").render(_context(outcome))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _context(outcome: Outcome) -> dict[str, Any]:
    from consilia.demo import CAVEAT

    classes = sorted({name for case in outcome.cases for name in case.get("probabilities") or {}})
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(classes)}
    cases = [_case(case, classes) for case in outcome.cases]
    judged = [case for case in cases if case["status"] == "completed"]
    labelled = [case for case in judged if case["label"]]
    return {
        "caveat": CAVEAT,
        "outcome": outcome,
        "colours": colours,
        "cases": cases,
        "shown": _shown(cases),
        "judged": len(judged),
        "review": sum(1 for case in judged if case["needs_review"]),
        "labelled": len(labelled),
        "matching": sum(1 for case in labelled if case["label"] == case["diagnosis"]),
        "members": _members(outcome, judged),
        "memory": _memory(outcome.engine),
    }


def _case(case: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    shown = {key: case.get(key) for key in ("id", "name", "label", "status", "diagnosis", "confidence")}
    shown |= {key: case.get(key) for key in ("agreement", "needs_review", "failure_code", "failure_reason")}
    opinions = [_opinion(opinion, classes) for opinion in case.get("opinions") or []]
    shown["opinions"] = opinions
    shown["models_ms"] = sum((each["load_ms"] or 0.0) + (each["run_ms"] or 0.0) for each in opinions)
    shown["shares"] = _shares(case, classes)
    shown["image"] = _data_uri(case["image_png"])
    shown["clahe"] = _data_uri(case["clahe_png"])
    shown["heat"] = _data_uri(case["heat_png"]) if "heat_png" in case else None
    return shown


def _shares(judged: dict[str, Any], classes: list[str]) -> list[tuple[str, float]]:
    """The probability of each class, in the order of the bars."""
    probabilities = judged.get("probabilities") or {}
    return [(name, probabilities.get(name, 0.0)) for name in classes]


def _opinion(opinion: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    return {
        "member": opinion["member"],
        "diagnosis": opinion.get("diagnosis") or "",
        "confidence": opinion.get("confidence") or 0.0,
        "shares": _shares(opinion, classes),
        "error": opinion.get("error_code") or "",
        "run_ms": opinion.get("run_ms"),
        "load_ms": opinion.get("load_ms"),
    }


def _members(outcome: Outcome, judged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for member in outcome.engine["members"]:
        opinions = [o for case in judged for o in case["opinions"] if o["member"] == member["id"]]
        runs = [o["run_ms"] for o in opinions if o["run_ms"] is not None and not o["error"]]
        loads = [o["load_ms"] for o in opinions if o["load_ms"]]
        rows.append(
            member
            | {
                "run_ms": statistics.median(runs) if runs else None,
                "load_ms": statistics.median(loads) if loads else None,
                "loads": len(loads),
                "failed": sum(1 for o in opinions if o["error"]),
            }
        )
    return rows


def _memory(engine: dict[str, Any]) -> dict[str, Any]:
    """Peak and budget as bars on one scale; a budget far above the peak is cut, and the text says so."""
    peak, budget = engine["peak_bytes"], engine["budget_bytes"]
    scale = max(1, min(budget, 4 * peak))
    return {
        "peak": peak,
        "budget": budget,
        "peak_share": min(1.0, peak / scale),
        "is_cut": budget > scale,
        "used": peak / budget if budget else 0.0,
    }


def _shown(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cases that were explained, and others evenly spread, in their order."""
    explained = [case for case in cases if case["heat"]]
    others = [case for case in cases if not case["heat"]]
    shown = {case["id"] for case in explained + _spread(others, max(0, CASES_SHOWN - len(explained)))}
    return [case for case in cases if case["id"] in shown]


def _spread(cases: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    if len(cases) <= limit:
        return cases
    return [cases[index * len(cases) // limit] for index in range(limit)]


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
