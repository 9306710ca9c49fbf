# Made from the extension by `make stubs`; do not edit.
"""
Who did what: the audit log.
"""
from __future__ import annotations
import collections.abc
import os
import typing
__all__: list[str] = ['AuditAnchor', 'AuditArchive', 'AuditEntry', 'AuditEvent', 'AuditLog', 'AuditReport', 'verify_audit_file']
class AuditAnchor:
    """
    A place in the chain. Kept elsewhere, the newest one proves that no entry up to it was changed or cut off.
    """
    def __eq__(self, arg0: AuditAnchor) -> bool:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, sequence: typing.SupportsInt | typing.SupportsIndex = 0, hash: str = '0000000000000000000000000000000000000000000000000000000000000000') -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def hash(self) -> str:
        """
        64 hexadecimal digits.
        """
    @property
    def sequence(self) -> int:
        """
        Zero: before the first entry.
        """
class AuditEvent:
    """
    What is to be written down: who did what to which record, from where, and why it was allowed. Never the values of the record.
    """
    def __init__(self, *, action: str, resource: str, record_id: typing.Any = None, user_id: typing.Any = None, user_name: str = '', roles: str = '', outcome: str = 'allowed', rule: str = '', reason: str = '', address: str = '', details: typing.Any = None) -> None:
        """
        Ids are int, str or UUID; None: nobody in particular, no single record. Texts have at most 200 bytes, `reason` 1000.
        `details` is a dict (or the JSON of one): which fields, not their values.
        """
    @property
    def action(self) -> str:
        ...
    @property
    def address(self) -> str:
        ...
    @property
    def details(self) -> typing.Any:
        ...
    @property
    def outcome(self) -> str:
        """
        `allowed` or `denied`.
        """
    @property
    def reason(self) -> str:
        ...
    @property
    def record_id(self) -> typing.Any:
        ...
    @property
    def resource(self) -> str:
        ...
    @property
    def roles(self) -> str:
        ...
    @property
    def rule(self) -> str:
        ...
    @property
    def user_id(self) -> typing.Any:
        ...
    @property
    def user_name(self) -> str:
        ...
class AuditEntry(AuditEvent):
    """
    One link of the chain, as it is stored; ids are texts.
    """
    def to_json_line(self) -> str:
        """
        One line of JSON with a fixed order of keys, without a line end. `hash` is that of the line without it.
        """
    @property
    def at(self) -> typing.Any:
        """
        In UTC.
        """
    @property
    def hash(self) -> str:
        ...
    @property
    def previous(self) -> str:
        """
        The hash of the entry before.
        """
    @property
    def sequence(self) -> int:
        """
        From 1, without a gap.
        """
class AuditReport:
    """
    What a verification found. A fault is an answer.
    """
    def __repr__(self) -> str:
        ...
    @property
    def begin(self) -> AuditAnchor:
        """
        The place before the first of them.
        """
    @property
    def end(self) -> AuditAnchor:
        """
        The last of them.
        """
    @property
    def entries(self) -> int:
        """
        That were found good, one after the other.
        """
    @property
    def explain(self) -> str:
        """
        One sentence for people.
        """
    @property
    def fault(self) -> str:
        """
        `none`, `changed`, `removed`, `reordered`, `added`, `cut_tail` or `rewritten`.
        """
    @property
    def is_sound(self) -> bool:
        ...
    @property
    def sequence(self) -> int:
        """
        The first that is bad; 0: none.
        """
class AuditArchive:
    """
    What a rotation did.
    """
    @property
    def begin(self) -> AuditAnchor:
        """
        The place before the first of them.
        """
    @property
    def end(self) -> AuditAnchor:
        """
        The last one in the file.
        """
    @property
    def entries(self) -> int:
        """
        Zero: nothing was old enough, and no file was written.
        """
class AuditLog:
    """
    An append-only log in a database, whose entries are chained by their hashes.
    """
    def __init__(self, database: typing.Any, *, key: bytes = b'', details_bytes_max: typing.SupportsInt | typing.SupportsIndex = 4096) -> None:
        """
        `key`: of the hashes (HMAC-SHA-256), 16 bytes or more, kept where the database is not; without one everybody
        who can write the table can calculate the chain anew. One key for the life of a log.
        """
    def append(self, event: AuditEvent, *, session: typing.Any = None) -> AuditAnchor:
        """
        Writes an entry that exists if the transaction is committed; without one, in its own. Returns its place.

        What tells of a change belongs into its transaction, as its last statement; a denial into one of its own.
        """
    def append_many(self, events: collections.abc.Sequence[AuditEvent], *, session: typing.Any = None) -> AuditAnchor:
        """
        As `append`, for the records of a page: one entry each, all or none. Returns the place of the last.
        """
    def create_schema(self) -> None:
        """
        Creates tables, indexes and triggers where they are missing, and binds a new log to the key.
        """
    def export_json_lines(self, file: os.PathLike | str | bytes, *, resource: str = '', record_id: typing.Any = None, user_id: typing.Any = None, action: str = '', outcome: str | None = None, since: typing.Any = None, until: typing.Any = None) -> int:
        """
        Writes a new file with one line of JSON for each entry, oldest first. Returns how many.
        """
    def find(self, *, resource: str = '', record_id: typing.Any = None, user_id: typing.Any = None, action: str = '', outcome: str | None = None, since: typing.Any = None, until: typing.Any = None, limit: typing.SupportsInt | typing.SupportsIndex = 100, after_sequence: typing.SupportsInt | typing.SupportsIndex = 0, newest_first: bool = False, session: typing.Any = None) -> list[AuditEntry]:
        """
        The entries: who saw a record (`resource` and `record_id`), what a user did (`user_id`).

        Args:
            since: At or after, a datetime with a time zone.
            until: Before.
            after_sequence: Of the last entry of the page before; 0: from the start.
        """
    def head(self) -> AuditAnchor:
        """
        The newest place in the chain: to be kept elsewhere.
        """
    def rotate(self, file: os.PathLike | str | bytes, *, before: typing.Any = None, keep: typing.SupportsInt | typing.SupportsIndex | None = None, user_id: typing.Any = None, user_name: str = '', roles: str = '') -> AuditArchive:
        """
        Moves the oldest entries into a new file that proves itself, then removes them.

        Args:
            before: Up to the first entry that is not older.
            keep: All but so many of the newest.
            user_id: Who rotates, with name and roles: it is an entry itself.
        """
    def verify(self, *, after: AuditAnchor | None = None, anchor: AuditAnchor | None = None) -> AuditReport:
        """
        Reads the chain in one snapshot.

        Args:
            after: The `end` of an earlier report: only what is newer is read.
            anchor: A place that was kept elsewhere: must be part of the chain.
        """
def verify_audit_file(file: os.PathLike | str | bytes, *, key: bytes = b'', after: AuditAnchor | None = None, anchor: AuditAnchor | None = None) -> AuditReport:
    """
    Verifies an archive by itself. Archives belong back to back: the `end` of one is `after` of the next, and of the
    table.
    """
