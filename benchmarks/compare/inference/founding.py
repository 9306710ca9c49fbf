"""The founding pattern: a service that loads each model from disk, runs it and lets it go, for every image.

Frozen TorchScript is the cheapest way to do that in Python: no module has to be built and filled. Prints
milliseconds a pass: `python -m inference.founding PASSES THREADS FILE…`.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings

import torch


def main() -> None:
    """Measures passes over the files."""
    warnings.simplefilter("ignore")
    passes, threads, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    torch.set_num_threads(threads)
    inputs = {file: torch.rand(1, 3, *([240, 240] if "crossvit" in file else [224, 224])) for file in files}
    taken = []
    for turn in range(passes + 1):
        begin = time.perf_counter()
        for file, image in inputs.items():
            model = torch.jit.load(file)
            with torch.inference_mode():
                model(image).softmax(1).tolist()
            del model
            gc.collect()
        if turn > 0:
            taken.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps({"passes_ms": taken}))


if __name__ == "__main__":
    main()
