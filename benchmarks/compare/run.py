"""Runs the comparisons of one area, or of all: `make compare AREA=startup`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_AREAS = {"program", "rows", "run"}


def main() -> int:
    modules = [*HERE.glob("*.py"), *(path.parent for path in HERE.glob("*/__main__.py"))]
    areas = sorted(path.stem for path in modules if path.stem not in NOT_AREAS)
    wanted = sys.argv[1:] or areas
    unknown = [area for area in wanted if area not in areas]
    if unknown:
        print(f"compare: no area `{unknown[0]}`; there are: {', '.join(areas)}", file=sys.stderr)
        return 2
    # A process each: what one area imports does not weigh on the next.
    return max(
        subprocess.run([sys.executable, "-m", area], cwd=HERE, check=False).returncode for area in wanted
    )


if __name__ == "__main__":
    sys.exit(main())
