"""A Django site of one module: settings, models, views and their routes."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from policies import CLINIC

FOLDER = Path(tempfile.mkdtemp(prefix="consilia-django-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
(FOLDER / "policy.json").write_text(json.dumps(CLINIC), encoding="utf-8")

settings.configure(
    SECRET_KEY="test",
    ROOT_URLCONF="django_site",
    ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "consilia.django.PolicyBackend",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    CONSILIA_POLICY=FOLDER / "policy.json",
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views import View  # noqa: E402

from consilia.django import (  # noqa: E402
    admin_required,
    ajax_required,
    checker,
    object_owner_required,
    patient_required,
    permission_required,
    role_required,
    scope_queryset,
    staff_required,
)


class Patient(models.Model):
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, db_constraint=False)
    full_name = models.CharField(max_length=100)

    class Meta:
        app_label = "clinic"


class Xray(models.Model):
    patient = models.ForeignKey(Patient, null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "clinic"


class Prediction(models.Model):
    xray = models.ForeignKey(Xray, on_delete=models.CASCADE)
    status = models.CharField(max_length=20, null=True)
    requested_by = models.IntegerField(null=True)
    confidence = models.FloatField(null=True)
    created_at = models.DateTimeField(null=True)
    taken_on = models.DateField(null=True)
    token = models.UUIDField(null=True)
    is_urgent = models.BooleanField(null=True)

    class Meta:
        app_label = "clinic"


MODELS = (Patient, Xray, Prediction)


def create_tables() -> None:
    """Empty ones, whatever another module left."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    with connection.schema_editor() as editor:
        for model in MODELS:
            if model._meta.db_table not in connection.introspection.table_names():
                editor.create_model(model)
    for model in reversed(MODELS):
        model.objects.all().delete()
    User.objects.all().delete()


def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("ok")


async def async_answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse("ok")


@admin_required
class AdminOnly(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(request)


@method_decorator(staff_required, name="dispatch")
class StaffOnly(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(request)


@staff_required()
class AsyncStaffOnly(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return answer(request)


def find_prediction(request: HttpRequest, key: int) -> Prediction:
    return Prediction.objects.select_related("xray__patient").get(pk=key)


@object_owner_required(find_prediction, "prediction:read", into="prediction")
def prediction_of(request: HttpRequest, key: int, prediction: Prediction) -> JsonResponse:
    return JsonResponse({"id": prediction.pk})


async def find_slowly(request: HttpRequest, key: int) -> Prediction:
    return await Prediction.objects.select_related("xray__patient").aget(pk=key)


@object_owner_required(find_slowly, "prediction:delete")
async def delete_prediction(request: HttpRequest, key: int) -> HttpResponse:
    return HttpResponse("deleted")


@permission_required("prediction:read")
def listing(request: HttpRequest) -> JsonResponse:
    rows = scope_queryset(Prediction.objects.order_by("pk"), request, "read", "prediction")
    fields = checker().fields(request, "read", "prediction")
    return JsonResponse({"ids": [row.pk for row in rows], "fields": fields})


urlpatterns = [
    path("admin-only", AdminOnly.as_view()),
    path("staff-only", StaffOnly.as_view()),
    path("async-staff-only", AsyncStaffOnly.as_view()),
    path("staff", staff_required(answer)),
    path("async-staff", staff_required(async_answer)),
    path("patient", patient_required(answer)),
    path("either", role_required("auditor", "patient")(answer)),
    path("review", permission_required("prediction:review")(answer)),
    path("ajax", ajax_required(answer)),
    path("predictions", listing),
    path("predictions/<int:key>", prediction_of),
    path("predictions/<int:key>/delete", delete_prediction),
]
