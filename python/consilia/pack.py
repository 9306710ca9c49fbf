"""Makes member packages from torch modules, and checks and opens them.

A package is a folder `<id>.member` with a `manifest.json`, the code of the network as TorchScript and, apart
from it, its weights as safetensors, or one file of another format; docs/members.md describes each field.
Importing this module loads torch.

    pack(network, "models", id="resnet50", architecture="ResNet-50", example_input_shape=(3, 224, 224),
         pipeline=imagenet_pipeline(224), classes=["COVID", "Normal", "Viral Pneumonia", "Lung Opacity"])
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
import shutil
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from consilia.models.torchscript import canonicalize, tensor_bytes

MANIFEST_VERSION = 1
MANIFEST_NAME = "manifest.json"
MANIFEST_BYTES_MAX = 1 << 20
CODE_NAME = "code.pt"
WEIGHTS_NAME = "weights.safetensors"
OPENVINO_CODE_NAME = "code.safetensors"
COMPILED_CODE_NAME = "code.pt2"
SOURCE_NAME = "source.pt2"
# A tensor that is neither parameter nor buffer stays in the code as a constant; small tables do no harm.
CONSTANT_BYTES_MAX = 64 * 1024

Format = Literal["torchscript", "torchscript-frozen", "openvino", "aotinductor", "aotinductor-frozen"]
Precision = Literal["f32", "bf16", "f16"]

# What the engine's table of backends has names for.
_BINDABLE_TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# Freezing and OpenVINO fold batch norms into convolutions, which rounds differently.
_FOLDED_TOLERANCE = {"rtol": 1e-3, "atol": 1e-4}
# bf16 keeps 8 bits of each number, which add up over layers; of the largest logit.
_REDUCED_TOLERANCE = 0.1
_ROLES: dict[str, set[str]] = {
    "torchscript": {"code", "weights"},
    "torchscript-frozen": {"code"},
    "openvino": {"code"},
    "aotinductor": {"code", "source", "weights"},
    "aotinductor-frozen": {"code", "source"},
}


class PackError(ValueError):
    """A package that cannot be made or must not be used: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def _require(condition: bool, field: str, reason: str) -> None:
    if not condition:
        raise PackError(field, reason)


@contextmanager
def _quiet() -> Iterator[None]:
    """No gradients, and no warnings that TorchScript will be succeeded or that tracing fixes shapes."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        yield


def _prepared_copy(module: nn.Module) -> nn.Module:
    """A copy on the CPU, in evaluation mode, without the counters that only training reads."""
    prepared = copy.deepcopy(module).cpu().eval()
    for part in prepared.modules():
        if isinstance(part, nn.modules.batchnorm._NormBase):
            part.num_batches_tracked = None
    return prepared.requires_grad_(False)  # Matrix products choose another kernel, and round, by this flag.


def _trace(module: nn.Module, example: Tensor) -> Any:
    # Twice: the first module of a process shares source files between its classes, and with them the numbers
    # of local variables; every later one has a file per class. Only the latter is alike from call to call.
    for _ in range(2):
        traced: Any = torch.jit.trace(module, example, check_trace=False)
    return traced


def _read_code(path: Path) -> Any:
    return torch.jit.load(str(path), map_location="cpu")


def _read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file in memory of their own.

    As the file is mapped they start anywhere, and on some processors kernels then sum in another order: the
    last bit differs from that of torch's own memory and of the engine's slabs, which are aligned.
    """
    return {name: tensor.clone() for name, tensor in load_file(str(path)).items()}


def _bindable(module: Any) -> dict[str, Tensor]:
    """The tensors that belong to the weights file: parameters and floating-point buffers, by name."""
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor for name, tensor in sorted(named.items()) if tensor.is_floating_point()}


def _bind(module: Any, weights: Mapping[str, Tensor]) -> None:
    slots = _bindable(module)
    missing, unknown = sorted(slots.keys() - weights.keys()), sorted(weights.keys() - slots.keys())
    _require(not missing, "weights", f"no tensor for {', '.join(missing[:3])}")
    _require(not unknown, "weights", f"the code has no {', '.join(unknown[:3])}")
    for name, slot in slots.items():
        slot.data = weights[name]


