# Made from the extension by `make stubs`; do not edit.
"""
Who may do what, and who did: policies, principals, the audit log.
"""
from __future__ import annotations
import collections.abc
import consilia._core
import os
import typing
import uuid
__all__: list[str] = ['AccessExample', 'Assignments', 'AuditAnchor', 'AuditArchive', 'AuditEntry', 'AuditEvent', 'AuditLog', 'AuditReport', 'AuditTrail', 'Context', 'Decision', 'Delegation', 'Explanation', 'Finding', 'Guard', 'ImportedPolicy', 'LentPermission', 'NeverResult', 'PermissionGrant', 'Policy', 'PolicyChange', 'PolicyStore', 'Principal', 'RoleAssignment', 'RoleGrant', 'RuleTrace', 'create_assignment_tables', 'create_policy_tables', 'diff', 'fields_of', 'find_violations', 'import_casbin', 'import_cedar', 'lint', 'load_policy', 'policy_schema', 'save_policy', 'verify_audit_file']
class Context:
    """
    The circumstances of a question.
    """
    def __init__(self, now: typing.Any = None, address: str = '', attributes: typing.Any = None) -> None:
        """
        `now` is a datetime with a time zone (None: the machine's clock); `address` that of the client;
        `attributes` are those that the policy declares, for `:context_<name>`.
        """
    @property
    def address(self) -> str:
        ...
    @property
    def attributes(self) -> dict:
        ...
    @property
    def now(self) -> typing.Any:
        ...
class Delegation:
    """
    A permission that somebody lends until it ends; it counts only where the policy
    declares it delegable.
    """
    def __init__(self, from_id: typing.Any, from_roles: typing.Any, permission: str, *, ends_at: typing.Any, starts_at: typing.Any = None, from_name: str = '', from_attributes: typing.Any = None) -> None:
        """
        `permission` is `resource:action`, either part may be `*`; it counts from `starts_at` until just
        before `ends_at`.
        """
    @property
    def ends_at(self) -> typing.Any:
        ...
    @property
    def from_attributes(self) -> dict:
        ...
    @property
    def from_id(self) -> typing.Any:
        ...
    @property
    def from_name(self) -> str:
        ...
    @property
    def from_roles(self) -> list[str]:
        ...
    @property
    def permission(self) -> str:
        ...
    @property
    def starts_at(self) -> typing.Any:
        ...
class RuleTrace:
    """
    A rule that was looked at.
    """
    def __repr__(self) -> str:
        ...
    @property
    def condition(self) -> str | None:
        """
        As text; None: always true.
        """
    @property
    def effect(self) -> str:
        """
        `allow` or `deny`.
        """
    @property
    def rule(self) -> str:
        ...
    @property
    def truth(self) -> bool | None:
        """
        Of the condition; None: unknown.
        """
class Explanation:
    """
    A decision with its reasons; true where it is allowed.
    """
    def __bool__(self) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def to_json(self) -> str:
        ...
    @property
    def allowed(self) -> bool:
        ...
    @property
    def condition(self) -> str | None:
        """
        Of that rule, as text; None where it has none.
        """
    @property
    def reason(self) -> str:
        ...
    @property
    def rule(self) -> str | None:
        """
        The rule or separation that decided; None where none did.
        """
    @property
    def rules(self) -> list[RuleTrace]:
        """
        Every rule that concerns the question.
        """
    @property
    def sentence(self) -> str:
        """
        For people: never the object's values.
        """
    @property
    def values(self) -> dict:
        """
        The fields and parameters that conditions name: for whoever writes policies, not for whoever was
        refused.
        """
class PermissionGrant:
    """
    What a principal may do, and to which objects.
    """
    def __repr__(self) -> str:
        ...
    @property
    def action(self) -> str:
        ...
    @property
    def condition(self) -> consilia._core.Expression:
        """
        The scope.
        """
    @property
    def fields(self) -> list[str]:
        """
        `Policy.fields`.
        """
    @property
    def resource(self) -> str:
        ...
