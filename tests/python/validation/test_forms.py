"""Forms on dicts, pages and JSON."""

from __future__ import annotations

import datetime
import enum
import gc
import json
import sys
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from registration import BAD, GOOD, registration

import consilia
from consilia import data, forms
from consilia.data import Column, Key, column


def codes(report: forms.Report) -> list[tuple[str, str]]:
    return [(error.path, error.code) for error in report.errors]


def one(field: forms.Field, value: Any, **options: Any) -> Any:
    """The clean value, or the code of the one error."""
    report = forms.Form([field]).check({field.name: value}, **options)
    if report:
        return report.values.get(field.name)
    (error,) = report.errors
    return "!" + error.code


def test_a_clean_dict_gives_natural_values_and_the_same_objects() -> None:
    report = registration().check(GOOD)
    assert report and report.valid and report.errors == [] and report.errors_by_field == {}
    assert report.values == {**GOOD, "birth_date": datetime.date(1985, 4, 12)}
    assert list(report.values) == list(GOOD)
    for name, value in GOOD.items():
        assert (report.values[name] is value) == (name != "birth_date")
    assert report.require() is report.values


def test_json_gives_what_the_dict_gives() -> None:
    form = registration()
    for given in (GOOD, BAD):
        text = json.dumps(given, ensure_ascii=False)
        wanted = form.check(given)
        for source in (text, text.encode(), bytearray(text.encode()), memoryview(text.encode())):
            report = form.check(source)
            assert report.values == wanted.values
            assert report.errors_json() == wanted.errors_json()


def test_every_error_is_told_with_path_code_message_and_parameters() -> None:
    report = registration().check(BAD)
    assert not report and not report.valid
    assert codes(report) == [("username", "too_short"), ("email", "email"), ("age", "too_large")]
    assert report.errors is report.errors
    first = report.errors[0]
    assert first.message == "at least 3 characters are wanted"
    assert first.params == {"limit": 3, "found": 2}
    assert {path: [e.code for e in errors] for path, errors in report.errors_by_field.items()} == {
        "username": ["too_short"],
        "email": ["email"],
        "age": ["too_large"],
    }
    assert [each["code"] for each in json.loads(report.errors_json())] == ["too_short", "email", "too_large"]
    assert "username" not in report.values and report.values["sex"] == "female"
    assert "jane" not in repr(report) + repr(first) and repr(first) == "<FieldError username: too_short>"
    with pytest.raises(consilia.ValidationError) as caught:
        report.require()
    assert caught.value.code == "form.invalid" and caught.value.http_status == 400
    assert [each["path"] for each in caught.value.details["errors"]] == ["username", "email", "age"]


def test_errors_outlive_report_and_form() -> None:
    form = forms.Form([forms.text("a", messages={"required": "say a"})])
    error = form.check({}).errors[0]
    del form
    gc.collect()
    assert error.message == "say a"


class Colour(enum.StrEnum):
    RED = "red"


class Text(str):
    __slots__ = ()


DAY = datetime.date(2026, 1, 31)
NOON = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
ID = uuid.UUID("6f1c3a52-8f7e-4d0c-9a55-0c2f6f0b7b11")


