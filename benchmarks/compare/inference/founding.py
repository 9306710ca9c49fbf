"""The founding pattern: a service that loads each model from disk, runs it and lets it go, for every image.

As such services are written, each network is built and filled from its file of weights (`networks`); with
frozen TorchScript there is nothing to build (`modules`), the cheapest way in Python. Prints milliseconds a
pass: `python -m inference.founding networks|modules PASSES THREADS FILE…`.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from pathlib import Path

import torch

from consilia.models import build


def load(kind: str, file: str) -> torch.nn.Module:
    """The network of a file, which is named after its family."""
    if kind == "modules":
        module: torch.nn.Module = torch.jit.load(file)
        return module
    network = build(Path(file).stem)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def main() -> None:
    """Measures passes over the files."""
    warnings.simplefilter("ignore")
    kind, passes, threads, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    torch.set_num_threads(threads)
    inputs = {file: torch.rand(1, 3, *([240, 240] if "crossvit" in file else [224, 224])) for file in files}
    taken = []
    for turn in range(passes + 1):
        begin = time.perf_counter()
        for file, image in inputs.items():
            model = load(kind, file)
            with torch.inference_mode():
                model(image).softmax(1).tolist()
            del model
            gc.collect()
        if turn > 0:
            taken.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps({"passes_ms": taken}))


if __name__ == "__main__":
    main()