def _save_without_weights(traced: Any, path: Path) -> None:
    # One empty tensor per type stands for all of them, so that the archive holds one empty record of each.
    empty: dict[torch.dtype, Tensor] = {}
    for tensor in _bindable(traced).values():
        tensor.data = empty.setdefault(tensor.dtype, torch.empty(0, dtype=tensor.dtype))
    _save_code(traced, path)


def _save_code(script: Any, path: Path) -> None:
    raw = path.with_suffix(".raw")
    torch.jit.save(script, str(raw))
    try:
        canonicalize(raw, path)
    except ValueError as error:
        raise PackError("code", str(error)) from error
    raw.unlink()


def _check_output(output: Any, batch: int, classes: int) -> None:
    _require(isinstance(output, Tensor), "module", "does not return one tensor")
    wanted, found = [batch, classes], list(output.shape)
    _require(found == wanted, "module", f"returns shape {found}, want {wanted}")
    _require(bool(torch.isfinite(output).all()), "module", "returns values that are not finite")


def _check_same_output(
    module: Any, script: Any, batches: Sequence[Tensor], *, is_exact: bool, precision: str = "f32"
) -> None:
    for batch in batches:
        expected = module(batch)
        try:
            found = script(batch)
        except RuntimeError as error:
            reason = f"traced with another batch size, it fails on a batch of {batch.shape[0]}"
            raise PackError("module", reason) from error
        largest = expected.abs().max().item() * _REDUCED_TOLERANCE
        tolerance = _FOLDED_TOLERANCE if precision == "f32" else {"rtol": 0.0, "atol": largest}
        same = found.shape == expected.shape and (
            torch.equal(found, expected) if is_exact else torch.allclose(found, expected, **tolerance)
        )
        _require(same, "module", f"the packed code gives another result on a batch of {batch.shape[0]}")


def _check_nothing_baked(module: nn.Module, script: Any, batch: Tensor) -> None:
    """With other weights on both sides, a weight that tracing fixed as a constant shows as a difference.

    Changes the weights of both.
    """
    other = {name: tensor * 0.75 + 0.01 for name, tensor in _bindable(module).items()}
    _bind(module, other)
    _bind(script, other)
    expected, found = module(batch), script(batch)
    same = torch.equal(torch.nan_to_num(found), torch.nan_to_num(expected))
    _require(same, "module", "tracing fixed some weights as constants")


def _check_constants(module: nn.Module, code: Path) -> None:
    kept = sum(t.numel() * t.element_size() for t in module.buffers() if not t.is_floating_point())
    found = tensor_bytes(code) - kept
    reason = (
        f"{found} bytes of tensors are neither parameters nor buffers, at most {CONSTANT_BYTES_MAX} may be"
    )
    _require(found <= CONSTANT_BYTES_MAX, "module", reason)


def _write_torchscript(module: nn.Module, batches: Sequence[Tensor], folder: Path) -> tuple[str, ...]:
    traced = _trace(module, batches[0])
    weights = {name: tensor.detach().clone().contiguous() for name, tensor in _bindable(traced).items()}
    save_file(weights, str(folder / WEIGHTS_NAME))
    _save_without_weights(traced, folder / CODE_NAME)
    _bind(traced, weights)  # It shares its tensors with the module.
    _check_constants(module, folder / CODE_NAME)
    script = _read_code(folder / CODE_NAME)
    _bind(script, _read_weights(folder / WEIGHTS_NAME))
    _check_same_output(module, script, batches, is_exact=True)
    _check_nothing_baked(module, script, batches[0])
    return (CODE_NAME, WEIGHTS_NAME)


def _write_frozen(module: nn.Module, batches: Sequence[Tensor], folder: Path) -> tuple[str, ...]:
    frozen = torch.jit.freeze(_trace(module, batches[0]))
    _save_code(frozen, folder / CODE_NAME)
    _check_same_output(module, _read_code(folder / CODE_NAME), batches, is_exact=False)
    return (CODE_NAME,)