class RoleGrant:
    """
    A role that may do something, and to which objects.
    """
    def __repr__(self) -> str:
        ...
    @property
    def condition(self) -> consilia._core.Expression:
        """
        With the principal's parameters, not their values.
        """
    @property
    def role(self) -> str:
        ...
class Principal:
    """
    Principal(user_id: int | str | uuid.UUID | None, roles: str | collections.abc.Iterable[str], name: str = '', *, attributes: dict[str, typing.Any] | None = None, delegations: collections.abc.Iterable[Delegation] = ())

    On whose behalf something is done; immutable.

    Make it once for a request: the first question looks its names up, the next ones do not.
    `attributes` are those that the policy declares.
    """
    @classmethod
    def __new__(cls, user_id: int | str | uuid.UUID | None, roles: str | collections.abc.Iterable[str], name: str = '', *, attributes: dict[str, typing.Any] | None = None, delegations: collections.abc.Iterable[Delegation] = tuple()) -> Principal:
        ...
    def __eq__(self, value):
        """
        Return self==value.
        """
    def __ge__(self, value):
        """
        Return self>=value.
        """
    def __gt__(self, value):
        """
        Return self>value.
        """
    def __hash__(self):
        """
        Return hash(self).
        """
    def __le__(self, value):
        """
        Return self<=value.
        """
    def __lt__(self, value):
        """
        Return self<value.
        """
    def __ne__(self, value):
        """
        Return self!=value.
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    @property
    def attributes(self) -> dict[str, typing.Any]:
        """
        For `:principal_<name>`.
        """
    @property
    def delegations(self) -> tuple[Delegation, ...]:
        """
        What others lend.
        """
    @property
    def name(self) -> str:
        """
        For logs and conditions; not an identity.
        """
    @property
    def role(self) -> str:
        """
        The first role; empty without one.
        """
    @property
    def roles(self) -> tuple[str, ...]:
        """
        The roles, as they were given.
        """
    @property
    def user_id(self) -> int | str | uuid.UUID | None:
        """
        None is nobody in particular.
        """
class Decision:
    """
    The answer of a policy: true where it is allowed. Immutable.

    `Policy.explain` tells more of the same question.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __bool__(self):
        """
        True if self else False
        """
    def __eq__(self, value):
        """
        Return self==value.
        """
    def __ge__(self, value):
        """
        Return self>=value.
        """
    def __gt__(self, value):
        """
        Return self>value.
        """
    def __hash__(self):
        """
        Return hash(self).
        """
    def __le__(self, value):
        """
        Return self<=value.
        """
    def __lt__(self, value):
        """
        Return self<value.
        """
    def __ne__(self, value):
        """
        Return self!=value.
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    @property
    def allowed(self) -> bool:
        """
        Also the truth of the decision itself.
        """
    @property
    def condition(self) -> str | None:
        """
        Of that rule, as text; None where it has none.
        """
    @property
    def reason(self) -> str:
        """
        `allowed_by_rule`, `allowed_by_delegation`, `denied_by_rule`, `no_rule`, `unknown_role`,
        `unknown_permission` or `separation_of_duties`.
        """
    @property
    def rule(self) -> str | None:
        """
        The name of the rule or separation that decided; None where none did.
        """
class Policy:
    """
    Policy(document: str | dict[str, typing.Any])

    A compiled, immutable policy: what each role may do, to which objects and fields.

    It is compiled from JSON text, or from a dict of the same form (`policy_schema`). Default
    deny; a deny rule overrides every allow rule; nulls are unknown as in SQL.

    Raises:
        ValidationError: a code that begins with `policy.`, naming the place.
    """
    @staticmethod
    def __reduce__(*args, **kwargs):
        """
        For pickle.
        """
    @staticmethod
    def from_file(path: str | os.PathLike[str]) -> Policy:
        """
        Reads the JSON form from a file.

        Raises:
            NotFound: `file.not_found`.
            ValidationError: as `Policy`.
        """
    @classmethod
    def __new__(cls, document: str | dict[str, typing.Any]) -> Policy:
        ...
    def __repr__(self):
        """
        Return repr(self).
        """
    def allows(self, principal: Principal, action: str, resource: str, object: typing.Any = None, context: Context | None = None) -> bool:
        """
        As `check`, for those who need no reason.
        """
    def check(self, principal: Principal, action: str, resource: str, object: typing.Any = None, context: Context | None = None) -> Decision:
        """
        May the principal do this to the object?

        `object` is a dict (nested, or with dotted keys), a record of the data layer or anything with
        attributes, and must have the fields that conditions ask for; without one each is null, as for an
        object that does not exist yet.

        Raises:
            InvalidArgument: `access.missing_field`, `value.type` for a field that is no value,
                `expression.type` for values that cannot be compared.
        """
    def check_many(self, principal: Principal, action: str, resource: str, objects: collections.abc.Iterable[typing.Any], context: Context | None = None) -> list[Decision]:
        """
        As `check`, for each object of a page; rows of a query are read where they lie.
        """
    def condition_fields(self, action: str, resource: str) -> list[str]:
        """
        The paths that conditions name, for any role: what an object must have.
        """
    def explain(self, principal: Principal, action: str, resource: str, object: typing.Any = None, context: Context | None = None) -> Explanation:
        """
        The same question as `check`, with every reason: for people and logs.
        """
    def fields(self, principal: Principal, action: str, resource: str, object: typing.Any = None, context: Context | None = None) -> list[str]:
        """
        The fields that the principal has, sorted: of this object; without one, of every object, to select,
        filter and sort by.
        """
    def has_permission(self, action: str, resource: str) -> bool:
        """
        Whether `resource:action` is declared.
        """
    def has_role(self, role: str) -> bool:
        """
        Whether the role is declared.
        """
    def permissions_of(self, principal: Principal, context: Context | None = None) -> list[PermissionGrant]:
        """
        Everything that the principal may do, in the order of names.
        """
    def possible_fields(self, principal: Principal, action: str, resource: str, context: Context | None = None) -> list[str]:
        """
        Those of any object: to select before `redact` decides row by row.
        """
    def redact(self, principal: Principal, action: str, resource: str, object: typing.Any, context: Context | None = None) -> typing.Any:
        """
        A copy without the members that the principal does not have.

        Of a dict or record a dict, of several a list, of JSON text JSON text. The paths of
        nested dicts are dotted, a list inside is one member. What an object lacks is null to
        conditions. What is kept is not copied.
        """
    def require(self, principal: Principal, action: str, resource: str, object: typing.Any = None, context: Context | None = None) -> None:
        """
        As `check`, but a denial is raised.

        Raises:
            PermissionDenied: `access.denied`, with role, permission, reason and rule.
        """
    def require_fields(self, principal: Principal, action: str, resource: str, names: collections.abc.Iterable[str], object: typing.Any = None, context: Context | None = None) -> None:
        """
        Refuses what is written to fields that the principal does not have for this object.

        Raises:
            PermissionDenied: `access.fields`, with all of their names.
        """
    def roles(self) -> list[str]:
        """
        The declared roles, in the order of the document.
        """
    def scope(self, principal: Principal, action: str, resource: str, context: Context | None = None) -> consilia._core.Expression:
        """
        The condition that holds for exactly the objects that `check` allows: for `where`.
        """
    def to_json(self) -> str:
        """
        The document as JSON; `Policy` of it gives the same policy.
        """
    def who_can(self, action: str, resource: str, principals: collections.abc.Iterable[Principal] | None = None, object: typing.Any = None, context: Context | None = None) -> list[typing.Any]:
        """
        The roles that may do it, as RoleGrant; of `principals`, those who may do it to the object.
        """
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
class AuditTrail:
    """
    What guards decide during one request, on its way into an audit log: what was allowed with the
    change that it tells of, what was denied by itself, when the block ends. Begin it before the transaction.

        with access.AuditTrail(log) as trail, db.begin() as transaction:
            access.Guard(policy, ann, "visit", Visit, trail=trail).update(transaction, 7, status="seen")
            trail.write(transaction)
    """
    def __enter__(self) -> typing.Any:
        ...
    def __exit__(self, *args) -> None:
        ...
    def __init__(self, log: AuditLog) -> None:
        ...
    def write(self, session: typing.Any = None) -> None:
        """
        Writes all so far: into this transaction, or without one by itself, before what was read is handed out.
        """
class Guard:
    """
    Scoped queries and checked changes of one model's records, on behalf of one principal. A record that may not be
    read is answered as one that does not exist.
    """
    def __init__(self, policy: Policy, principal: Principal, resource: str, model: typing.Any, *, context: typing.Any = None, trail: AuditTrail = None) -> None:
        """
        `resource` is the policy's name for the records; `trail` is told what is decided.
        """
    def filter(self, text: str) -> consilia._core.Expression:
        """
        A condition from outside: it names only fields that the principal may read for every row.

        Raises:
            InvalidArgument: `access.field`, `access.filter`, `expression.syntax`.
        """
    def get(self, session: typing.Any, id: typing.SupportsInt | typing.SupportsIndex) -> typing.Any:
        """
        One record with the fields that the principal has for it.

        Raises:
            NotFound: For a record that does not exist and for one that may not be read alike.
        """
    def insert(self, session: typing.Any, **kwargs) -> int:
        """
        Adds a record with these values, if the principal may `create` it; its id.

        Raises:
            PermissionDenied: `access.denied`, `access.fields`.
        """
    def order(self, text: str) -> list[str]:
        """
        An order from outside, `-created_at,id`, for `order_by`; the primary key is always the last.
        """
    def query(self, action: str = 'read') -> typing.Any:
        """
        The rows to which the principal may do this, and of them the fields that it has under `read` for every row.
        Narrow it, order it, count it, prefetch with it: the scope stays.

        Raises:
            PermissionDenied: `access.denied` where the principal can never do it to anything; `access.no_fields`.
        """
    def remove(self, session: typing.Any, id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Deletes a record, if the principal may `delete` it: marks it, in a model with soft delete.
        """
    def require(self, session: typing.Any, id: typing.SupportsInt | typing.SupportsIndex, action: str) -> None:
        """
        Refuses unless the principal may do this to the record.

        Raises:
            NotFound: Unless it may be read.
            PermissionDenied: `access.denied`.
        """
    def rows(self, action: str = 'read') -> typing.Any:
        """
        As `query`, with all columns: for aggregates, and where no row leaves the program.
        """
    def tell_read(self, rows: typing.Any) -> None:
        """
        Tells the trail that these rows of a query were read.
        """
    def update(self, session: typing.Any, id: typing.SupportsInt | typing.SupportsIndex, **kwargs) -> None:
        """
        Changes what is named, if the principal may `update` the record, before and after.

        Raises:
            NotFound: Unless it may be read.
            PermissionDenied: `access.denied`, `access.fields`; roll back then.
        """
