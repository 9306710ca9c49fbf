"""Writes `linear.member`, a package for the backend of this folder, with the standard library alone.

Usage: make_member.py FOLDER. `logits.txt` holds what the shared backend suite expects for its first image.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

CHANNELS, HEIGHT, WIDTH = SHAPE = (1, 8, 8)
INPUTS = CHANNELS * HEIGHT * WIDTH
CLASSES = ["COVID", "Normal", "Viral Pneumonia", "Lung Opacity"]
STEPS = [
    {"op": "grayscale"},
    {"op": "resize", "width": WIDTH, "height": HEIGHT},
    {"op": "tensor", "layout": "CHW", "channels": CHANNELS},
]

# Small whole multiples of a power of two: the same numbers in float32 as here.
WEIGHT = [[((i * 5 + c * 11) % 17 - 8) / 64 for i in range(INPUTS)] for c in range(len(CLASSES))]
BIAS = [c / 8 for c in range(len(CLASSES))]


def safetensors(tensors: dict[str, tuple[list[int], list[float]]]) -> bytes:
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        content = struct.pack(f"<{len(values)}f", *values)
        place = [len(data), len(data) + len(content)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": place}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_file(path: Path, content: bytes) -> dict[str, object]:
    path.write_bytes(content)
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def write(folder: Path) -> None:
    package = folder / "linear.member"
    package.mkdir(parents=True, exist_ok=True)
    flat = [value for row in WEIGHT for value in row]
    weights = safetensors(
        {"weight": ([len(CLASSES), INPUTS], flat), "bias": ([len(CLASSES)], BIAS)},
    )
    manifest = {
        "manifest_version": 1,
        "id": "linear",
        "architecture": "One linear layer",
        "format": "linear",
        "files": {
            "code": write_file(
                package / "code.txt", f"linear {CHANNELS} {HEIGHT} {WIDTH} {len(CLASSES)}\n".encode()
            ),
            "weights": write_file(package / "weights.safetensors", weights),
        },
        "input": {"shape": list(SHAPE), "dtype": "float32", "pipeline": {"version": 1, "steps": STEPS}},
        "classes": CLASSES,
        "weight": 1.0,
        "temperature": 1.0,
        "created_with": {"linear": "1.0.0"},
    }
    (package / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    image = [i % 7 / 7 for i in range(INPUTS)]
    logits = [
        bias + sum(w * x for w, x in zip(row, image, strict=True))
        for row, bias in zip(WEIGHT, BIAS, strict=True)
    ]
    (package / "logits.txt").write_text(" ".join(str(value) for value in logits) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