def _write_openvino(module: nn.Module, batches: Sequence[Tensor], folder: Path) -> tuple[str, ...]:
    from consilia.models import openvino  # An extra of its own.

    channels, height, width = batches[0].shape[1:]
    try:
        model = openvino.convert(_trace(module, batches[0]), (channels, height, width))
    except ValueError as error:
        raise PackError("module", f"OpenVINO cannot convert it: {error}") from error
    openvino.save(model, folder / OPENVINO_CODE_NAME)
    del model
    network = openvino.Network(folder / OPENVINO_CODE_NAME)
    _check_same_output(module, network, batches, is_exact=False)
    return (OPENVINO_CODE_NAME,)


def _write_aotinductor(
    module: nn.Module, batches: Sequence[Tensor], folder: Path, *, is_frozen: bool, precision: Precision
) -> tuple[str, ...]:
    from consilia.models import aotinductor  # It loads torch's compiler.

    code = folder / COMPILED_CODE_NAME
    try:
        program = aotinductor.export(module, batches[1], precision)
        aotinductor.save_source(program, folder / SOURCE_NAME, has_weights=is_frozen)
        aotinductor.compile(program, code, is_frozen=is_frozen, precision=precision)
    except ValueError as error:
        raise PackError("module", f"torch cannot compile it: {error}") from error
    network = aotinductor.Network(code)
    if is_frozen:
        _check_same_output(module, network, batches, is_exact=False, precision=precision)
        return (COMPILED_CODE_NAME, SOURCE_NAME)
    tensors = aotinductor.tensors(program)
    names = sorted(network.constant_names())
    unknown = [name for name in names if name not in tensors]
    _require(not unknown, "module", f"the compiler made constants of its own, {', '.join(unknown[:3])}")
    for name in names:
        kind = tensors[name].dtype
        _require(kind in _BINDABLE_TYPES, "module", f"{name} is of {kind}, which cannot be bound")
    weights = {name: tensors[name].clone().contiguous() for name in names}
    save_file(weights, str(folder / WEIGHTS_NAME))
    network.bind(_read_weights(folder / WEIGHTS_NAME))
    _check_same_output(module, network, batches, is_exact=False, precision=precision)
    _bind(module, {name: t * 0.75 + 0.01 for name, t in _bindable(module).items()})
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    network.bind({**weights, **{name: tensor.data for name, tensor in named if name in weights}})
    _check_same_output(module, network, batches[:1], is_exact=False, precision=precision)
    return (COMPILED_CODE_NAME, SOURCE_NAME, WEIGHTS_NAME)


_WRITERS = {
    "torchscript": _write_torchscript,
    "torchscript-frozen": _write_frozen,
    "openvino": _write_openvino,
}


def _write_files(
    module: nn.Module, batches: Sequence[Tensor], folder: Path, format: Format, precision: Precision
) -> tuple[str, ...]:
    if format in ("aotinductor", "aotinductor-frozen"):
        is_frozen = format == "aotinductor-frozen"
        return _write_aotinductor(module, batches, folder, is_frozen=is_frozen, precision=precision)
    return _WRITERS[format](module, batches, folder)


def _created_with(format: Format) -> dict[str, str]:
    """The versions of what wrote the code; the engine refuses code of a newer runtime than its own."""
    versions = {"torch": torch.__version__.split("+")[0]}
    if format in ("aotinductor", "aotinductor-frozen"):
        from consilia.models import aotinductor

        versions.update(aotinductor.key())
    if format == "openvino":
        import openvino

        versions["openvino"] = openvino.get_version().split("-")[0]
    return versions


def _file_entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": path.name, "sha256": digest, "size_bytes": path.stat().st_size}


