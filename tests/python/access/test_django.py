"""The adapter to Django, through its own test clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import django_site as site
import policies_by_name
import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import AsyncClient, Client, RequestFactory, override_settings
from policies import CLINIC

import consilia
from consilia.access import Policy, Principal
from consilia.django import (
    checker,
    object_owner_required,
    permission_required,
    principal_from_user,
    scope_queryset,
)

JSON = {"Accept": "application/json"}
AJAX = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(scope="module", autouse=True)
def people() -> Iterator[dict[str, User]]:
    site.create_tables()
    made = {name: User.objects.create_user(name) for name in ("ann", "ben", "sam", "aud", "nobody")}
    made["root"] = User.objects.create_superuser("root")
    for name, group in (("ann", "patient"), ("ben", "patient"), ("sam", "staff"), ("aud", "auditor")):
        made[name].groups.add(Group.objects.get_or_create(name=group)[0])
    made["nobody"].groups.add(Group.objects.get_or_create(name="not a role")[0])
    for name in ("ann", "ben"):
        xray = site.Xray.objects.create(patient=site.Patient.objects.create(user=made[name], full_name=name))
        site.Prediction.objects.create(xray=xray, status="completed", requested_by=made["sam"].pk)
    site.Prediction.objects.create(xray=site.Xray.objects.create(), status="completed")
    yield made
    connections.close_all()


def client_of(name: str | None) -> Client:
    client = Client()
    if name is not None:
        client.force_login(User.objects.get(username=name), "django.contrib.auth.backends.ModelBackend")
    return client


def prediction_of(name: str) -> int:
    return site.Prediction.objects.get(xray__patient__full_name=name).pk


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/admin-only", {"root"}),
        ("/staff-only", {"root", "sam"}),
        ("/async-staff-only", {"root", "sam"}),
        ("/staff", {"root", "sam"}),
        ("/async-staff", {"root", "sam"}),
        ("/patient", {"ann", "ben"}),
        ("/either", {"ann", "ben", "aud"}),
        ("/review", {"root", "sam"}),
        ("/predictions", {"ann", "ben", "sam", "root"}),
    ],
)
def test_a_view_is_for_those_whom_its_decorator_names(path: str, allowed: set[str]) -> None:
    for name in ("ann", "ben", "sam", "aud", "nobody", "root"):
        response = client_of(name).get(path, headers=JSON)
        assert response.status_code == (200 if name in allowed else 403), name
        if name not in allowed:
            error = response.json()["error"]
            assert error["kind"] == "permission_denied"
            assert error["code"] in ("access.role", "access.denied")
            assert error["http_status"] == 403


def test_the_same_holds_in_an_event_loop() -> None:
    async def statuses() -> list[int]:
        found = []
        for name in ("sam", "ann"):
            client = AsyncClient()
            user = await User.objects.aget(username=name)
            await client.aforce_login(user, "django.contrib.auth.backends.ModelBackend")
            for path in ("/staff-only", "/async-staff-only", "/async-staff", "/staff"):
                found.append((await client.get(path, headers=JSON)).status_code)
        return found

    assert asyncio.run(statuses()) == [200] * 4 + [403] * 4


@pytest.mark.parametrize("path", ["/staff", "/async-staff", "/predictions", "/predictions/1"])
def test_who_is_unknown_gets_401_or_the_login_page(path: str) -> None:
    for headers in (JSON, AJAX, {}):
        response = client_of(None).get(path, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "access.unauthenticated"
    with override_settings(LOGIN_URL="/login/"):
        response = client_of(None).get(path, headers={"Accept": "text/html,*/*"})
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")
        assert client_of(None).get(path, headers=JSON).status_code == 401


def test_a_browser_gets_djangos_own_pages() -> None:
    client = client_of("ann")
    assert b"403" in client.get("/staff").content
    assert client.get("/predictions/999").status_code == 404
    assert client.get(f"/predictions/{prediction_of('ben')}").status_code == 404


def test_what_must_not_show_is_answered_as_what_is_not_there() -> None:
    client = client_of("ann")
    own, other = prediction_of("ann"), prediction_of("ben")
    assert client.get(f"/predictions/{own}", headers=JSON).json() == {"id": own}
    hidden = client.get(f"/predictions/{other}", headers=JSON)
    missing = client.get("/predictions/999", headers=JSON)
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.json()["error"]["code"] == "prediction.not_found"
    assert client.get(f"/predictions/{own}/delete", headers=JSON).status_code == 403
    assert client.get(f"/predictions/{other}/delete", headers=JSON).content == missing.content
    assert client_of("root").get(f"/predictions/{other}/delete").content == b"deleted"


def test_only_scripts_may_send_what_is_for_scripts() -> None:
    client = client_of("ann")
    assert client.get("/ajax", headers=AJAX).status_code == 200
    refused = client.get("/ajax")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "request.ajax"


def test_a_list_holds_what_its_reader_may_see() -> None:
    everything = list(site.Prediction.objects.order_by("pk").values_list("pk", flat=True))
    assert client_of("sam").get("/predictions").json()["ids"] == everything
    mine = client_of("ann").get("/predictions").json()
    assert mine == {"ids": [prediction_of("ann")], "fields": ["id", "status", "xray.patient.full_name"]}


def test_the_principal_of_a_user(people: dict[str, User]) -> None:
    policy = Policy(CLINIC)
    ann = User.objects.get(username="ann")
    assert principal_from_user(ann, policy) == Principal(ann.pk, ["patient"], "ann")
    assert principal_from_user(ann, policy) is principal_from_user(ann, policy)
    assert principal_from_user(User.objects.get(username="root"), policy).roles == ("admin",)
    assert principal_from_user(User.objects.get(username="nobody"), policy).roles == ()
    assert principal_from_user(AnonymousUser(), policy) is None
    assert principal_from_user(None, policy) is None
    ann.is_active = False
    assert principal_from_user(ann, policy) is None
    ben = User.objects.get(username="ben")
    ben.role = "staff"
    assert principal_from_user(ben, policy).roles == ("staff", "patient")
    with override_settings(CONSILIA_ADMIN_ROLE=None):
        assert principal_from_user(User.objects.get(username="root"), policy).roles == ()


def test_has_perm_asks_the_policy(people: dict[str, User]) -> None:
    ann, sam = User.objects.get(username="ann"), User.objects.get(username="sam")
    own = site.Prediction.objects.get(pk=prediction_of("ann"))
    other = site.Prediction.objects.get(pk=prediction_of("ben"))
    assert ann.has_perm("clinic.read_prediction", own)
    assert ann.has_perm("clinic.view_prediction", own)
    assert not ann.has_perm("clinic.read_prediction", other)
    assert ann.has_perm("clinic.read_prediction")
    assert not ann.has_perm("clinic.delete_prediction")
    assert not ann.has_perm("clinic.read_nothing") and not ann.has_perm("nonsense")
    assert sam.has_module_perms("clinic")
    assert not User.objects.get(username="nobody").has_module_perms("clinic")
    assert not AnonymousUser().has_perm("clinic.read_prediction")


def test_settings_name_the_policy() -> None:
    with override_settings(
        CONSILIA_POLICY="policies_by_name.POLICY", CONSILIA_PRINCIPAL="policies_by_name.guest"
    ):
        assert checker().require_role(RequestFactory().get("/"), "guest") is None
        assert checker().context(RequestFactory().get("/")).address == "127.0.0.1"
    with override_settings(CONSILIA_POLICY="policies_by_name.STORE"):
        first = checker().policy
        assert checker().policy is first
        policies_by_name.STORE.replace({"version": 1})
        assert checker().policy is not first
    with (
        override_settings(CONSILIA_POLICY=None),
        pytest.raises(ImproperlyConfigured, match="CONSILIA_POLICY"),
    ):
        checker()
    with override_settings(CONSILIA_POLICY=3), pytest.raises(ImproperlyConfigured, match="not 3"):
        checker()


def test_a_misspelt_permission_is_refused_when_a_view_is_decorated() -> None:
    with pytest.raises(consilia.InvalidArgument, match="not `prediction`") as caught:
        permission_required("prediction")
    assert caught.value.code == "access.permission"
    with pytest.raises(consilia.InvalidArgument):
        object_owner_required(site.find_prediction, "prediction:")


def test_a_scope_refuses_what_the_model_does_not_have() -> None:
    def scoped(condition: str, model: Any = site.Prediction) -> Any:
        rule = {"effect": "allow", "role": "r", "permission": "thing:read", "condition": condition}
        policy = Policy(
            {"version": 1, "resources": {"thing": ["read"]}, "roles": [{"name": "r"}], "rules": [rule]}
        )
        return list(scope_queryset(model.objects.all(), Principal(1, "r"), "read", "thing", policy))

    for path in ("nothing", "xray.nothing", "status.nothing"):
        with pytest.raises(consilia.InvalidArgument, match=f"asks for field `{path}`") as caught:
            scoped(f"{path} = 1")
        assert caught.value.code == "access.missing_field"
    with pytest.raises(consilia.InvalidArgument, match="several rows"):
        scoped("groups.name = 'x'", User)
    for condition in ("status like 'a%'", "lower(status) = 'x'"):
        with pytest.raises(consilia.InvalidArgument, match="SQLite, as Django opens it"):
            scoped(condition)
