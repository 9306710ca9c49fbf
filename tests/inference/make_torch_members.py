"""Writes tiny member packages for `inference_torch_test` and `backend_suite`, with torch and json alone.

Usage: make_torch_members.py FOLDER [--openvino]. Each package has a `logits.txt` with what Python gives for
an input of i % 7 / 7 at index i, so that the C++ side is compared with torch itself.
"""

import hashlib
import json
import struct
import sys
import warnings
from pathlib import Path

import torch
from torch import nn

CLASSES = ["COVID", "Normal", "Viral Pneumonia", "Lung Opacity"]
SIDE = 16
STEPS = [
    {"op": "grayscale"},
    {"op": "resize", "width": SIDE, "height": SIDE},
    {"op": "tensor", "layout": "CHW", "channels": 1},
]


class Network(nn.Module):
    """A convolution, a norm with buffers, and enough weights to make streaming worth while."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Linear(width * SIDE, len(CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.norm(self.first(x))).mean(dim=3).flatten(1))


def wide_network() -> nn.Module:
    """36 MiB of weights, so that they outweigh what a runtime needs for itself."""
    torch.manual_seed(0)
    first, second, last = nn.Linear(SIDE * SIDE, 4096), nn.Linear(4096, 2048), nn.Linear(2048, len(CLASSES))
    return nn.Sequential(nn.Flatten(1), first, nn.ReLU(), second, nn.ReLU(), last)


def safetensors(tensors: dict[str, torch.Tensor]) -> bytes:
    header, data = {}, b""
    for name, tensor in tensors.items():
        content = tensor.contiguous().numpy().tobytes()
        place = [len(data), len(data) + len(content)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": place}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def save_openvino(script: torch.jit.ScriptModule, path: Path) -> str:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
    import openvino

    from consilia.models.openvino import convert, save

    save(convert(script, (1, SIDE, SIDE)), path)
    return openvino.get_version().split("-")[0]


def network(width: int) -> nn.Module:
    torch.manual_seed(width)
    module = Network(width).eval()
    with torch.no_grad():
        module.norm.running_mean.normal_()
    module.norm.num_batches_tracked = None
    return module


def write(folder: Path, name: str, module: nn.Module, format: str) -> None:
    package = folder / f"{name}.member"
    package.mkdir(parents=True, exist_ok=True)
    module = module.eval().requires_grad_(False)
    example = torch.tensor([i % 7 / 7 for i in range(SIDE * SIDE)]).reshape(1, 1, SIDE, SIDE)
    (package / "logits.txt").write_text(" ".join(float(x).hex() for x in module(example)[0]))
    script = torch.jit.trace(module, example, check_trace=False)
    files = {}
    created_with = {"torch": torch.__version__.split("+")[0]}
    if format == "torchscript-frozen":
        script = torch.jit.freeze(script)
    elif format == "torchscript":
        named = {**dict(script.named_parameters()), **dict(script.named_buffers())}
        (package / "weights.safetensors").write_bytes(
            safetensors({k: v.detach().clone() for k, v in named.items()})
        )
        files["weights"] = entry(package / "weights.safetensors")
        for tensor in named.values():
            tensor.data = torch.empty(0)
    if format == "openvino":
        created_with["openvino"] = save_openvino(script, package / "code.safetensors")
        files["code"] = entry(package / "code.safetensors")
    else:
        torch.jit.save(script, str(package / "code.pt"))
        files["code"] = entry(package / "code.pt")
    manifest(package, name, format, files, created_with)


def manifest(
    package: Path,
    name: str,
    format: str,
    files: dict[str, object],
    created_with: dict[str, str],
    precision: str = "f32",
) -> None:
    content = {
        "manifest_version": 1,
        "id": name,
        "architecture": "Tiny",
        "format": format,
        "files": files,
        "input": {"shape": [1, SIDE, SIDE], "dtype": "float32", "pipeline": {"version": 1, "steps": STEPS}},
        "classes": CLASSES,
        "weight": 1.0,
        "temperature": 1.0,
        "created_with": created_with,
        "precision": precision,
    }
    (package / "manifest.json").write_text(json.dumps(content))


def write_compiled(folder: Path, name: str, module: nn.Module, format: str, precision: str = "f32") -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
    from consilia.models import aotinductor

    package = folder / f"{name}.member"
    package.mkdir(parents=True, exist_ok=True)
    module = module.eval().requires_grad_(False)
    is_frozen = format == "aotinductor-frozen"
    example = torch.tensor([i % 7 / 7 for i in range(SIDE * SIDE)]).reshape(1, 1, SIDE, SIDE)
    (package / "logits.txt").write_text(" ".join(float(x).hex() for x in module(example)[0]))
    program = aotinductor.export(module, example.repeat(3, 1, 1, 1), precision)
    aotinductor.compile(program, package / "code.pt2", is_frozen=is_frozen, precision=precision)
    files = {"code": entry(package / "code.pt2")}
    if not is_frozen:
        found = aotinductor.tensors(program)
        names = aotinductor.Network(package / "code.pt2").constant_names()
        (package / "weights.safetensors").write_bytes(safetensors({name: found[name] for name in names}))
        files["weights"] = entry(package / "weights.safetensors")
    manifest(package, name, format, files, aotinductor.key(), precision)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = Path(sys.argv[1])
    for width in (300, 400, 500):
        write(target, f"w{width}", network(width), "torchscript")
    write(target, "frozen", network(64), "torchscript-frozen")
    write_compiled(target, "compiled", network(300), "aotinductor")
    write_compiled(target, "compiled-bf16", network(300), "aotinductor", "bf16")
    write_compiled(target, "compiled-frozen", network(64), "aotinductor-frozen")
    if "--openvino" in sys.argv[2:]:
        write(target, "openvino", network(300), "openvino")
        write(target, "openvino-wide", wide_network(), "openvino")
