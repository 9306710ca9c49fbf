"""What importing costs and what it loads, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

MAPPED = "print([n for n in ('torch', 'opencv', 'sqlite', '_core') if n in open('/proc/self/maps').read()])"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_neither_extension_nor_torch_nor_opencv() -> None:
    assert run("import consilia\n" + MAPPED) == "[]"
    added = run("import sys; old = set(sys.modules); import consilia; print(sorted(set(sys.modules) - old))")
    assert added == "['__future__', 'consilia']"


def test_touching_the_service_loads_the_extension_but_not_torch() -> None:
    loaded = run("import consilia; consilia.screening.Service\n" + MAPPED)
    assert "'_core'" in loaded
    assert "torch" not in loaded


def test_every_public_name_is_there_and_others_are_not() -> None:
    code = """
import consilia
for name in consilia.__all__:
    getattr(consilia, name)
try:
    consilia.nothing
except AttributeError as error:
    print(error)
"""
    assert run(code) == "module 'consilia' has no attribute 'nothing'"
