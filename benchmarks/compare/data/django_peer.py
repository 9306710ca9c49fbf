"""The work with Django's ORM, on the tables as they are.

To the peer's best: times and the deletion mark are integers, so that nothing is converted, and the mark is
compared as `= 0`, since `NOT is_deleted` would hide the index of the page.
"""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Prefetch

from .clinic import COLUMNS, FILE, SETTINGS

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FILE,
            "OPTIONS": {"init_command": ";".join(SETTINGS), "transaction_mode": "IMMEDIATE"},
        }
    },
    USE_TZ=True,
)
django.setup()

NAME = f"Django {django.get_version()}"


class User(models.Model):
    """A row of `users`."""

    id = models.BigAutoField(primary_key=True)
    username = models.TextField()

    class Meta:
        """Names the table."""

        app_label, db_table, managed = "clinic", "users", False


class Patient(models.Model):
    """A row of `patients`."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING)
    full_name = models.TextField()

    class Meta:
        """Names the table."""

        app_label, db_table, managed = "clinic", "patients", False


class Xray(models.Model):
    """A row of `xrays`."""

    id = models.BigAutoField(primary_key=True)
    patient = models.ForeignKey(Patient, models.DO_NOTHING, related_name="xrays")
    sha256 = models.TextField()

    class Meta:
        """Names the table."""

        app_label, db_table, managed = "clinic", "xrays", False


class Prediction(models.Model):
    """A row of `predictions`."""

    id = models.BigAutoField(primary_key=True)
    xray = models.ForeignKey(Xray, models.DO_NOTHING, related_name="predictions")
    status = models.TextField()
    diagnosis = models.TextField()
    confidence = models.FloatField()
    created_at = models.BigIntegerField()
    updated_at = models.BigIntegerField()
    is_deleted = models.SmallIntegerField(default=0)
    deleted_at = models.BigIntegerField(null=True)
    deleted_by = models.BigIntegerField(null=True)

    class Meta:
        """Names the table."""

        app_label, db_table, managed = "clinic", "predictions", False


ACROSS = [
    *COLUMNS["predictions"],
    *(f"xray__{name}" for name in COLUMNS["xrays"]),
    *(f"xray__patient__{name}" for name in COLUMNS["patients"]),
    *(f"xray__patient__user__{name}" for name in COLUMNS["users"]),
]


def plain(record: models.Model) -> tuple[Any, ...]:
    """What is stored of a record."""
    return tuple(getattr(record, name) for name in COLUMNS[record._meta.db_table])


class Peer:
    """The default connection. Results are model instances."""

    def get(self, key: int) -> Prediction:
        """A prediction that is not deleted."""
        return Prediction.objects.get(pk=key, is_deleted=0)

    def page(self) -> list[Prediction]:
        """The newest 25 completed predictions with image, patient and user."""
        return list(self._newest().select_related("xray__patient__user")[:25])

    def page_values(self) -> list[tuple[Any, ...]]:
        """The page as tuples."""
        return list(self._newest().values_list(*ACROSS)[:25])

    def prefetch(self) -> list[Patient]:
        """100 patients with their images and these with their predictions."""
        predictions = Prefetch("predictions", Prediction.objects.filter(is_deleted=0))
        xrays = Prefetch("xrays", Xray.objects.prefetch_related(predictions))
        with transaction.atomic():
            return list(Patient.objects.filter(id__lte=100).prefetch_related(xrays))

    def stream(self) -> None:
        """All predictions, one by one."""
        for _ in Prediction.objects.iterator(chunk_size=2000):
            pass

    def stream_values(self) -> None:
        """All predictions as tuples, one by one."""
        for _ in Prediction.objects.values_list(*COLUMNS["predictions"]).iterator(chunk_size=2000):
            pass

    def insert(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows in one transaction."""
        with transaction.atomic():
            Prediction.objects.bulk_create(
                [
                    Prediction(
                        xray_id=row[0],
                        status=row[1],
                        diagnosis=row[2],
                        confidence=row[3],
                        created_at=row[4],
                        updated_at=row[5],
                        is_deleted=row[6],
                    )
                    for row in rows
                ]
            )

    def statements(self, work: Any) -> list[tuple[str, Any]]:
        """The SQL, with its values, that a call sends."""
        sent: list[tuple[str, Any]] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            sent.append((sql.replace("%s", "?"), params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            work()
        return sent

    @staticmethod
    def _newest() -> models.QuerySet[Prediction]:
        return Prediction.objects.filter(status="completed", is_deleted=0).order_by("-created_at", "-id")
