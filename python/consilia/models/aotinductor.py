"""Networks compiled ahead of time by AOTInductor, and what compiling them again takes.

Compiled code fits one version of torch and the processors that have its instruction set. A member therefore
keeps its exported program as well, from which `consilia.rebuild` compiles code for the torch and the
processor that are here. Importing this module loads torch.
"""

from __future__ import annotations

import json
import platform
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._inductor.cpu_vec_isa import pick_vec_isa
from torch.export import Dim, ExportedProgram

ROOT = "member"  # The folder within the archive; torch's loader takes whatever it finds.
_METADATA = ".wrapper_metadata.json"
# x86-64-v3 and v4 of the psABI, by the names of torch.cpu.get_capabilities(); its movbe has none there.
_X86_64_V3 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma3", "lzcnt")
_X86_64_V4 = (*_X86_64_V3, "avx512_bw", "avx512_cd", "avx512_dq", "avx512_f", "avx512_vl")
# What inductor adds to a level by its own choice.
_X86_64_MORE = ("amx_bf16", "amx_fp16", "amx_int8", "amx_tile", "avx512_bf16", "avx512_vnni")
_ANY_BATCH = ({0: Dim("batch", min=1)},)
_AUTOCAST = {"bf16": torch.bfloat16, "f16": torch.float16}


def _level() -> tuple[str | None, tuple[str, ...]]:
    """What the compiler is told of the processor, and the capabilities that code for it may use."""
    capabilities = torch.cpu.get_capabilities()
    present = tuple(sorted(name for name, value in capabilities.items() if value is True))
    if platform.machine() != "x86_64":
        return None, present
    if "AVX512" in str(pick_vec_isa()).upper().split() and set(_X86_64_V4) <= set(present):
        return "x86-64-v4", (*_X86_64_V4, *(name for name in _X86_64_MORE if name in present))
    return ("x86-64-v3", _X86_64_V3) if set(_X86_64_V3) <= set(present) else ("x86-64", ())


def key() -> dict[str, str]:
    """The torch and the instruction set that code compiled here is for: `torch` and `instruction_set`."""
    architecture = str(torch.cpu.get_capabilities().get("architecture", platform.machine()))
    return {
        "torch": torch.__version__.split("+")[0],
        "instruction_set": " ".join((architecture, *sorted(_level()[1]))),
    }


@contextmanager
def _one_line() -> Iterator[None]:
    """What torch refuses, in classes of many modules that share no base, is a ValueError of one line."""
    try:
        yield
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ValueError(reason.strip()) from error


@contextmanager
def _autocast_within(module: nn.Module, precision: str) -> Iterator[None]:
    """Within, the module computes in a reduced precision, and returns float32; no tensor is renamed."""
    if precision == "f32":
        yield
        return
    forward, dtype = module.forward, _AUTOCAST[precision]

    def reduced(images: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=dtype):
            logits: Tensor = forward(images)
        return logits.float()

    module.forward = reduced
    try:
        yield
    finally:
        del module.forward  # The class's own is there again.


def export(module: nn.Module, images: Tensor, precision: str = "f32") -> ExportedProgram:
    """The module as a program for batches of any size.

    Args:
        module: In evaluation mode, on the CPU.
        images: An example, `[N, C, H, W]` with N above 1.
        precision: "f32", "bf16" or "f16".

    Raises:
        ValueError: The module cannot be exported, or works for some sizes of the batch only.
    """
    with _one_line(), _autocast_within(module, precision):
        program = torch.export.export(module, (images,), dynamic_shapes=_ANY_BATCH)
        if not program.constants:
            return program
        # The compiler would number tensors that are neither parameters nor buffers as it meets them: as
        # buffers they keep their names.
        flat = program.module(check_guards=False)
        for name, value in program.constants.items():
            if isinstance(value, Tensor):
                _make_buffer(flat, name, value)
        return torch.export.export(flat, (images,), dynamic_shapes=_ANY_BATCH)


def _make_buffer(module: nn.Module, path: str, value: Tensor) -> None:
    *parents, name = path.split(".")
    owner = module.get_submodule(".".join(parents))
    delattr(owner, name)
    owner.register_buffer(name, value.detach().clone())


def tensors(program: ExportedProgram) -> dict[str, Tensor]:
    """Everything that the program holds: parameters, buffers, and constants that exporting lifted."""
    found = {**program.state_dict, **program.constants}
    return {name: value.detach() for name, value in found.items() if isinstance(value, Tensor)}


