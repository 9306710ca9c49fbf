"""Writes or checks the type stubs of the extension: `python -m consilia._stubs [--check]`. For developers."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_HEADER = "# Made from the extension by `make stubs`; do not edit.\n"
# The error classes call themselves `consilia.<name>`, for tracebacks and pickles; the stubs must say where
# they are defined, or a type checker is sent in a circle. Classes made with CPython's own API tell types in
# their docstrings, where the generator does not look: `Name(argument: type, ...)` is the first line of a
# class, `type: what it is` that of an attribute.
_GENERATOR = r"""
import re, types
from consilia import _core
for made in vars(_core).values():
    if isinstance(made, type) and issubclass(made, _core.Error):
        made.__module__ = _core.__name__
for made in [*vars(_core.access).values(), *vars(_core.forms).values()]:
    if not isinstance(made, type):
        continue
    for name, member in list(vars(made).items()):
        typed = re.match(r"([^:]+): (.+)", member.__doc__ or "", re.S)
        if isinstance(member, types.GetSetDescriptorType) and typed:
            get = lambda self: None
            get.__annotations__ = {"return": typed[1]}
            setattr(made, name, property(get, doc=typed[2]))
    signature = re.match(made.__name__ + r"\((.+)\)\n\n(.+)", made.__doc__ or "", re.S)
    if signature:
        space = {}
        code = f"def __new__(cls, {signature[1]}) -> {made.__name__}: ..."
        exec("from __future__ import annotations\n" + code, space)
        made.__new__ = space["__new__"]
from pybind11_stubgen import main
main()
"""


def generate(folder: Path) -> Path:
    """Generates the stubs of `consilia._core` and gives the folder that holds them."""
    subprocess.run(
        [
            sys.executable,
            "-c",
            _GENERATOR,
            "consilia._core",
            "--output-dir",
            str(folder),
            "--numpy-array-use-type-var",
        ],
        check=True,
        capture_output=True,
    )
    made = folder / "consilia" / "_core"
    for stub in made.rglob("*.pyi"):
        lines = [line.rstrip() for line in stub.read_text(encoding="utf-8").splitlines()]
        stub.write_text(_HEADER + "\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return made


def differences(made: Path) -> list[str]:
    """Names of the stubs that are not as committed, missing or left over."""
    committed = PACKAGE / "_core"
    names = {path.relative_to(made) for path in made.rglob("*.pyi")}
    names |= {path.relative_to(committed) for path in committed.rglob("*.pyi")}
    return sorted(
        str(name)
        for name in names
        if not (committed / name).is_file()
        or not (made / name).is_file()
        or not filecmp.cmp(made / name, committed / name, shallow=False)
    )


def main() -> int:
    """Writes the stubs, or with `--check` tells which differ."""
    with tempfile.TemporaryDirectory() as scratch:
        made = generate(Path(scratch))
        different = differences(made)
        if "--check" in sys.argv:
            print("\n".join(different))
            return 1 if different else 0
        for name in different:
            target = PACKAGE / "_core" / name
            target.unlink(missing_ok=True)
            if (made / name).is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((made / name).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