class PolicyStore:
    """
    The policy in force: one for all threads, replaced as a whole while they ask.

    After a fork (gunicorn's `preload_app`, multiprocessing) the child makes its own.
    """
    @staticmethod
    def from_file(path: os.PathLike | str | bytes) -> PolicyStore:
        """
        The policy in a file. Replace it by renaming another one; `refresh` and `watch` follow.
        """
    @staticmethod
    def from_loader(loader: typing.Any) -> PolicyStore:
        """
        What a function gives: JSON text or a dict if it is another policy than before, else None.
        """
    @staticmethod
    def from_tables(database: typing.Any) -> PolicyStore:
        """
        The policy in the tables of a database; see `create_policy_tables`.
        """
    def __init__(self, document: typing.Any) -> None:
        """
        A store of a policy as JSON text or a dict.
        """
    def refresh(self) -> bool:
        """
        Looks at the source now; whether there was a change. What is wrong with the source is raised
        with each call until it is mended, and the policy in force stays.
        """
    def replace(self, document: typing.Any) -> int:
        """
        Puts a policy in force and gives its version; one that is refused leaves the old one.
        """
    def stop_watching(self) -> None:
        """
        Ends the watch, and waits for a callback that runs.
        """
    def watch(self, *, interval_ms: typing.SupportsInt | typing.SupportsIndex = 1000, on_change: typing.Any = None, on_error: typing.Any = None) -> None:
        """
        Refreshes from now on, on a thread of its own. `on_change(policy)` is called after a change,
        `on_error(error)` after a look that failed.
        """
    @property
    def policy(self) -> Policy:
        """
        The policy in force. A request takes it once and asks it all of its questions: it lives on after a change.
        """
    @property
    def version(self) -> int:
        """
        1 at first, one more with each change.
        """
