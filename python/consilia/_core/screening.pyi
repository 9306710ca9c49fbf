# Made from the extension by `make stubs`; do not edit.
"""
The X-ray screening service.
"""
from __future__ import annotations
import collections.abc
import consilia._core.access
import consilia._core.inference
import os
import typing
__all__: list[str] = ['Service', 'Statistics', 'Submission', 'WorkResult', 'WorkSummary', 'default_policy']
class Submission:
    """
    What became of one upload.
    """
    @property
    def image_id(self) -> int:
        ...
    @property
    def is_duplicate(self) -> bool:
        """
        The patient has this file already: its newest prediction, and nothing was stored.
        """
    @property
    def prediction_id(self) -> int:
        ...
class WorkResult:
    """
    What became of one task.
    """
    @property
    def confidence(self) -> float:
        ...
    @property
    def diagnosis(self) -> str:
        ...
    @property
    def duration_ms(self) -> float:
        ...
    @property
    def failure_code(self) -> str:
        ...
    @property
    def failure_reason(self) -> str:
        ...
    @property
    def needs_review(self) -> bool:
        ...
    @property
    def outcome(self) -> str:
        """
        `completed`, `failed`, `deferred` or `lost`.
        """
    @property
    def prediction_id(self) -> int:
        ...
class WorkSummary:
    """
    How many tasks ended how.
    """
    @property
    def completed(self) -> int:
        ...
    @property
    def deferred(self) -> int:
        ...
    @property
    def failed(self) -> int:
        ...
    @property
    def lost(self) -> int:
        ...
class Statistics:
    """
    Counts over the predictions that the caller may see.
    """
    @property
    def by_diagnosis(self) -> dict[str, int]:
        ...
    @property
    def by_status(self) -> dict[str, int]:
        ...
    @property
    def needs_review(self) -> int:
        ...
    @property
    def total(self) -> int:
        ...
class Service:
    """
    Receives radiographs, has them judged, and lists the outcome to those who may see it.
    """
    def __init__(self, *, database: str, files: os.PathLike | str | bytes, members: collections.abc.Sequence[os.PathLike | str | bytes] = [], budget_bytes: typing.SupportsInt | typing.SupportsIndex = 0, config: typing.Any = None, device: str = '', threads: typing.SupportsInt | typing.SupportsIndex = 0, policy: typing.Any = None, audit: bool = False, audit_key: bytes = b'') -> None:
        """
        Opens a service.

        Args:
            database: URL of the database, `sqlite:/path/to/file.db`.
            files: Directory of the stored images; made if missing.
            members: Model packages; may be empty where nothing is worked on.
            budget_bytes: Device memory for models; 0: the engine's default.
            config: Settings over the defaults: a dict or JSON text.
            device: `cpu`, `cuda:0`; empty: the best present.
            threads: Within one member's run on a processor; 0: as the process has it. Small members are
                fastest with 1, all the more on a busy machine.
            policy: Who may do what: JSON text, a dict, or a PolicyStore, of which each call takes the one in
                force; None: `default_policy()`.
            audit: Whether who read or changed which record, and who was refused, is written into an audit
                log in the database; see `consilia.AuditLog`.
            audit_key: Of its hashes, 16 bytes or more; empty: none.
        """
    def bootstrap_admin(self, username: str, *, display_name: str = '', email: str = '') -> int:
        """
        Makes the first user, an admin, and returns its id. Raises Conflict if there is any user.
        """
    def create_patient(self, principal: consilia._core.access.Principal, *, record_number: str, full_name: str, birth_date: typing.Any = None, sex: str = '', user_id: typing.SupportsInt | typing.SupportsIndex | None = None) -> int:
        """
        Makes a patient and returns its id. Admins and staff only. `birth_date` is a datetime.date.
        """
    def create_user(self, principal: consilia._core.access.Principal, *, username: str, role: str, display_name: str = '', email: str = '') -> int:
        """
        Makes a user and returns its id. Admins only.
        """
    def delete_prediction(self, principal: consilia._core.access.Principal, prediction_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Deletes a prediction. By the default policy staff delete pending ones, admins any.
        """
    def engine(self) -> consilia._core.inference.Engine:
        """
        The engine, which is opened if it is not yet: for `inference.explain` and the like.
        """
    def engine_status(self) -> dict:
        """
        Memory, plan and members of the engine, which is opened if it is not yet: a dict with `budget_bytes`, `held_bytes`, `peak_bytes`, `members` and `plan`.
        """
    def get(self, principal: consilia._core.access.Principal, prediction_id: typing.SupportsInt | typing.SupportsIndex) -> dict:
        """
        One prediction. Raises NotFound also for one that the caller may not see.
        """
    def get_patient(self, principal: consilia._core.access.Principal, patient_id: typing.SupportsInt | typing.SupportsIndex) -> dict:
        """
        One patient, with the fields that the caller may read. Raises NotFound also for one that the caller may not see.
        """
    def list_json(self, principal: consilia._core.access.Principal, *, where: str = '', order: str = '-created_at', page: typing.SupportsInt | typing.SupportsIndex = 1, page_size: typing.SupportsInt | typing.SupportsIndex = 25) -> bytes:
        """
        A page of what the caller may see, as the bytes of one JSON object.
        """
    def retry(self, principal: consilia._core.access.Principal, prediction_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Queues a failed prediction again.
        """
    def statistics(self, principal: consilia._core.access.Principal) -> Statistics:
        ...
    def submit(self, principal: consilia._core.access.Principal, source: typing.Any, *, patient_id: typing.SupportsInt | typing.SupportsIndex, client_name: str | None = None) -> Submission:
        """
        Checks, stores and queues one image: a path, or bytes, which are not copied.
        """
    def sweep_orphans(self, *, older_than_s: typing.SupportsInt | typing.SupportsIndex = 86400) -> int:
        """
        Removes files without a row that are older than this, and returns how many.
        """
    def update_patient(self, principal: consilia._core.access.Principal, patient_id: typing.SupportsInt | typing.SupportsIndex, **kwargs) -> None:
        """
        Changes what is named, all or nothing: record_number, full_name, sex, birth_date, user_id.

        Raises:
            PermissionDenied: `access.fields`, with the names of fields that the caller may not change.
            ValidationError: `patient.invalid`, with the field.
            NotFound: For a patient that the caller may not see, too.
        """
    def work(self, *, max_tasks: typing.SupportsInt | typing.SupportsIndex | None = None, worker_id: str = '', progress: typing.Any = None) -> WorkSummary:
        """
        Does due tasks until none is left, `max_tasks` are done, or `progress` returned False.
        """
    def work_one(self, *, worker_id: str = '', progress: typing.Any = None) -> WorkResult | None:
        """
        Does the next due task; None if there is none. `progress(prediction_id, member_id, done, total)` may return False to stop.
        """
def default_policy() -> dict:
    """
    The founding rules, as the document of a policy: change it and hand it to a service.
    """
