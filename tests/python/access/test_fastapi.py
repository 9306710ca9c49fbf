"""The adapter to FastAPI, through its own test client."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header
from fastapi.testclient import TestClient
from policies import CLINIC, prediction

import consilia
from consilia.access import Policy, Principal
from consilia.fastapi import Access, ajax_required

PEOPLE = {"ann": Principal(7, "patient"), "sam": Principal(1, "staff"), "root": Principal(2, "admin")}
PREDICTIONS = {1: prediction(7), 2: prediction(8)}


async def current(x_user: Annotated[str | None, Header()] = None) -> Principal | None:
    return PEOPLE.get(x_user or "")


def find(key: int) -> dict[str, Any] | None:
    return PREDICTIONS.get(key)


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    access = Access(lambda: policy, current)
    policy = Policy(CLINIC)
    access.install(app)
    staff = Annotated[Principal, Depends(access.role_required("staff"))]
    owned = Annotated[dict[str, Any], Depends(access.object_owner_required(find, "prediction:read"))]

    @app.get("/me")
    async def me(principal: Annotated[Principal, Depends(access.authenticated())]) -> Any:
        return principal.user_id

    @app.get("/staff")
    def staff_only(principal: staff) -> list[str]:  # type: ignore[valid-type]
        return list(principal.roles)  # type: ignore[attr-defined]

    @app.get("/predictions/{key}")
    async def one(found: owned) -> Any:  # type: ignore[valid-type]
        return found["id"]  # type: ignore[index]

    @app.delete(
        "/predictions/{key}", dependencies=[Depends(access.object_owner_required(find, "prediction:delete"))]
    )
    def delete(key: int) -> str:
        return "deleted"

    @app.get("/predictions")
    def listing(
        principal: Annotated[Principal, Depends(access.permission_required("prediction:read"))],
    ) -> Any:
        decisions = access.check_many(principal, "read", "prediction", PREDICTIONS.values())
        seen = [row for row, decision in zip(PREDICTIONS.values(), decisions, strict=True) if decision]
        return access.redact(principal, "read", "prediction", seen)

    for name in ("admin", "staff", "patient"):
        app.get(f"/only/{name}", dependencies=[Depends(getattr(access, f"{name}_required")())])(lambda: "ok")
    app.get("/ajax", dependencies=[Depends(ajax_required)])(lambda: "ok")
    return TestClient(app)


def get(client: TestClient, path: str, name: str | None = None, **headers: str) -> Any:
    return client.get(path, headers={**({"X-User": name} if name else {}), **headers})


def test_a_dependency_gives_the_principal_or_refuses(client: TestClient) -> None:
    assert get(client, "/me", "ann").json() == 7
    assert get(client, "/staff", "root").json() == ["admin"]
    refused = get(client, "/staff", "ann")
    assert refused.status_code == 403
    assert refused.json()["error"] == {
        "kind": "permission_denied",
        "code": "access.role",
        "message": "wanted the role `staff`",
        "http_status": 403,
        "details": {"roles": "staff"},
    }


@pytest.mark.parametrize("path", ["/me", "/staff", "/predictions", "/predictions/1", "/predictions/99"])
def test_who_is_unknown_gets_401(client: TestClient, path: str) -> None:
    refused = get(client, path)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "access.unauthenticated"


def test_what_must_not_show_is_answered_as_what_is_not_there(client: TestClient) -> None:
    assert get(client, "/predictions/1", "ann").json() == 1
    hidden, missing = get(client, "/predictions/2", "ann"), get(client, "/predictions/99", "ann")
    assert hidden.status_code == 404
    assert hidden.content == missing.content
    headers = {"X-User": "ann"}
    assert client.delete("/predictions/1", headers=headers).status_code == 403
    assert client.delete("/predictions/2", headers=headers).content == missing.content
    assert client.delete("/predictions/2", headers={"X-User": "root"}).json() == "deleted"


def test_a_page_is_checked_and_redacted(client: TestClient) -> None:
    assert [row["id"] for row in get(client, "/predictions", "sam").json()] == [1, 1]
    mine = get(client, "/predictions", "ann").json()
    assert len(mine) == 1 and "notes" not in mine[0]


@pytest.mark.parametrize(
    ("role", "allowed"), [("admin", {"root"}), ("staff", {"sam", "root"}), ("patient", {"ann"})]
)
def test_roles_have_names_of_their_own(client: TestClient, role: str, allowed: set[str]) -> None:
    for name in PEOPLE:
        assert get(client, f"/only/{role}", name).status_code == (200 if name in allowed else 403)


def test_only_scripts_may_send_what_is_for_scripts(client: TestClient) -> None:
    assert get(client, "/ajax").status_code == 400
    assert client.get("/ajax", headers={"x-requested-with": "XMLHttpRequest"}).json() == "ok"


def test_a_misspelt_permission_is_refused_at_once() -> None:
    access = Access(Policy(CLINIC), current)
    with pytest.raises(consilia.InvalidArgument, match="resource:action"):
        access.permission_required("read")


@pytest.mark.parametrize(("host", "status"), [("10.0.0.1", 200), ("10.0.0.2", 403)])
def test_conditions_see_from_where_a_request_comes(host: str, status: int) -> None:
    policy = Policy(
        {
            "version": 1,
            "resources": {"ward": ["enter"]},
            "roles": [{"name": "staff"}],
            "rules": [
                {
                    "effect": "allow",
                    "role": "staff",
                    "permission": "ward:enter",
                    "condition": ":address = '10.0.0.1'",
                }
            ],
        }
    )
    app = FastAPI()
    access = Access(policy, current)
    access.install(app)

    @app.get("/async")
    async def asynchronous(principal: Annotated[Principal, Depends(access.authenticated())]) -> str:
        access.require(principal, "enter", "ward")
        return "inside"

    @app.get("/sync")
    def synchronous(principal: Annotated[Principal, Depends(access.authenticated())]) -> str:
        access.require(principal, "enter", "ward")
        return "inside"

    client = TestClient(app, client=(host, 50_000))
    for path in ("/async", "/sync"):
        assert client.get(path, headers={"X-User": "sam"}).status_code == status