@pytest.mark.parametrize(
    ("field", "given", "coerced", "strict"),
    [
        (forms.integer("x"), 12, 12, 12),
        (forms.integer("x"), " 12 ", 12, "!type"),
        (forms.integer("x"), 12.0, 12, "!type"),
        (forms.integer("x"), 12.5, "!integer", "!type"),
        (forms.integer("x"), True, "!type", "!type"),
        (forms.integer("x"), 2**63, "!type", "!type"),
        (forms.integer("x"), -(2**63), -(2**63), -(2**63)),
        (forms.number("x"), 1, 1.0, 1.0),
        (forms.number("x"), "1.5", 1.5, "!type"),
        (forms.number("x"), float("nan"), "!not_finite", "!not_finite"),
        (forms.boolean("x"), "on", True, "!type"),
        (forms.boolean("x"), 0, False, "!type"),
        (forms.boolean("x"), False, False, False),
        (forms.text("x"), " a ", "a", " a "),
        (forms.text("x"), "", "!required", "!blank"),
        (forms.text("x"), 5, "!type", "!type"),
        (forms.text("x"), b"a", "!type", "!type"),
        (forms.text("x"), "\ud800", "!type", "!type"),
        (forms.text("x"), "a\0b", "!control_character", "!control_character"),
        (forms.text("x"), Colour.RED, "red", "red"),
        (forms.text("x"), Text("a"), "a", "a"),
        (forms.text("x"), "e\u0301", "é", "e\u0301"),
        (forms.date("x"), DAY, DAY, DAY),
        (forms.date("x"), "2026-01-31", DAY, "!type"),
        (forms.date("x"), "2026-02-31", "!date", "!type"),
        (forms.date("x"), NOON, "!type", "!type"),
        (forms.timestamp("x"), NOON, NOON, NOON),
        (forms.timestamp("x"), "2026-01-31T13:00:00+01:00", NOON, "!type"),
        (forms.timestamp("x"), datetime.datetime(2026, 1, 31), "!type", "!type"),
        (forms.uuid("x"), ID, ID, ID),
        (forms.uuid("x"), str(ID), ID, "!type"),
        (forms.json("x"), {"a": [1, None, "b"]}, {"a": [1, None, "b"]}, {"a": [1, None, "b"]}),
        (forms.json("x"), {1: 2}, "!json_value", "!json_value"),
        (forms.json("x"), {"a": {1}}, "!json_value", "!json_value"),
        (forms.json("x"), [float("inf")], "!json_value", "!json_value"),
        (forms.choice("x", Colour), "red", "red", "red"),
        (forms.choice("x", Colour), "blue", "!choice", "!choice"),
        (forms.choice("x", [1, 2]), "2", 2, "!type"),
        (forms.age("x"), 150, 150, 150),
        (forms.age("x"), 151, "!too_large", "!too_large"),
        (forms.age("x"), -1, "!too_small", "!too_small"),
        (forms.url("x"), "https://example.org/a", "https://example.org/a", "https://example.org/a"),
        (forms.url("x"), "javascript:alert(1)", "!url", "!url"),
        (forms.phone("x"), "+4915112345678", "+4915112345678", "+4915112345678"),
        (forms.phone("x"), "12345", "!phone", "!phone"),
        (forms.person_name("x"), "Zoë  O’Hara", "Zoë O’Hara", "!person_name"),
        (forms.text("x"), object(), "!type", "!type"),
        (forms.text("x", nullable=True), None, None, None),
        (forms.text("x"), None, "!null", "!null"),
    ],
)
def test_what_is_coerced_and_what_is_not(field: forms.Field, given: Any, coerced: Any, strict: Any) -> None:
    for mode, wanted in (("coerce", coerced), ("strict", strict)):
        found = one(field, given, mode=mode)
        assert found == wanted and type(found) is type(wanted), mode


def test_a_time_of_another_zone_comes_out_in_utc() -> None:
    given = NOON.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    found = one(forms.timestamp("x"), given)
    assert found == NOON and found.tzinfo is datetime.UTC


@pytest.mark.parametrize("value", [[], {}, [1, {"a": None}], {"a": [True, "ü"]}, "text", 1.5, -3, False])
def test_a_field_of_json_is_read_from_json_and_given_back_as_it_was(value: object) -> None:
    form = forms.Form([forms.json("x"), forms.list("many", forms.json("each"), required=False)])
    given = {"x": value, "many": [value, value]}
    assert form.check(json.dumps(given).encode()).values == given
    report = form.check(given)
    assert report.values["x"] is value
    assert report.values["many"][1] is value


def test_json_deeper_than_32_is_refused() -> None:
    def deep(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    form = forms.Form([forms.json("x")])
    assert one(forms.json("x"), deep(32)) == deep(32)
    assert one(forms.json("x"), deep(33)) == "!json_value"
    assert form.check(json.dumps({"x": deep(32)})).values == {"x": deep(32)}
    assert codes(form.check(json.dumps({"x": deep(33)}))) == [("x", "json_value")]
    circle: list[Any] = []
    circle.append(circle)
    assert one(forms.json("x"), circle) == "!json_value"


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, x], lambda x: {"a": {"b": x}}])
def test_json_is_what_can_be_written_again(wrap: Callable[[object], object]) -> None:
    form = forms.Form([forms.json("x")])
    for value in (2**63 - 1, -(2**63), "ü\U0001f600", 1e300):
        for given in ({"x": wrap(value)}, json.dumps({"x": wrap(value)})):
            assert json.loads(form.check(given).values_json()) == {"x": wrap(value)}
    for value in (2**63, 2**64 - 1, -(2**63) - 1, 10**25, "a\ud800", float("inf")):
        assert codes(form.check({"x": wrap(value)})) == [("x", "json_value")]
    assert codes(form.check(json.dumps({"x": wrap(2**63)}))) == [("x", "json_value")]
    assert codes(form.check({"x": {"\ud800": 1}})) == [("x", "json_value")]