class RoleAssignment:
    """
    A role of a user, and when it counts.
    """
    def __repr__(self) -> str:
        ...
    @property
    def ends_at(self) -> typing.Any:
        """
        From here on it counts no more; None: until revoked.
        """
    @property
    def granted_by(self) -> int | None:
        ...
    @property
    def id(self) -> int:
        ...
    @property
    def role(self) -> str:
        ...
    @property
    def starts_at(self) -> typing.Any:
        ...
    @property
    def user_id(self) -> int:
        ...
class LentPermission:
    """
    A permission that a user lends until it ends.
    """
    def __repr__(self) -> str:
        ...
    @property
    def borrower_id(self) -> int:
        ...
    @property
    def ends_at(self) -> typing.Any:
        ...
    @property
    def id(self) -> int:
        ...
    @property
    def lender_id(self) -> int:
        ...
    @property
    def lender_name(self) -> str:
        ...
    @property
    def permission(self) -> str:
        ...
    @property
    def starts_at(self) -> typing.Any:
        ...
class Assignments:
    """
    Who has which role, and who lends what to whom, in tables with a history.

    A `session` is a Database (each call is then a transaction of its own) or a transaction; who
    may change what is for the caller's policy to say.
    """
    def __init__(self, database: typing.Any) -> None:
        ...
    def assign(self, session: typing.Any, policy: Policy, user_id: typing.SupportsInt | typing.SupportsIndex, role: str, *, granted_by: typing.SupportsInt | typing.SupportsIndex | None = None, starts_at: typing.Any = None, ends_at: typing.Any = None) -> RoleAssignment:
        """
        Gives a user a role; one that the user has already gets this period. It starts now and ends when it
        is revoked, unless it is said; the granter is who acts in the transaction.

        Raises:
            ValidationError: `access.unknown_role`, `access.period`.
            Conflict: `access.separation`, naming the separation that the roles would break.
        """
    def assignments_of(self, session: typing.Any, user_id: typing.SupportsInt | typing.SupportsIndex) -> list[RoleAssignment]:
        """
        The assignments that have not ended, the oldest first.
        """
    def delegate(self, session: typing.Any, policy: Policy, lender: Principal, borrower_id: typing.SupportsInt | typing.SupportsIndex, permission: str, *, ends_at: typing.Any, starts_at: typing.Any = None) -> LentPermission:
        """
        Lends what the lender may do, at most 366 days ahead; what was lent is not lent on.

        Raises:
            PermissionDenied: `access.delegation`, unless it is delegable and the lender may do it.
            ValidationError: `access.unknown_permission`, `access.period`, `access.borrower`.
            Conflict: `access.separation`.
            ResourceExhausted: `access.borrowed_max`, past 100 to one borrower.
        """
    def lent_by(self, session: typing.Any, lender_id: typing.SupportsInt | typing.SupportsIndex) -> list[LentPermission]:
        """
        What a user lends and has not ended.
        """
    def lent_to(self, session: typing.Any, borrower_id: typing.SupportsInt | typing.SupportsIndex) -> list[LentPermission]:
        """
        What is lent to a user and has not ended.
        """
    def principal(self, session: typing.Any, user_id: typing.SupportsInt | typing.SupportsIndex, name: str = '') -> Principal:
        """
        The user as a policy is asked: the roles of now, and what is lent now by those who may do it still.
        """
    def revoke(self, session: typing.Any, user_id: typing.SupportsInt | typing.SupportsIndex, role: str) -> bool:
        """
        Takes a role away, now; whether the user had it.
        """
    def roles_of(self, session: typing.Any, user_id: typing.SupportsInt | typing.SupportsIndex) -> list[str]:
        """
        The roles of now, the oldest assignment first.
        """
    def take_back(self, session: typing.Any, id: typing.SupportsInt | typing.SupportsIndex, *, lender_id: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        Ends a delegation, now; whether this lender lent it.
        """
    def users_with(self, session: typing.Any, role: str, *, after: typing.SupportsInt | typing.SupportsIndex | None = None, limit: typing.SupportsInt | typing.SupportsIndex = 1000) -> list[int]:
        """
        The ids of the users who have the role now, in ascending order, at most `limit` after `after`.
        """
class AccessExample:
    """
    An access that shows something: put it to `Policy.check`.
    """
    def __repr__(self) -> str:
        ...
    @property
    def action(self) -> str:
        ...
    @property
    def context(self) -> Context:
        ...
    @property
    def object(self) -> dict:
        """
        Values by dotted path; what is absent is null.
        """
    @property
    def principal(self) -> Principal:
        ...
    @property
    def resource(self) -> str:
        ...
class Finding:
    """
    Something that a policy's author should look at.
    """
    def __repr__(self) -> str:
        ...
    @property
    def code(self) -> str:
        """
        Stable: `lint.unreachable`.
        """
    @property
    def example(self) -> AccessExample | None:
        ...
    @property
    def message(self) -> str:
        ...
    @property
    def rules(self) -> list[str]:
        """
        Names of the rules that it is about, the culprit first.
        """
    @property
    def severity(self) -> str:
        """
        `info`, `warning` or `error`.
        """
class PolicyChange:
    """
    What principals with a role alone may do after a change and not before, or the
    other way round.
    """
    def __repr__(self) -> str:
        ...
    @property
    def action(self) -> str:
        ...
    @property
    def example(self) -> AccessExample | None:
        """
        None: it could not be decided whether there is one.
        """
    @property
    def field(self) -> str:
        """
        Empty: the permission itself.
        """
    @property
    def is_certain(self) -> bool:
        ...
    @property
    def kind(self) -> str:
        """
        `gains` or `loses`.
        """
    @property
    def resource(self) -> str:
        ...
    @property
    def role(self) -> str:
        ...
class NeverResult:
    """
    Whether a policy can ever allow what a `never` rule forbids.
    """
    def __repr__(self) -> str:
        ...
    @property
    def counterexample(self) -> AccessExample | None:
        """
        That the policy allows, where violated.
        """
    @property
    def reason(self) -> str:
        """
        Why it is not known.
        """
    @property
    def rule(self) -> str:
        ...
    @property
    def verdict(self) -> str:
        """
        `proved`, `violated` or `unknown`.
        """
class ImportedPolicy:
    """
    A policy that answers as the one that it was made from.
    """
    def to_json(self) -> str:
        ...
    @property
    def actions(self) -> dict[str, str]:
        ...
    @property
    def assignments(self) -> dict[str, list[str]]:
        """
        The roles of each subject that the policy names.
        """
    @property
    def context_attributes(self) -> dict[str, str]:
        ...
    @property
    def document(self) -> dict:
        """
        What `Policy` is made of.
        """
    @property
    def notes(self) -> list[str]:
        """
        What whoever uses the document must know.
        """
    @property
    def object_resource(self) -> str:
        """
        The one resource that all objects are of; empty: `resources` has them.
        """
    @property
    def other_role(self) -> str:
        """
        The role of subjects that it does not name; empty: they may do nothing.
        """
    @property
    def principal_attributes(self) -> dict[str, str]:
        ...
    @property
    def resources(self) -> dict[str, str]:
        ...
    @property
    def roles(self) -> dict[str, str]:
        """
        Names as they were, and as they are in the document; so are the next ones.
        """
def create_assignment_tables(database: typing.Any) -> None:
    """
    Creates what is missing of the tables of roles and delegations.
    """
def create_policy_tables(database: typing.Any) -> None:
    """
    Creates what is missing of the tables that a policy is edited in.
    """
def diff(before: typing.Any, after: typing.Any, *, fields: collections.abc.Mapping[str, collections.abc.Mapping[str, str]] = {}, max_steps: typing.SupportsInt | typing.SupportsIndex = 20000, max_steps_total: typing.SupportsInt | typing.SupportsIndex = 5000000) -> list[PolicyChange]:
    """
    Every difference for every role, permission and field of two policies, with an access that only one
    of them allows. What is not listed is proved to be the same.
    """
def fields_of(model: typing.Any, *, levels: typing.SupportsInt | typing.SupportsIndex = 3) -> dict:
    """
    The fields of a model's records with their types, for a resource's `fields` in a policy.
    """
def find_violations(document: typing.Any, *, fields: collections.abc.Mapping[str, collections.abc.Mapping[str, str]] = {}, max_steps: typing.SupportsInt | typing.SupportsIndex = 20000, max_steps_total: typing.SupportsInt | typing.SupportsIndex = 5000000) -> list[NeverResult]:
    """
    Proves or refutes each `never` rule of a document, for principals with any roles.
    """
def import_casbin(model: str, policy: str) -> ImportedPolicy:
    """
    Reads a model of Casbin and its policy as CSV, as text. What has another meaning here is refused:
    ValidationError (`import.casbin`) with source, line, column and construct.
    """
def import_cedar(text: str) -> ImportedPolicy:
    """
    Reads policies of Cedar. What has another meaning here is refused: ValidationError
    (`import.cedar`) with line, column and construct.
    """
def lint(document: typing.Any, *, fields: collections.abc.Mapping[str, collections.abc.Mapping[str, str]] = {}, max_steps: typing.SupportsInt | typing.SupportsIndex = 20000, max_steps_total: typing.SupportsInt | typing.SupportsIndex = 5000000) -> list[Finding]:
    """
    Mistakes in a policy: JSON text, a dict of the same form, or a `Policy`. `fields` are the names of
    types by path and resource, of resources that the document does not declare.
    """
def load_policy(session: typing.Any) -> dict:
    """
    The policy in the tables, as the dict that `Policy` takes.
    """
def policy_schema() -> str:
    """
    The JSON Schema (2020-12) of a policy's document.
    """
def save_policy(session: typing.Any, document: typing.Any) -> None:
    """
    Replaces the policy in the tables, in this transaction; on a database in one of its own. One that
    makes no policy is refused before anything is changed.
    """
def verify_audit_file(file: os.PathLike | str | bytes, *, key: bytes = b'', after: AuditAnchor | None = None, anchor: AuditAnchor | None = None) -> AuditReport:
    """
    Verifies an archive by itself. Archives belong back to back: the `end` of one is `after` of the next, and of the
    table.
    """