def compile(program: ExportedProgram, path: Path, *, is_frozen: bool, precision: str) -> None:
    """Compiles a program for the torch and the processor that are here, and writes the archive.

    Takes a C++ compiler and about half a minute for a network of usual size.

    Args:
        program: Of `export`; it must hold its weights.
        path: Of the archive, `.pt2`.
        is_frozen: Whether the weights are constants of the code, folded and laid out for its kernels.
        precision: What the program was exported for.

    Raises:
        ValueError: torch cannot compile the program; the message says why.
    """
    here = key()
    shape = program.example_inputs[0][0].shape[1:]
    metadata = {
        "consilia.torch": here["torch"],
        "consilia.instruction_set": here["instruction_set"],
        "consilia.input_shape": " ".join(str(side) for side in shape),
        "consilia.precision": precision,
    }
    options: dict[str, Any] = {
        "aot_inductor.metadata": metadata,
        "aot_inductor.package_constants_in_so": is_frozen,
        "aot_inductor.use_runtime_constant_folding": False,  # What was folded would outlive its weights.
        "aot_inductor.enable_line_tables": False,  # Most of the file, and paths of this machine.
        "always_keep_tensor_constants": True,  # Short vectors, such as biases, would be in the code.
        "cpp.dynamic_threads": True,  # Otherwise kernels start as many threads as this process has now.
        "cpp.march": _level()[0],
        "freezing": is_frozen,
    }
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        raw = Path(folder) / "raw.pt2"
        with _one_line():
            torch._inductor.aoti_compile_and_package(program, package_path=str(raw), inductor_configs=options)
        _strip(raw, path)


def _strip(source: Path, target: Path) -> None:
    """Copies an archive without its sources, of which the loader of torch wants only the name of one."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        names = {name: name.split("/", 1)[1] for name in archive.namelist()}
        kept = [name for name in names if ".kernel" not in name and "serialization_id" not in name]
        for name in sorted(kept, key=names.__getitem__):
            body = b"" if name.endswith(".cpp") else archive.read(name)
            entry = zipfile.ZipInfo(f"{ROOT}/{names[name]}", date_time=(1980, 1, 1, 0, 0, 0))
            out.writestr(entry, body)


def compiled_key(path: Path) -> dict[str, str]:
    """What the code of an archive was compiled for, as `key` says it.

    Raises:
        ValueError: The archive is not one of `compile`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(_METADATA)]
            metadata = json.loads(archive.read(name))
        return {name: str(metadata[f"consilia.{name}"]) for name in ("torch", "instruction_set")}
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise ValueError(f"{path.name} is no archive of compiled code: {error}") from error


def is_usable(path: Path) -> bool:
    """Whether the code of an archive runs with the torch and on the processor that are here.

    Raises:
        ValueError: The archive is not one of `compile`.
    """
    wanted, capabilities = compiled_key(path), torch.cpu.get_capabilities()
    architecture, *names = wanted["instruction_set"].split()
    return (
        wanted["torch"] == key()["torch"]
        and architecture == capabilities.get("architecture", platform.machine())
        and all(capabilities.get(name) is True for name in names)
    )


@contextmanager
def _without_tensors(program: ExportedProgram) -> Iterator[None]:
    """Within, every tensor of the program is one element that stands for all: shapes stay, bytes go."""
    before = dict(program._state_dict), dict(program._constants)
    for group in (program._state_dict, program._constants):
        for name, value in group.items():
            if isinstance(value, Tensor):
                empty = value.new_zeros(()).expand(value.shape)
                group[name] = nn.Parameter(empty, False) if isinstance(value, nn.Parameter) else empty
    try:
        yield
    finally:
        program._state_dict.update(before[0])
        program._constants.update(before[1])


def save_source(program: ExportedProgram, path: Path, *, has_weights: bool) -> None:
    """Writes what compiling again starts from; without weights where those lie in a file of their own."""
    if has_weights:
        torch.export.save(program, path)
        return
    with _without_tensors(program), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No complete tensor found")  # As meant.
        torch.export.save(program, path)


def load_source(path: Path, weights: Mapping[str, Tensor] | None) -> ExportedProgram:
    """Reads a program of `save_source`; `weights` are those that it was saved without, and that code uses."""
    program = torch.export.load(path)
    if weights is None:
        return program
    for group in (program._state_dict, program._constants):
        for name, value in group.items():
            if not isinstance(value, Tensor):
                continue
            given = weights.get(name, value.detach().contiguous())  # Without one: nothing reads it.
            group[name] = nn.Parameter(given, False) if isinstance(value, nn.Parameter) else given
    return program


class Network:
    """A compiled network: takes images and returns logits, as torch tensors on the CPU."""

    def __init__(self, path: Path, weights: Mapping[str, Tensor] | None = None) -> None:
        """Maps the code; `weights` are the constants that it was compiled without."""
        self._package = torch._inductor.aoti_load_package(str(path))
        self._weights: dict[str, Tensor] = {}
        if weights is not None:
            self.bind(weights)

    def constant_names(self) -> Sequence[str]:
        """The names of the constants, as the module calls them."""
        names: list[str] = self._package.loader.get_constant_fqns()
        return names

    def bind(self, weights: Mapping[str, Tensor]) -> None:
        """Gives the code its constants, which it borrows."""
        self._weights = dict(weights)
        self._package.load_constants(self._weights, check_full_update=True, user_managed=True)

    def __call__(self, images: Tensor) -> Tensor:
        """Images `[N, C, H, W]` in, logits `[N, classes]` out; float32."""
        logits: Tensor = self._package(images.contiguous())
        return logits
