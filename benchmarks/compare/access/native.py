"""C++: the cases of `access_bench` against what was promised, and against themselves with fewer rules."""

from __future__ import annotations

import program
from rows import Row, Sample

SIZES = (10, 1_000, 10_000)
# Case, the name in the program, the most nanoseconds.
LIMITS = [
    ("a decision by numbers", "CheckByNumbers", 5),
    ("a decision by names", "CheckByNames", 100),
    ("with ownership, by numbers", "CheckOwnedByNumbers", 250),
    ("with ownership, by names", "CheckOwnedByNames", 250),
]
FLOORS = [("a decision by numbers", "CheckByNumbers"), ("a decision by names", "CheckByNames")]
SAME_AT_MOST = 1.1
"""How much a decision may cost with 10,000 rules, of what it costs with 10."""


def rows() -> list[Row]:
    """The rows of decisions and of scoped pages."""
    samples = program.measure("access_bench", "^Access/(Check|Floor|PageOf25/)")
    made = []
    for case, name, nanoseconds in LIMITS:
        limit = Sample(nanoseconds / 1e9)
        for size in SIZES:
            taken = samples[f"Access/{name}/rules:{size}"]
            against = f"{nanoseconds} ns"
            made.append(Row.of(f"C++: {case}, {size:,} rules", taken, limit, 1.0, against=against, unit="ns"))
        few, many = (samples[f"Access/{name}/rules:{size}"] for size in (SIZES[0], SIZES[-1]))
        made.append(Row.of(f"C++: {case}, 10,000", many, few, SAME_AT_MOST, against="10 rules", unit="ns"))
    for case, name in FLOORS:
        few, floor = samples[f"Access/{name}/rules:10000"], samples[f"Access/Floor/{name}/rules:10000"]
        made.append(Row.of(f"C++: {case}", few, floor, None, against="a bare table", unit="ns"))
    hand = samples["Access/PageOf25/by_hand"]
    for case, name, goal in (("by its scope", "by_scope", 1.1), ("through a guard", "by_guard", None)):
        taken = samples[f"Access/PageOf25/{name}"]
        made.append(Row.of(f"C++: a page of 25 {case}", taken, hand, goal, against="condition by hand"))
    return made
