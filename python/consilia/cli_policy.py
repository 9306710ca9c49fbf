"""`consilia policy`: the mistakes of a policy, what a change changes, and what it can never allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consilia import access

app = typer.Typer(
    help="Look into policies: their mistakes, their changes, what they never allow.", no_args_is_help=True
)

FOUND = 1  # The exit status where there is something to look at, as that of diff(1).

_STYLES = {"error": "red", "warning": "yellow", "info": "", "violated": "red", "unknown": "yellow"}

PolicyFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy as JSON.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _print(text: str, style: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True, highlight=False).print(Text(text, style))


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in values.items())


def _example(example: access.AccessExample | None) -> dict[str, Any] | None:
    if example is None:
        return None
    return {
        "user_id": example.principal.user_id,
        "roles": list(example.principal.roles),
        "attributes": dict(example.principal.attributes),
        "action": example.action,
        "resource": example.resource,
        "object": dict(example.object),
        "now": example.context.now,
        "address": example.context.address,
        "context": dict(example.context.attributes),
    }


def _print_example(example: access.AccessExample | None) -> None:
    shown = _example(example)
    if shown is None:
        return
    who = ", ".join(shown["roles"])
    _print(f"    for example {who} (user id {shown['user_id']!r}{_after(shown['attributes'])})")
    _print(f"    {shown['resource']}:{shown['action']} of {_values(shown['object']) or 'an empty object'}")
    _print(f"    at {shown['now']:%Y-%m-%d %H:%M} UTC{_after(shown['context'])}")


def _after(values: dict[str, Any]) -> str:
    return f", {_values(values)}" if values else ""


def _print_json(items: Iterable[dict[str, Any]]) -> None:
    typer.echo(json.dumps(list(items), indent=2, default=str))


@app.command()
def lint(file: PolicyFile, as_json: AsJson = False) -> None:
    """List the mistakes of a policy: status 1 if there are any that are more than remarks."""
    from consilia import access

    findings = access.lint(file.read_text(encoding="utf-8"))
    if as_json:
        _print_json(
            {
                "severity": finding.severity,
                "code": finding.code,
                "message": finding.message,
                "rules": finding.rules,
                "example": _example(finding.example),
            }
            for finding in findings
        )
    else:
        for finding in findings:
            _print(f"{finding.severity}: {finding.message} [{finding.code}]", _STYLES[finding.severity])
            _print_example(finding.example)
        if not findings:
            _print("nothing to mend")
    if any(finding.severity != "info" for finding in findings):
        raise typer.Exit(FOUND)


@app.command()
def diff(
    before: PolicyFile,
    after: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The policy as it shall be.")],
    as_json: AsJson = False,
) -> None:
    """List who may do more and who less after a change, with examples: status 1 if anybody."""
    from consilia import access

    changes = access.diff(before.read_text(encoding="utf-8"), after.read_text(encoding="utf-8"))
    if as_json:
        _print_json(
            {
                "role": change.role,
                "resource": change.resource,
                "action": change.action,
                "field": change.field,
                "kind": change.kind,
                "is_certain": change.is_certain,
                "example": _example(change.example),
            }
            for change in changes
        )
    else:
        for change in changes:
            what = f"{change.resource}:{change.action}" + (f" field {change.field}" if change.field else "")
            perhaps = "" if change.is_certain else " perhaps"
            style = "yellow" if change.kind == "gains" else "cyan"
            _print(f"{change.role}{perhaps} {change.kind} {what}", style)
            _print_example(change.example)
        if not changes:
            _print("both answer alike")
    if changes:
        raise typer.Exit(FOUND)


@app.command(name="check-never")
def check_never(file: PolicyFile, as_json: AsJson = False) -> None:
    """Prove or refute the `never` rules of a policy: status 1 unless all are proved."""
    from consilia import access

    results = access.find_violations(file.read_text(encoding="utf-8"))
    if as_json:
        _print_json(
            {
                "rule": result.rule,
                "verdict": result.verdict,
                "reason": result.reason,
                "counterexample": _example(result.counterexample),
            }
            for result in results
        )
    else:
        for result in results:
            why = f": {result.reason}" if result.reason else ""
            _print(f"{result.verdict}: {result.rule}{why}", _STYLES.get(result.verdict, "green"))
            _print_example(result.counterexample)
        if not results:
            _print("the policy has no `never` rules")
    if any(result.verdict != "proved" for result in results):
        raise typer.Exit(FOUND)
