"""What columns, references and indexes of a model promise beyond their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consilia._core import Expression


@dataclass(frozen=True)
class ColumnOptions:
    """What a column promises beyond its type; made by `column`."""

    default: Any = None
    unique: bool = False
    index: bool = False
    max_length: int = 0
    choices: Sequence[str] = ()
    check: Expression | str | None = None
    now: bool = False


@dataclass(frozen=True)
class ReferenceOptions:
    """How a reference behaves; made by `reference`."""

    on_delete: str = "restrict"
    unique: bool = False
    index: bool = True


@dataclass(frozen=True)
class Index:
    """Over several columns, `-` before a name for descending: `indexes = (Index("status", "-id"),)`."""

    columns: tuple[str, ...]
    unique: bool = False
    where: Expression | str | None = None
    ignores_deleted: bool = False

    def __init__(
        self,
        *columns: str,
        unique: bool = False,
        where: Expression | str | None = None,
        ignores_deleted: bool = False,
    ) -> None:
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "unique", unique)
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "ignores_deleted", ignores_deleted)


def column(
    *,
    default: Any = None,
    unique: bool = False,
    index: bool = False,
    max_length: int = 0,
    choices: Sequence[str] = (),
    check: Expression | str | None = None,
    now: bool = False,
) -> Any:
    """What a column promises beyond its type; the database enforces it, whoever writes.

    Args:
        default: The value of a new row that does not say another.
        unique: No two rows have the same value.
        index: Queries look rows up by this column.
        max_length: Of a text, in code points; 0: any.
        choices: The only texts allowed.
        check: A condition over this column that must not be false.
        now: The default of a time is that of the insert.
    """
    return ColumnOptions(default, unique, index, max_length, choices, check, now)


def reference(*, on_delete: str = "restrict", unique: bool = False, index: bool = True) -> Any:
    """How a reference behaves.

    Args:
        on_delete: What becomes of the row when the one it refers to is deleted: `restrict`, `cascade` or
            `set null`.
        unique: At most one row refers to each.
        index: Rows are looked up by what they refer to.
    """
    return ReferenceOptions(on_delete, unique, index)
