"""Do the peers let the database do the same? Otherwise the ratio would compare plans, not libraries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .clinic import connect

ACCESS = re.compile(r"(SEARCH|SCAN) (\S+)(.*)")


def steps(statements: Iterable[tuple[str, Any]]) -> list[list[str]]:
    """How SQLite runs each SELECT: the accesses to tables in their order, and sorts; no aliases.

    The values of a list (`IN`, `json_each`) and how they are held are no access to a table.
    """
    connection = connect()
    plans = []
    for sql, values in statements:
        if not sql.lstrip().upper().startswith("SELECT"):
            continue
        plan = []
        for *_, detail in connection.execute("EXPLAIN QUERY PLAN " + sql, values):
            access = ACCESS.match(detail)
            if access is None:
                if "TEMP B-TREE" in detail:
                    plan.append(detail)
            elif "VIRTUAL TABLE" not in detail:
                plan.append(access[1] + access[3])
        plans.append(plan)
    connection.close()
    return plans


def require_same(case: str, plans: dict[str, list[list[str]]]) -> None:
    """Refuses a case that the peers let the database run differently.

    Raises:
        RuntimeError: Names the case and all plans.
    """
    (first, wanted), *others = plans.items()
    for name, found in others:
        if found != wanted:
            raise RuntimeError(f"{case}: plans differ\n{first}: {wanted}\n{name}: {found}")
