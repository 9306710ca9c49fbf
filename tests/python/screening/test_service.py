"""What the binding adds to the service: keyword-only options, bytes and dicts, exceptions in callbacks."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

import consilia
from consilia import access, screening


def test_options_are_keyword_only(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        screening.Service(f"sqlite:{tmp_path / 'records.db'}", tmp_path)


def test_an_upload_is_a_path_or_bytes(clinic: Any, images: list[Path]) -> None:
    by_path = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    by_bytes = clinic.service.submit(
        clinic.staff, images[0].read_bytes(), patient_id=clinic.first_patient, client_name=images[0].name
    )
    assert not by_path.is_duplicate
    assert by_bytes.is_duplicate
    assert by_bytes.prediction_id == by_path.prediction_id
    with pytest.raises(consilia.InvalidArgument):
        clinic.service.submit(clinic.staff, 7, patient_id=clinic.first_patient)


def test_a_page_is_json_and_a_record_is_a_dict(clinic: Any, images: list[Path]) -> None:
    made = clinic.service.submit(clinic.first, images[0], patient_id=clinic.first_patient)
    page = clinic.service.list_json(clinic.first, where="status = 'pending'", page_size=1)
    assert isinstance(page, bytes)
    assert json.loads(page)["results"] == [clinic.service.get(clinic.first, made.prediction_id)]
    with pytest.raises(consilia.NotFound):
        clinic.service.get(clinic.second, made.prediction_id)
    assert clinic.service.statistics(clinic.second).total == 0


def test_what_progress_raises_stops_the_work_and_is_raised_again(clinic: Any, images: list[Path]) -> None:
    made = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)

    def fail(prediction_id: int, member_id: str, done: int, total: int) -> None:
        raise ZeroDivisionError(member_id)

    with pytest.raises(ZeroDivisionError):
        clinic.service.work_one(progress=fail)
    assert clinic.service.get(clinic.staff, made.prediction_id)["status"] == "pending"


def test_patients_are_seen_and_changed_by_field(clinic: Any) -> None:
    patient = clinic.first_patient
    clinic.service.update_patient(
        clinic.staff, patient, full_name="New Name", birth_date=datetime.date(1980, 2, 29)
    )
    seen = clinic.service.get_patient(clinic.first, patient)
    assert (seen["full_name"], seen["birth_date"]) == ("New Name", "1980-02-29")
    assert "user_id" not in seen
    assert clinic.service.get_patient(clinic.admin, patient)["user_id"] == clinic.first.user_id
    with pytest.raises(consilia.NotFound):
        clinic.service.get_patient(clinic.second, patient)
    with pytest.raises(consilia.PermissionDenied) as refused:
        clinic.service.update_patient(clinic.staff, patient, record_number="X", user_id=None, sex="male")
    assert refused.value.code == "access.fields"
    assert refused.value.details["fields"] == "record_number, user_id"
    with pytest.raises(consilia.ValidationError):
        clinic.service.update_patient(clinic.staff, patient, birth_date="1980")


def test_staff_delete_pending_predictions(clinic: Any, images: list[Path]) -> None:
    made = clinic.service.submit(clinic.staff, images[0], patient_id=clinic.first_patient)
    with pytest.raises(consilia.PermissionDenied):
        clinic.service.delete_prediction(clinic.first, made.prediction_id)
    clinic.service.delete_prediction(clinic.staff, made.prediction_id)
    with pytest.raises(consilia.NotFound):
        clinic.service.get(clinic.admin, made.prediction_id)


def test_each_call_takes_the_policy_that_is_in_force(tmp_path: Path) -> None:
    store = access.PolicyStore(screening.default_policy())
    service = screening.Service(
        database=f"sqlite:{tmp_path / 'records.db'}", files=tmp_path / "files", policy=store
    )
    admin = screening.Principal(service.bootstrap_admin("ada"), "admin")
    staff = screening.Principal(service.create_user(admin, username="sam", role="staff"), "staff")
    service.create_patient(staff, record_number="R-1", full_name="Pat One")
    document = screening.default_policy()
    document["rules"] = [rule for rule in document["rules"] if rule["name"] != "staff register patients"]
    store.replace(document)
    with pytest.raises(consilia.PermissionDenied):
        service.create_patient(staff, record_number="R-2", full_name="Pat Two")
    fixed = screening.Service(
        database=f"sqlite:{tmp_path / 'records.db'}", files=tmp_path / "files", policy=document
    )
    with pytest.raises(consilia.PermissionDenied):
        fixed.create_patient(staff, record_number="R-2", full_name="Pat Two")
