"""Findings, changes and violations in Python, each confirmed by asking the policy; the command line."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import consilia
from command_line import Run
from consilia import access

CLINIC: dict[str, Any] = {
    "version": 1,
    "resources": {
        "record": {
            "actions": ["read", "write"],
            "fields": {"owner_id": "int64", "status": "text", "is_sealed": "bool"},
        }
    },
    "roles": [{"name": "patient"}, {"name": "doctor"}],
    "rules": [
        {
            "name": "own",
            "effect": "allow",
            "role": "patient",
            "permission": "record:read",
            "condition": "owner_id = :principal_id",
        },
        {
            "name": "treat",
            "effect": "allow",
            "role": "doctor",
            "permission": "record:*",
            "condition": "status <> 'closed'",
        },
    ],
    "never": [
        {
            "name": "closed stays closed",
            "role": "*",
            "permission": "record:write",
            "condition": "status = 'closed'",
        }
    ],
}


def changed(**condition_of: str) -> dict[str, Any]:
    document = copy.deepcopy(CLINIC)
    for rule in document["rules"]:
        if rule["name"] in condition_of:
            rule["condition"] = condition_of[rule["name"]]
    return document


def answer(document: dict[str, Any], example: access.AccessExample) -> bool:
    # What an example does not set is null.
    fields = dict.fromkeys(document["resources"]["record"]["fields"]) | example.object
    return bool(
        access.Policy(document).check(
            example.principal, example.action, example.resource, fields, example.context
        )
    )


def test_a_sound_policy_has_no_findings() -> None:
    assert access.lint(CLINIC) == []
    assert access.lint(json.dumps(CLINIC)) == []
    assert access.lint(access.Policy(CLINIC)) == []


def test_findings_name_rules_and_show_an_example() -> None:
    document = changed()
    document["rules"].append({"name": "no", "effect": "deny", "role": "patient", "permission": "record:read"})
    (finding,) = [each for each in access.lint(document) if each.code == "lint.overridden"] or [
        each for each in access.lint(document) if each.code == "lint.contradiction"
    ]
    assert finding.rules == ["own", "no"]
    assert finding.severity == "warning"
    assert finding.example is not None
    assert not answer(document, finding.example)
    assert "own" in repr(finding)


def test_fields_of_models_are_given_by_name_and_type() -> None:
    document = {
        "version": 1,
        "resources": {"note": ["read"]},
        "roles": [{"name": "user"}],
        "rules": [
            {
                "effect": "allow",
                "role": "user",
                "permission": "note:read",
                "condition": "holder = :principal_id",
            }
        ],
    }
    codes = [finding.code for finding in access.lint(document, fields={"note": {"owner": "int64"}})]
    assert codes == ["lint.unknown_field"]
    with pytest.raises(consilia.InvalidArgument, match="no type"):
        access.lint(document, fields={"note": {"owner": "number"}})


def test_changes_come_with_an_access_that_only_one_policy_allows() -> None:
    after = changed(treat="status in ('closed', 'open')")
    changes = access.diff(CLINIC, after)
    assert {(each.role, each.action, each.kind) for each in changes} == {
        ("doctor", action, kind) for action in ("read", "write") for kind in ("gains", "loses")
    }
    for change in changes:
        assert change.is_certain
        assert change.example is not None
        assert answer(after, change.example) == (change.kind == "gains")
        assert answer(CLINIC, change.example) == (change.kind == "loses")


def test_the_same_written_otherwise_is_no_change() -> None:
    assert access.diff(CLINIC, changed(treat="not (status = 'closed')")) == []


def test_never_rules_are_proved_or_refuted() -> None:
    (result,) = access.find_violations(CLINIC)
    assert result.verdict == "proved"
    assert result.counterexample is None
    broken = changed(treat="status <> 'draft'")
    (result,) = access.find_violations(broken)
    assert result.verdict == "violated"
    assert result.counterexample is not None
    assert result.counterexample.object["status"] == "closed"
    assert answer(broken, result.counterexample)


def test_a_document_that_is_none_is_refused() -> None:
    with pytest.raises(consilia.ValidationError):
        access.lint("[]")
    with pytest.raises(consilia.ValidationError):
        access.diff(CLINIC, changed(treat="status ="))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(CLINIC), encoding="utf-8")
    after.write_text(json.dumps(changed(treat="status <> 'draft'")), encoding="utf-8")
    return before, after


def test_the_command_line_lints(run: Run, files: tuple[Path, Path]) -> None:
    done = run("policy", "lint", str(files[0]))
    assert (done.status, done.out.strip()) == (0, "nothing to mend")
    done = run("policy", "lint", str(files[1]), "--json")
    assert done.status == 1
    assert [finding["code"] for finding in json.loads(done.out)] == ["lint.never"]


def test_the_command_line_compares(run: Run, files: tuple[Path, Path]) -> None:
    assert run("policy", "diff", str(files[0]), str(files[0])).status == 0
    done = run("policy", "diff", str(files[0]), str(files[1]))
    assert done.status == 1
    assert "doctor gains record:write" in done.out
    assert "status = 'closed'" in done.out
    done = run("policy", "diff", str(files[0]), str(files[1]), "--json")
    assert {change["kind"] for change in json.loads(done.out)} == {"gains", "loses"}


def test_the_command_line_checks_never_rules(run: Run, files: tuple[Path, Path]) -> None:
    assert run("policy", "check-never", str(files[0])).status == 0
    done = run("policy", "check-never", str(files[1]))
    assert done.status == 1
    assert "violated: closed stays closed" in done.out
    assert json.loads(run("policy", "check-never", str(files[1]), "--json").out)[0]["verdict"] == "violated"
