"""What does a decision cost, in C++ and in Python, and does it stay the same with 1,000 times the rules?

The policies of all are the same: `rules` rules of one role for as many permissions, one role above it and one
above that, and a principal with the highest. Everyone must give the same answers before anything is measured.
"""

from __future__ import annotations

from importlib.metadata import version

from rows import on_one_processor, write

from . import native, python


def main() -> None:
    on_one_processor()
    rows = native.rows() + python.rows()
    write("access", rows, {name: version(name) for name in ("pycasbin", "cedarpy", "django")})


if __name__ == "__main__":
    main()
