"""Rewrites a TorchScript archive so that equal modules give equal bytes.

`torch.jit.save` numbers its classes by a counter of the process, names the author's source files in debug
records and adds an id. None of that is needed to load the archive, all of it would change its hash.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

ROOT = "archive"  # The folder within the archive; the reader takes whatever it finds.
_NAMESPACE = "__torch__.member"

_QUALIFIED = re.compile(r"__torch__(?:\.[A-Za-z_]\w*)+")
_PICKLED_GLOBAL = re.compile(rb"c(__torch__[\w.]*)\n(\w+)\n")
_DEFINITION = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)
_PICKLES: tuple[str, ...] = ("data.pkl", "constants.pkl")
_DROPPED = (".debug_pkl", ".data/serialization_id")


def _definitions(code: dict[str, str]) -> dict[str, str]:
    """Splits source files into definitions: qualified name to text.

    Raises:
        ValueError: A file has text before its first definition.
    """
    found: dict[str, str] = {}
    for path, text in code.items():
        namespace = path.removeprefix("code/").removesuffix(".py").replace("/", ".")
        starts = list(_DEFINITION.finditer(text))
        if text[: starts[0].start() if starts else len(text)].strip():
            raise ValueError(f"code: unexpected text at the start of {path}")
        ends = [match.start() for match in starts[1:]] + [len(text)]
        for match, end in zip(starts, ends, strict=True):
            found[f"{namespace}.{match.group(1)}"] = text[match.start() : end]
    return found


def _order(definitions: dict[str, str], pickles: list[bytes]) -> list[str]:
    """The definitions in the order in which the pickled module mentions them, then the others."""
    mentioned = [
        f"{match.group(1).decode()}.{match.group(2).decode()}"
        for pickled in pickles
        for match in _PICKLED_GLOBAL.finditer(pickled)
    ]
    return list(dict.fromkeys([name for name in mentioned if name in definitions] + list(definitions)))


def _renamed(token: str, names: dict[str, str]) -> str:
    """`token` with the longest known definition that it begins with replaced by its new name."""
    parts = token.split(".")
    for length in range(len(parts), 1, -1):
        new = names.get(".".join(parts[:length]))
        if new is not None:
            return ".".join([_NAMESPACE, new, *parts[length:]])
    return token


def _renamed_code(definitions: dict[str, str], names: dict[str, str]) -> bytes:
    """All definitions in one source file, under their new names."""
    texts = []
    for old, new in names.items():
        keyword, rest = definitions[old].split(" ", 1)
        body = rest.removeprefix(old.rsplit(".", 1)[1])
        renamed = _QUALIFIED.sub(lambda match: _renamed(match.group(0), names), body)
        texts.append(f"{keyword} {new}{renamed}")
    return "".join(texts).encode()


def _renamed_pickle(pickled: bytes, names: dict[str, str]) -> bytes:
    def rename(match: re.Match[bytes]) -> bytes:
        new = names.get(f"{match.group(1).decode()}.{match.group(2).decode()}")
        return match.group(0) if new is None else f"c{_NAMESPACE}\n{new}\n".encode()

    return _PICKLED_GLOBAL.sub(rename, pickled)


def canonicalize(source: Path, target: Path) -> None:
    """Copies an archive with stable names, order and dates, uncompressed, and without debug records.

    All classes move to one file, numbered in the order of the module tree. What they compute does not change.

    Raises:
        ValueError: The archive's code has an unknown form.
    """
    with zipfile.ZipFile(source) as archive:
        entries = {name.split("/", 1)[1]: name for name in archive.namelist() if not name.endswith(_DROPPED)}
        code = {
            name: archive.read(entries[name]).decode()
            for name in sorted(entries)
            if name.startswith("code/") and name.endswith(".py")
        }
        pickles = {name: archive.read(entries[name]) for name in _PICKLES if name in entries}
        definitions = _definitions(code)
        ordered = _order(definitions, list(pickles.values()))
        names = {old: f"{old.rsplit('.', 1)[1]}_{index}" for index, old in enumerate(ordered)}

        replaced = {name: _renamed_pickle(pickled, names) for name, pickled in pickles.items()}
        replaced[f"code/{_NAMESPACE.replace('.', '/')}.py"] = _renamed_code(definitions, names)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
            for name in sorted((entries.keys() - code.keys()) | replaced.keys()):
                body = replaced[name] if name in replaced else archive.read(entries[name])
                out.writestr(zipfile.ZipInfo(f"{ROOT}/{name}", date_time=(1980, 1, 1, 0, 0, 0)), body)


def tensor_bytes(path: Path) -> int:
    """Bytes of the tensors within a canonical archive: attributes of the module and constants of its code."""
    with zipfile.ZipFile(path) as archive:
        folders = (f"{ROOT}/data/", f"{ROOT}/constants/")
        return sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith(folders))