def test_unknown_names_are_refused_ignored_or_left_out() -> None:
    form = forms.Form([forms.text("a")], ignored=["token"])
    assert codes(form.check({"a": "1", "b": 2, 3: 4, "token": 5})) == [("b", "unknown"), ("<int>", "unknown")]
    lax = forms.Form([forms.text("a")], unknown="ignore")
    assert lax.check({"a": "1", "b": 2, 3: 4}).values == {"a": "1"}


def test_names_that_are_no_constants_are_found() -> None:
    form = registration()
    shuffled = {bytes(name, "ascii").decode(): GOOD[name] for name in reversed(GOOD)}
    assert form.check(shuffled).values == form.check(GOOD).values


@pytest.mark.parametrize("wrap", [MappingProxyType, OrderedDict, lambda given: data_row(given)])
def test_other_mappings_are_read(wrap: Any) -> None:
    assert registration().check(wrap(GOOD)).valid


class Row:
    """What has keys and [] is a mapping."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def keys(self) -> Any:
        return self.given.keys()

    def __getitem__(self, name: str) -> Any:
        return self.given[name]


def data_row(given: dict[str, Any]) -> Row:
    return Row(given)


@pytest.mark.parametrize("given", [None, 5, [1], b"[1]", "5"])
def test_what_is_no_object_is_one_error(given: Any) -> None:
    report = registration().check(given)
    assert codes(report) == [("", "type")] and report.values == {}


def test_what_is_no_json_is_one_error() -> None:
    form = registration()
    for text in (b"{", "{", b"\xff", '{"a": "\ud800"}', b""):
        assert codes(form.check(text)) == [("", "json")]
    small = forms.Form([forms.text("a")], json_bytes_max=12)
    assert small.check(b'{"a": "1234"}').errors[0].params == {"reason": "too_large", "limit": 12}
    assert small.check(b'{"a": "123"}').valid


def test_pages_have_several_values_for_a_name() -> None:
    form = forms.Form([forms.text("name"), forms.list("tags", forms.integer("tag"), unique_items=True)])

    class Page(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return super().__getitem__(name)

    good = form.check(Page(name=["ann"], tags=["1", "2"]))
    assert good.values == {"name": "ann", "tags": [1, 2]}
    bad = form.check(Page(name=["ann", "ben"], tags=["1", "x"], other=["1"]))
    assert codes(bad) == [("name", "repeated"), ("other", "unknown"), ("tags.1", "integer")]


def test_objects_and_lists_nest() -> None:
    address = forms.Form([forms.text("city"), forms.text("zip", required=False)])
    form = forms.Form(
        [forms.object("home", address), forms.list("others", forms.object("x", address), length_max=2)]
    )
    given = {"home": {"city": "Ulm"}, "others": [{"city": "Bonn", "zip": "1"}, {"zip": "2"}]}
    report = form.check(given)
    assert codes(report) == [("others.1.city", "required")]
    given["others"].pop()  # type: ignore[attr-defined]
    assert form.check(given).values == given
    assert json.loads(form.check(given).values_json()) == given
    assert form.check(json.dumps(given)).values == given
    assert codes(form.check({"home": [], "others": {}})) == [("home", "type"), ("others", "type")]


def test_values_as_json() -> None:
    fields = [forms.date("d"), forms.timestamp("t"), forms.uuid("u"), forms.json("j"), forms.number("n")]
    given = {"d": DAY, "t": NOON, "u": ID, "j": {"ä": [True, None]}, "n": 1.5}
    report = forms.Form(fields).check(given)
    assert json.loads(report.values_json()) == {
        "d": "2026-01-31",
        "t": "2026-01-31T12:00:00.000000Z",
        "u": str(ID),
        "j": {"ä": [True, None]},
        "n": 1.5,
    }


def test_defaults_partial_and_required_when() -> None:
    form = forms.Form(
        [
            forms.integer("n", default=3),
            forms.json("j", default={"a": 1}),
            forms.choice("kind", ["a", "b"]),
            forms.text("why", required_when="kind = 'b'"),
        ]
    )
    assert form.check({"kind": "a"}).values == {"n": 3, "j": {"a": 1}, "kind": "a"}
    assert form.check({}, partial=True).values == {}
    assert codes(form.check({"kind": "b"})) == [("why", "required")]


def test_rules_see_the_time_of_the_check() -> None:
    form = forms.Form(
        [forms.date("start"), forms.date("end")],
        rules=[
            forms.Rule("end >= start", code="order", message="ends before it starts", field="end"),
            consilia.field("start") <= consilia.parameter("today"),
        ],
    )
    assert form.check({"start": "2026-01-31", "end": "2026-01-31"}, now=NOON).valid
    report = form.check({"start": "2026-02-01", "end": "2026-01-31"}, now=NOON)
    assert codes(report) == [("end", "order"), ("", "rule")]
    assert report.errors[0].message == "ends before it starts"


def test_messages_in_other_words() -> None:
    form = forms.Form([forms.text("a", length_max=3), forms.text("b", messages={"required": "b, please"})])
    given = {"a": "abcd"}

    def said(messages: Any) -> list[str]:
        return [error.message for error in form.check(given, messages=messages).errors]

    assert said(None) == ["at most 3 characters are allowed", "b, please"]
    assert said(forms.Messages.german()) == ["höchstens 3 Zeichen sind erlaubt", "b, please"]
    assert said({"too_long": "{limit}!"}) == ["3!", "b, please"]
    assert said(lambda code, params: f"{code} {params['limit']}") == ["too_long 3", "b, please"]
    with pytest.raises(TypeError):
        said(5)

    def broken(code: str, params: dict[str, Any]) -> str:
        raise KeyError(code)

    with pytest.raises(KeyError):
        said(broken)
    assert set(forms.Messages.german().texts) <= set(forms.Messages.english().texts)


def test_declarations_without_a_meaning_are_refused() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        forms.Form([forms.text("a", pattern="(")])
    assert caught.value.code == "form.field"
    for make in (
        lambda: forms.text("a", limit=3),  # type: ignore[call-arg]
        lambda: forms.Form(["a"]),  # type: ignore[list-item]
        lambda: forms.Form([forms.text("a")], name="x"),  # type: ignore[call-arg]
        lambda: forms.Form(),  # type: ignore[call-arg]
        lambda: forms.Form([forms.text("a")]).check({}, {}),  # type: ignore[call-arg]
        lambda: forms.Form([forms.text("a")]).check({}, partially=True),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            make()
    for options in ({"mode": "lax"}, {"unknown": "maybe"}):
        with pytest.raises(ValueError):
            forms.Form([forms.text("a")], **options)


class User(data.Model, table="form_users"):
    id: Key
    name: Column[str] = column(unique=True, max_length=50)
    city: Column[str | None]


@pytest.fixture
def db(tmp_path: Path) -> data.Database:
    database = data.Database(f"sqlite:{tmp_path / 'forms.db'}")
    database.create_tables(User)
    with database.begin() as tx:
        tx.insert(User(name="ada", city="Ulm"))
    return database


def test_rows_that_must_be_free_or_there(db: data.Database) -> None:
    form = forms.Form(
        [
            forms.text("name", unique=(User, "name"), ignores_case=True),
            forms.integer("friend", exists=User, required=False),
            forms.list("friends", forms.integer("x", exists=(User, User.id)), required=False),
        ]
    )
    assert form.needs_database
    with pytest.raises(consilia.InvalidArgument) as caught:
        form.check({"name": "x"})
    assert caught.value.code == "form.session"
    given = {"name": "ADA", "friend": 9, "friends": [1, 8]}
    wanted = [("name", "taken"), ("friend", "not_found"), ("friends.1", "not_found")]
    assert sorted(codes(form.check(given, session=db))) == sorted(wanted)
    assert sorted(codes(form.check(json.dumps(given), session=db))) == sorted(wanted)
    with db.read() as scope:
        assert not form.check(given, session=scope)
    assert form.check({"name": "ada", "friend": 1}, session=db, except_key=1).valid
    assert form.check(given, skips_database=True).valid
    together = forms.Form(
        [forms.text("n"), forms.text("c")], unique_together=[(User, {"n": "name", "c": "city"})]
    )
    assert codes(together.check({"n": "ada", "c": "Ulm"}, session=db)) == [("", "taken_together")]
    assert together.check({"n": "ada", "c": "Bonn"}, session=db).valid
    with pytest.raises(TypeError):
        form.check(given, session=5)


def test_threads_check_and_ask_rows_together(db: data.Database) -> None:
    form = forms.Form([forms.text("name", unique=(User, "name"))])
    found: list[bool] = []

    def work(number: int) -> None:
        for step in range(20):
            name = "ada" if step % 2 else f"free {number} {step}"
            found.append(form.check({"name": name}, session=db).valid == (step % 2 == 0))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80 and all(found)


def test_what_a_mapping_raises_comes_through_and_nothing_leaks(db: data.Database) -> None:
    class Broken(Row):
        def __getitem__(self, name: str) -> Any:
            raise RuntimeError("no")

    form = forms.Form([forms.text("name", unique=(User, "name"))])
    for options in ({"session": db}, {"skips_database": True}):
        with pytest.raises(RuntimeError, match="no"):
            form.check(Broken({"name": "a"}), **options)
    assert form.check({"name": "a"}, session=db).valid


def test_checks_keep_no_reference() -> None:
    form = registration()
    given = dict(GOOD, username="".join(["jane", ".doe"]))
    bad = dict(BAD, username="".join(["j", "d"]))
    before = sys.getrefcount(given["username"]), sys.getrefcount(bad["username"]), sys.getrefcount(form)
    for _ in range(50):
        form.check(given)
        assert all(error.message for error in form.check(bad).errors)
    assert before == (
        sys.getrefcount(given["username"]),
        sys.getrefcount(bad["username"]),
        sys.getrefcount(form),
    )


def test_more_errors_than_are_told_are_left_out() -> None:
    form = forms.Form([forms.list("a", forms.integer("x"))])
    assert len(form.check({"a": ["x"] * 200}).errors) == 100
    assert len(form.check({"a": ["x"] * 200}, errors_max=2).errors) == 2


def test_a_form_of_a_model_and_as_json_schema() -> None:
    form = forms.form_of(User, exclude=["city"], title="User")
    assert [(each.name, each.kind, each.length_max) for each in form.fields] == [("name", "text", 50)]
    schema = json.loads(forms.to_json_schema(form))
    assert schema["properties"]["name"]["maxLength"] == 50 and schema["title"] == "User"
    for source in (schema, json.dumps(schema)):
        assert json.loads(forms.to_json_schema(forms.form_from_json_schema(source, [User]))) == schema
    with pytest.raises(consilia.ValidationError) as caught:
        forms.form_from_json_schema({"type": "object", "properties": {"a": {"allOf": []}}})
    assert caught.value.code == "form.schema"


def test_html_of_a_field_is_escaped_and_tells_its_errors() -> None:
    form = forms.Form([forms.text("name", length_max=5, label="<b>"), forms.password("word")])
    assert forms.html_attributes(form.fields[0])["maxlength"] == "5"
    report = form.check({"name": "<i>abcdef", "word": "x"})
    made = forms.html_input(form.fields[0], value="<i>abcdef", report=report)
    assert "&lt;b&gt;" in made and "&lt;i&gt;" in made and "<i>" not in made
    assert "at most 5 characters are allowed" in made and 'aria-invalid="true"' in made
    assert "hunter2" not in forms.html_input(form.fields[1], value="hunter2", report=report)


def test_texts_are_checked_alone() -> None:
    assert forms.check_email("a@example.org") is None and forms.check_email("a") == "no_at"
    assert forms.normalized_email("a@EXAMPLE.org") == "a@example.org"
    assert forms.ascii_email("a@bücher.example") == "a@xn--bcher-kva.example"
    assert forms.is_phone("123456789") and not forms.is_phone("12345678")
    assert forms.is_person_name("李小龍") and not forms.is_person_name("<b>")
    assert forms.is_url("http://a.example") and not forms.is_url("ftp://a.example")
