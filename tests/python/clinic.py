"""A service with people and patients, for tests."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from consilia import screening

REPOSITORY = Path(__file__).resolve().parents[2]
MEMBERS = sorted((REPOSITORY / "examples" / "demo_members" / "packages").glob("*.member"))


class Clinic:
    """A service in a folder of its own, with an admin, staff and two patients."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.service = screening.Service(
            database=f"sqlite:{folder / 'records.db'}", files=self.files, members=MEMBERS, **options
        )
        self.admin = screening.Principal(self.service.bootstrap_admin("ada"), "admin")
        self.staff = self.principal("sam", "staff")
        self.first = self.principal("pat", "patient")
        self.second = self.principal("pia", "patient")
        self.first_patient = self.patient("R-1", self.first)
        self.second_patient = self.patient("R-2", self.second)

    def principal(self, username: str, role: str) -> screening.Principal:
        return screening.Principal(self.service.create_user(self.admin, username=username, role=role), role)

    def patient(self, number: str, principal: screening.Principal) -> int:
        return self.service.create_patient(
            self.admin, record_number=number, full_name=f"Patient {number}", user_id=principal.user_id
        )

    def stored_files(self) -> list[Path]:
        return [path for path in self.files.rglob("*") if path.is_file()]

    def expire_leases(self) -> None:
        """What time would do: ends every lease of the queue."""
        with sqlite3.connect(self.folder / "records.db") as database:
            database.execute("UPDATE consilia_tasks SET available_at = 0 WHERE status = 'leased'")
