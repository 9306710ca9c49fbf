"""The adapter to Flask, through its own test client."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from policies import CLINIC, prediction

import consilia
from consilia.access import Policy, Principal
from consilia.flask import Access, ajax_required

PEOPLE = {
    "ann": Principal(7, "patient"),
    "sam": Principal(1, "staff"),
    "root": Principal(2, "admin"),
    "aud": Principal(3, "auditor", attributes={"ward": "A"}),
}
PREDICTIONS = {1: prediction(7), 2: prediction(8)}


async def find_slowly(key: int) -> dict[str, Any] | None:
    return PREDICTIONS.get(key)


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("clinic")
    access = Access(
        app, policy=Policy(CLINIC), principal_of=lambda: PEOPLE.get(request.headers.get("X-User", ""))
    )

    @app.get("/staff")
    @access.staff_required
    def staff() -> str:
        return "ok"

    @app.get("/async-staff")
    @access.staff_required
    async def async_staff() -> str:
        return "ok"

    @app.get("/admin")
    @access.admin_required
    def admin() -> str:
        return "ok"

    @app.get("/patient")
    @access.patient_required
    def patient() -> str:
        return "ok"

    @app.get("/either")
    @access.role_required("patient", "admin")
    def either() -> str:
        return "ok"

    @app.get("/predictions")
    @access.permission_required("prediction:read")
    def listing() -> Any:
        return access.redact(None, "read", "prediction", [prediction(7)])

    @app.get("/predictions/<int:key>")
    @access.object_owner_required(lambda key: PREDICTIONS.get(key), "prediction:read", into="found")
    def one(key: int, found: dict[str, Any]) -> Any:
        return {"id": found["id"], "fields": access.fields(None, "read", "prediction", found)}

    @app.delete("/predictions/<int:key>")
    @access.object_owner_required(find_slowly, "prediction:delete")
    async def delete(key: int) -> str:
        return "deleted"

    @app.get("/ajax")
    @ajax_required
    def ajax() -> str:
        return "ok"

    @app.get("/export")
    def export() -> str:
        access.require(None, "export", "report")
        return "ok"

    return app.test_client()


def get(client: FlaskClient, path: str, name: str | None = None, **headers: str) -> Any:
    return client.get(path, headers={**({"X-User": name} if name else {}), **headers})


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/staff", {"sam", "root"}),
        ("/async-staff", {"sam", "root"}),
        ("/admin", {"root"}),
        ("/patient", {"ann"}),
        ("/either", {"ann", "root"}),
        ("/predictions", {"ann", "sam", "root"}),
    ],
)
def test_a_view_is_for_those_whom_its_decorator_names(
    client: FlaskClient, path: str, allowed: set[str]
) -> None:
    for name in PEOPLE:
        response = get(client, path, name)
        assert response.status_code == (200 if name in allowed else 403), name
        if name not in allowed:
            assert response.json["error"]["kind"] == "permission_denied"
    unknown = get(client, path)
    assert unknown.status_code == 401
    assert unknown.json["error"]["code"] == "access.unauthenticated"


def test_what_must_not_show_is_answered_as_what_is_not_there(client: FlaskClient) -> None:
    own = get(client, "/predictions/1", "ann").json
    assert own["id"] == 1 and "diagnosis" in own["fields"]
    hidden, missing = get(client, "/predictions/2", "ann"), get(client, "/predictions/99", "ann")
    assert hidden.status_code == 404
    assert hidden.data == missing.data
    assert get(client, "/predictions/99").status_code == 401
    assert client.delete("/predictions/1", headers={"X-User": "ann"}).status_code == 403
    assert client.delete("/predictions/2", headers={"X-User": "ann"}).data == missing.data
    assert client.delete("/predictions/2", headers={"X-User": "root"}).data == b"deleted"


def test_rows_are_redacted(client: FlaskClient) -> None:
    assert get(client, "/predictions", "ann").json == [
        {"id": 1, "status": "completed", "diagnosis": "Normal", "xray": {"patient": {"full_name": "Ann"}}}
    ]


def test_only_scripts_may_send_what_is_for_scripts(client: FlaskClient) -> None:
    refused = get(client, "/ajax")
    assert (refused.status_code, refused.json["error"]["code"]) == (400, "request.ajax")
    assert client.get("/ajax", headers={"X-Requested-With": "XMLHttpRequest"}).data == b"ok"


def test_an_error_of_the_library_has_one_form(client: FlaskClient) -> None:
    refused = get(client, "/export", "aud")
    assert refused.status_code == 403
    assert refused.json["error"]["details"]["permission"] == "report:export"


def test_an_application_may_come_later() -> None:
    access = Access(policy=Policy(CLINIC), principal_of=lambda: None)
    app = Flask("late")
    access.init_app(app)
    assert app.extensions["consilia"] is access
    with pytest.raises(consilia.InvalidArgument, match="resource:action"):
        access.permission_required("read")