def _check_pipeline(pipeline: Mapping[str, Any], shape: Sequence[int]) -> None:
    """The parts of a pipeline that must agree with the input's shape; the imaging layer checks the rest."""
    _require(pipeline.get("version") == 1, "pipeline.version", f"want 1, found {pipeline.get('version')!r}")
    steps = pipeline.get("steps")
    _require(isinstance(steps, list) and len(steps) > 0, "pipeline.steps", "want a list of at least one step")
    assert isinstance(steps, list)
    _require(
        all(isinstance(step, dict) and "op" in step for step in steps), "pipeline.steps", "a step has no op"
    )
    by_op = {step["op"]: step for step in steps}
    channels, height, width = shape
    _require(steps[-1]["op"] == "tensor", "pipeline.steps", "the last step must be tensor")
    _require(steps[-1].get("layout", "CHW") == "CHW", "pipeline.tensor.layout", "want CHW")
    found = steps[-1].get("channels", 3)
    _require(found == channels, "pipeline.tensor.channels", f"want {channels}, found {found!r}")
    resize = by_op.get("resize", {})
    found = (resize.get("height"), resize.get("width"))
    _require(
        found == (height, width),
        "pipeline.resize",
        f"want {height} by {width}, found {found[0]} by {found[1]}",
    )
    for key in ("mean", "std"):
        values = by_op.get("normalize", {key: [0.0] * channels}).get(key)
        is_fit = isinstance(values, list) and len(values) == channels
        _require(is_fit, f"pipeline.normalize.{key}", f"want {channels} numbers, one a channel")


def _check_request(
    *,
    id: str,
    architecture: str,
    shape: Sequence[int],
    pipeline: Mapping[str, Any],
    classes: Sequence[str],
    weight: float,
    temperature: float,
    format: str,
    precision: str,
) -> None:
    _require(_ID.fullmatch(id) is not None, "id", f"{id!r} does not match {_ID.pattern}")
    _require(bool(architecture.strip()), "architecture", "is empty")
    is_shape = len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape)
    _require(is_shape, "example_input_shape", f"want three positive integers, found {list(shape)}")
    _require(
        not isinstance(classes, str) and len(classes) >= 2, "classes", "want a list of at least two names"
    )
    named = all(isinstance(name, str) and name.strip() for name in classes)
    _require(
        named and len(set(classes)) == len(classes), "classes", "want names that differ and are not empty"
    )
    for field, value in (("weight", weight), ("temperature", temperature)):
        _require(math.isfinite(value) and value > 0, field, f"want a positive number, found {value}")
    _require(format in get_args(Format), "format", f"{format!r} is not one of {', '.join(get_args(Format))}")
    known = get_args(Precision)
    _require(precision in known, "precision", f"{precision!r} is not one of {', '.join(known)}")
    _check_pipeline(pipeline, shape)


