"""Expressions from Python: the same logic, values that survive the way there and back."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

import consilia
from consilia import field, parameter, parse_expression

UTC = dt.UTC


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (field("a") == 1, "a = 1"),
        (field("a") != "it's", "a <> 'it''s'"),
        (field("a") > 5, "a > 5"),
        (field("a") <= 1.5, "a <= 1.5"),
        (field("a").in_(["x", None]), "a in ('x', null)"),
        (field("a").in_([]), "a in ()"),
        (field("a").between(1, parameter("last")), "a between 1 and :last"),
        (field("a").like("x%"), "a like 'x%'"),
        (field("a").is_null() | field("b").is_not_null(), "(a is null) or (b is not null)"),
        (~(field("a.b") == True), "not (a.b = true)"),  # noqa: E712
        (field("is_open") & ~field("is_old"), "is_open and (not is_old)"),
        (field("d") == dt.date(2026, 1, 31), "d = date '2026-01-31'"),
    ],
)
def test_an_expression_prints_as_its_text_and_is_read_back(
    expression: consilia.Expression, text: str
) -> None:
    assert str(expression) == text
    assert repr(expression) == f"<Expression {text}>"
    assert parse_expression(text).same_as(expression)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**63 - 1,
        -(2**63),
        0.1,
        "",
        "it's \0 日本語 😀",
        b"",
        b"\x00\xff",
        dt.date(1, 1, 1),
        dt.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        uuid.UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ],
)
def test_a_value_survives_the_way_there_and_back(value: object) -> None:
    back = field("x").expression.evaluate({"x": value})
    assert back == value
    assert type(back) is type(value)


def test_a_datetime_is_an_instant_whatever_its_zone() -> None:
    east = dt.datetime(2026, 1, 31, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert (field("t") == east).matches({"t": dt.datetime(2026, 1, 31, 12, tzinfo=UTC)})


def test_numbers_of_numpy_are_values() -> None:
    import numpy

    assert field("x").expression.evaluate({"x": numpy.int64(7)}) == 7
    assert field("x").expression.evaluate({"x": numpy.float64(0.5)}) == 0.5


@pytest.mark.parametrize("value", [object(), [], {}, 2**63, dt.datetime(2026, 1, 31), 1j])
def test_what_is_no_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        _ = field("x") == value
    assert caught.value.code == "value.type"


def test_unknown_is_neither_true_nor_false() -> None:
    young = field("age") < 18
    for expression in (young, ~young):
        assert expression.evaluate({"age": None}) is None
        assert expression.evaluate({}) is None
        assert not expression.matches({"age": None})
    assert (young | field("age").is_null()).matches({})


def test_fields_are_found_across_nested_objects() -> None:
    expression = parse_expression("xray.patient.user_id = :me")
    assert expression.field_paths == ["xray.patient.user_id"]
    assert expression.matches({"xray": {"patient": {"user_id": 7}}}, {"me": 7})
    assert not expression.matches({"xray": {"patient": None}}, {"me": 7})
    assert expression.matches({"xray.patient.user_id": 7}, {"me": 7})


def test_a_parameter_that_is_missing_is_an_error_until_it_is_bound() -> None:
    expression = field("a") == parameter("me")
    with pytest.raises(consilia.InvalidArgument, match="`me`"):
        expression.evaluate({"a": 1})
    assert expression.bind({"me": 1}).evaluate({"a": 1}) is True


def test_text_and_numbers_do_not_compare() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        (field("a") == "1").evaluate({"a": 1})
    assert caught.value.code == "expression.type"


def test_python_cannot_take_an_expression_for_true() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(field("a") == 1)
    with pytest.raises(TypeError, match="no truth value"):
        bool(field("a"))
    with pytest.raises(TypeError, match="no truth value"):
        _ = 1 < field("a") < 3
    with pytest.raises(TypeError, match="parentheses"):
        _ = field("a") & 5


def test_a_syntax_error_says_where_what_and_instead_of_what() -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        parse_expression("status == 'x'")
    assert caught.value.details == {"offset": 7, "expected": "`=` for equality", "found": "=="}


@pytest.mark.parametrize("name", ["a; drop table x", 'a"', "", "a..b", "é"])
def test_a_name_is_never_anything_else(name: str) -> None:
    with pytest.raises(consilia.InvalidArgument) as caught:
        field(name)
    assert caught.value.code == "expression.field_name"


def test_sql_for_a_database_that_others_open() -> None:
    condition = parse_expression("status = 'done' and not (xray.owner in (1, 2))")
    columns = {"status": '"p"."status"', "xray.owner": '"x"."owner"'}
    text, values = condition.sql(columns)
    assert (text.count("?"), values) == (3, ["done", 1, 2])
    assert '"x"."owner" NOT IN (' in text
    text, values = condition.sql(
        columns, dialect="postgresql", types={"status": "text", "xray.owner": "int64"}
    )
    assert "$3" in text and values == ["done", 1, 2]
    with pytest.raises(consilia.InvalidArgument, match="field `status`") as caught:
        condition.sql({})
    assert caught.value.code == "sql.column"
    with pytest.raises(consilia.InvalidArgument, match="not `mysql`"):
        condition.sql(columns, dialect="mysql")
    with pytest.raises(consilia.InvalidArgument, match="`number` is no type"):
        condition.sql(columns, dialect="postgresql", types={"status": "number"})
