"""Forms in FastAPI, Flask and Django, through their own test clients."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from flask import Flask
from registration import BAD, GOOD, registration

from consilia import Error, forms
from consilia import fastapi as fastapi_forms
from consilia import flask as flask_forms

FORM = registration()
SEARCH = forms.Form([forms.integer("page", default=1), forms.list("tag", forms.text("t"), required=False)])
WRONG = ["username", "email", "age"]
PAGE = {name: "on" if value is True else str(value) for name, value in GOOD.items()}


@pytest.fixture
def fast() -> TestClient:
    app = FastAPI()
    app.add_exception_handler(Error, fastapi_forms.error_response)

    @app.post("/users")
    async def create(values: Annotated[dict[str, Any], Depends(fastapi_forms.validated(FORM))]) -> Any:
        return {"age": values["age"], "consent": values["consent"]}

    @app.get("/users")
    async def search(values: Annotated[dict[str, Any], Depends(fastapi_forms.validated(SEARCH))]) -> Any:
        return values

    @app.post("/report")
    async def report(request: Request) -> Any:
        return len((await fastapi_forms.check_request(request, FORM)).errors)

    return TestClient(app)


def test_fastapi(fast: TestClient) -> None:
    assert fast.post("/users", json=GOOD).json() == {"age": 40, "consent": True}
    answer = fast.post("/users", json=BAD)
    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["error"]["details"]["errors"]] == WRONG
    assert fast.get("/users?page=2&tag=a&tag=b").json() == {"page": 2, "tag": ["a", "b"]}
    assert fast.get("/users?page=2&page=3").status_code == 400
    assert fast.post("/report", json=BAD).json() == 3
    long = fast.post("/users", content=b" " * (FORM.json_bytes_max + 1))
    assert long.json()["error"]["details"]["errors"][0]["params"]["reason"] == "too_large"


@pytest.fixture
def flask_client() -> Any:
    app = Flask("forms")
    app.register_error_handler(Error, flask_forms.error_response)

    @app.post("/users")
    def create() -> Any:
        values = flask_forms.validated(FORM)
        return {"age": values["age"], "consent": values["consent"]}

    @app.get("/users")
    def search() -> Any:
        return flask_forms.validated(SEARCH)

    return app.test_client()


def test_flask(flask_client: Any) -> None:
    assert flask_client.post("/users", json=GOOD).json == {"age": 40, "consent": True}
    assert flask_client.post("/users", data=PAGE).json == {"age": 40, "consent": True}
    answer = flask_client.post("/users", json=BAD)
    assert answer.status_code == 400
    assert [error["path"] for error in answer.json["error"]["details"]["errors"]] == WRONG
    assert flask_client.get("/users?page=2&tag=a&tag=b").json == {"page": 2, "tag": ["a", "b"]}
    long = flask_client.post("/users", data=b" " * (FORM.json_bytes_max + 1), content_type="application/json")
    assert long.json["error"]["details"]["errors"][0]["params"]["reason"] == "too_large"


def test_django() -> None:
    import django
    from django.conf import settings

    if not settings.configured:  # Else another test's site is there: nothing of it matters here.
        settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
        django.setup()
    from django.test import RequestFactory

    from consilia.django import add_messages, check_request, validated

    make = RequestFactory()
    for request in (
        make.post("/users", {**PAGE, "csrfmiddlewaretoken": "x"}),
        make.post("/users", json.dumps(GOOD), content_type="application/json"),
    ):
        assert validated(request, FORM)["age"] == 40
    assert check_request(make.get("/users?page=2&tag=a&tag=b"), SEARCH).values == {
        "page": 2,
        "tag": ["a", "b"],
    }
    with pytest.raises(Error) as caught:
        validated(make.post("/users", BAD), FORM)
    assert [error["path"] for error in caught.value.details["errors"]][:2] == WRONG[:2]

    class Storage(list[tuple[str, str]]):
        def add(self, level: int, message: str, extra_tags: str) -> None:
            self.append((message, extra_tags))

    request = make.post("/users", PAGE | {"age": "240"})
    request._messages = Storage()
    add_messages(request, check_request(request, FORM))
    assert request._messages == [("age: at most 150 is allowed", "age too_large")]