def _write_manifest(manifest: Mapping[str, Any], folder: Path) -> None:
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _move_into_place(made: Path, target: Path) -> None:
    """Renames a finished folder to its name; an older one of that name is removed."""
    old = made.with_suffix(".old")
    if target.exists():
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def pack(
    module: nn.Module,
    path: str | Path,
    *,
    id: str,
    architecture: str,
    example_input_shape: Sequence[int],
    pipeline: Mapping[str, Any],
    classes: Sequence[str],
    weight: float = 1.0,
    temperature: float = 1.0,
    format: Format = "torchscript",
    precision: Precision = "f32",
    notes: str = "",
) -> Path:
    """Writes the member package `<path>/<id>.member`, and replaces one that is there.

    The module is traced as it behaves in evaluation mode on the CPU; the module itself is not changed. Before
    the package appears under its name it is read back and compared with the module: bit for bit on batches of
    1 and 3, and with other weights (all formats but `torchscript`: within 1e-3, as what they fold rounds
    differently; in a reduced precision within a tenth of the largest logit). Takes several times the module's
    memory. The same module gives the same bytes with the same versions of torch and openvino, except for the
    two compiled formats.

    Args:
        module: Takes `[N, *example_input_shape]` float32 and returns logits `[N, len(classes)]`.
        path: The folder for packages; made where it does not exist.
        id: Lower-case letters, digits, `_`, `.` and `-`; at most 64.
        architecture: For people, such as "ResNet-50".
        example_input_shape: Channels, height, width.
        pipeline: What turns an image into the input (docs/imaging.md); size and channels must be the input's.
        classes: The names of the logits, in order.
        weight: Of the member's vote; positive.
        temperature: Logits are divided by it before the softmax (Guo et al. 2017); positive.
        format: "torchscript": code and weights apart, so that weights can be loaded and evicted on their own;
            "torchscript-frozen": one file, optimised, the weights inside;
            "openvino": one file of graph and weights for OpenVINO, which `consilia[openvino]` installs;
            "aotinductor" and "aotinductor-frozen": as the first two, but compiled for this torch and this
            processor's instruction set, with a C++ compiler (`consilia.rebuild` does it again elsewhere).
        precision: What the member computes in: "f32", or "bf16" or "f16" under autocast. Input and logits
            stay float32.
        notes: For people.

    Returns:
        The package's folder.

    Raises:
        PackError: An argument or the module cannot be packed; `field` and `reason` say what and why.
        OSError: A file could not be written.
    """
    _check_request(
        id=id,
        architecture=architecture,
        shape=example_input_shape,
        pipeline=pipeline,
        classes=classes,
        weight=weight,
        temperature=temperature,
        format=format,
        precision=precision,
    )
    parent = Path(path)
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f".{id}.{uuid.uuid4().hex}.tmp"
    folder.mkdir()
    try:
        with _quiet():
            prepared = _prepared_copy(module)
            weights_bytes = sum(t.numel() * t.element_size() for t in _bindable(prepared).values())
            random = torch.Generator().manual_seed(0)
            batches = [torch.randn(n, *example_input_shape, generator=random) for n in (1, 3)]
            for batch in batches:
                _check_output(prepared(batch), batch.shape[0], len(classes))
            names = _write_files(prepared, batches, folder, format, precision)
        manifest = {
            "manifest_version": MANIFEST_VERSION,
            "id": id,
            "architecture": architecture,
            "format": format,
            "files": {name.split(".")[0]: _file_entry(folder / name) for name in names},
            "input": {"shape": list(example_input_shape), "dtype": "float32", "pipeline": dict(pipeline)},
            "classes": list(classes),
            "weight": float(weight),
            "temperature": float(temperature),
            "weights_bytes": weights_bytes,
            "created_with": _created_with(format),
            "notes": notes,
        }
        if precision != "f32":
            manifest["precision"] = precision
        _write_manifest(manifest, folder)
        target = parent / f"{id}.member"
        _move_into_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def load_manifest(path: str | Path) -> dict[str, Any]:
    """Reads the manifest of a package and checks its form, but not the files that it names.

    Raises:
        PackError: There is none, or it is damaged; `field` and `reason` say what and why.
    """
    file = Path(path) / MANIFEST_NAME
    _require(file.is_file(), MANIFEST_NAME, "not found")
    size = file.stat().st_size
    _require(
        size <= MANIFEST_BYTES_MAX, MANIFEST_NAME, f"has {size} bytes, at most {MANIFEST_BYTES_MAX} are read"
    )
    try:
        manifest: dict[str, Any] = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise PackError(MANIFEST_NAME, f"is not JSON ({error})") from error
    _require(isinstance(manifest, dict), MANIFEST_NAME, "want an object")
    kinds: dict[str, type | tuple[type, ...]] = {
        "manifest_version": int,
        "id": str,
        "architecture": str,
        "format": str,
        "files": dict,
        "input": dict,
        "classes": list,
        "weight": (int, float),
        "temperature": (int, float),
        "weights_bytes": int,
        "created_with": dict,
        "notes": str,
    }
    for field, kind in kinds.items():
        _require(field in manifest, field, "missing")
        _require(
            isinstance(manifest[field], kind), field, f"has the wrong type, {type(manifest[field]).__name__}"
        )
    version = manifest["manifest_version"]
    _require(version == MANIFEST_VERSION, "manifest_version", f"want {MANIFEST_VERSION}, found {version}")
    source = manifest["input"]
    for field, kind in (("shape", list), ("dtype", str), ("pipeline", dict)):
        _require(isinstance(source.get(field), kind), f"input.{field}", "missing, or has the wrong type")
    _require(source["dtype"] == "float32", "input.dtype", f"want float32, found {source['dtype']!r}")
    _check_request(
        id=manifest["id"],
        architecture=manifest["architecture"],
        shape=source["shape"],
        pipeline=source["pipeline"],
        classes=manifest["classes"],
        weight=manifest["weight"],
        temperature=manifest["temperature"],
        format=manifest["format"],
        precision=manifest.get("precision", "f32"),
    )
    _check_files(manifest)
    return manifest


def _check_files(manifest: Mapping[str, Any]) -> None:
    files = manifest["files"]
    wanted = _ROLES[manifest["format"]]
    _require(
        files.keys() == wanted, "files", f"want {', '.join(sorted(wanted))}, found {', '.join(sorted(files))}"
    )
    for role, entry in files.items():
        field = f"files.{role}"
        _require(isinstance(entry, dict), field, "want an object")
        name, digest, size = (entry.get(key) for key in ("path", "sha256", "size_bytes"))
        is_plain = isinstance(name, str) and _FILE_NAME.fullmatch(name) is not None
        _require(is_plain, f"{field}.path", "want the plain name of a file in the package")
        is_digest = isinstance(digest, str) and _SHA256.fullmatch(digest) is not None
        _require(is_digest, f"{field}.sha256", "want 64 lower-case hexadecimal digits")
        _require(isinstance(size, int) and size >= 0, f"{field}.size_bytes", "want a number of bytes")


def verify(path: str | Path) -> dict[str, Any]:
    """Reads a package's manifest and checks that every file is there, of its size and with its hash.

    Reads all bytes of the package.

    Returns:
        The manifest.

    Raises:
        PackError: Something is missing or damaged; `field` and `reason` say what and why.
    """
    manifest = load_manifest(path)
    for role, entry in manifest["files"].items():
        file = Path(path) / entry["path"]
        _require(file.is_file(), f"files.{role}", f"{entry['path']} not found")
        found = _file_entry(file)
        for key in ("size_bytes", "sha256"):
            reason = f"{entry['path']} is damaged: want {entry[key]}, found {found[key]}"
            _require(found[key] == entry[key], f"files.{role}.{key}", reason)
    return manifest


def _load_compiled(path: Path, files: Mapping[str, Any]) -> Any:
    from consilia.models import aotinductor

    code = path / files["code"]["path"]
    key = aotinductor.compiled_key(code)
    reason = f"compiled for torch {key['torch']} and {key['instruction_set']}; `consilia models rebuild` it"
    _require(aotinductor.is_usable(code), "created_with", reason)
    weights = _read_weights(path / files["weights"]["path"]) if "weights" in files else None
    return aotinductor.Network(code, weights)


def load(path: str | Path) -> Any:
    """Verifies a package and opens it on the CPU: a callable that takes images and returns logits.

    It is a `torch.jit.ScriptModule` for TorchScript, a `consilia.models.openvino.Network` for `openvino`, a
    `consilia.models.aotinductor.Network` for what is compiled.

    A model is a program: open only packages from those whom you trust to run code.

    Raises:
        PackError: Something is missing or damaged; `field` and `reason` say what and why.
    """
    manifest = verify(path)
    files = manifest["files"]
    if manifest["format"] == "openvino":
        from consilia.models import openvino

        return openvino.Network(Path(path) / files["code"]["path"])
    if manifest["format"] in ("aotinductor", "aotinductor-frozen"):
        return _load_compiled(Path(path), files)
    with _quiet():
        script = _read_code(Path(path) / files["code"]["path"])
        if manifest["format"] == "torchscript":
            _bind(script, _read_weights(Path(path) / files["weights"]["path"]))
    return script
