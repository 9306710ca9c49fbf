# Made from the extension by `make stubs`; do not edit.
"""
Functions of expressions.
"""
from __future__ import annotations
import collections.abc
import consilia._core
import typing
__all__: list[str] = ['abs', 'add_days', 'add_seconds', 'avg', 'case_when', 'ceil', 'coalesce', 'concat', 'contains', 'count', 'count_distinct', 'date_of', 'day', 'day_of_year', 'days_between', 'dense_rank', 'ends_with', 'filter', 'first_value', 'floor', 'greatest', 'hour', 'json_bool', 'json_number', 'json_text', 'lag', 'last_value', 'lead', 'least', 'length', 'lower', 'max', 'min', 'minute', 'month', 'nullif', 'outer', 'over', 'rank', 'replace', 'round', 'row_number', 'second', 'seconds_between', 'starts_with', 'substr', 'sum', 'trim', 'upper', 'weekday', 'year']
def abs(value: typing.Any) -> consilia._core.Term:
    """
    The number without its sign.
    """
def add_days(date: typing.Any, days: typing.Any) -> consilia._core.Term:
    """
    A date so many days later.
    """
def add_seconds(timestamp: typing.Any, seconds: typing.Any) -> consilia._core.Term:
    """
    A timestamp so many whole seconds later.
    """
def avg(value: typing.Any) -> consilia._core.Term:
    """
    The mean; null without a value.
    """
def case_when(*args, otherwise: typing.Any = None) -> consilia._core.Term:
    """
    `case_when((condition, value), …, otherwise=value)`: the value of the first true condition.
    """
def ceil(value: typing.Any) -> consilia._core.Term:
    """
    The next whole number above.
    """
def coalesce(*args) -> consilia._core.Term:
    """
    The first value that is not null.
    """
def concat(*args) -> consilia._core.Term:
    """
    Texts joined.
    """
def contains(text: typing.Any, part: typing.Any) -> consilia._core.Expression:
    """
    Whether this is in the text.
    """
def count(value: typing.Any = None) -> consilia._core.Term:
    """
    Rows, or rows where the value is not null.
    """
def count_distinct(value: typing.Any) -> consilia._core.Term:
    """
    Different values that are not null.
    """
def date_of(value: typing.Any) -> consilia._core.Term:
    """
    The UTC day of a timestamp.
    """
def day(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def day_of_year(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def days_between(start: typing.Any, end: typing.Any) -> consilia._core.Term:
    """
    Days from the first to the second.
    """
def dense_rank() -> consilia._core.Term:
    """
    As `rank`, without gaps.
    """
def ends_with(text: typing.Any, suffix: typing.Any) -> consilia._core.Expression:
    """
    Whether the text ends with this.
    """
def filter(aggregate: typing.Any, condition: typing.Any) -> consilia._core.Term:
    """
    The aggregate of the rows for which the condition is true.
    """
def first_value(value: typing.Any) -> consilia._core.Term:
    """
    The value of the window's first row.
    """
def floor(value: typing.Any) -> consilia._core.Term:
    """
    The next whole number below.
    """
def greatest(*args) -> consilia._core.Term:
    """
    The greatest of the values that are not null.
    """
def hour(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def json_bool(document: typing.Any, *args) -> consilia._core.Term:
    """
    The truth value under these keys and positions, or null.
    """
def json_number(document: typing.Any, *args) -> consilia._core.Term:
    """
    The number under these keys and positions, or null.
    """
def json_text(document: typing.Any, *args) -> consilia._core.Term:
    """
    The text under these keys and positions, or null.
    """
def lag(value: typing.Any, rows: typing.SupportsInt | typing.SupportsIndex = 1) -> consilia._core.Term:
    """
    The value so many rows before (lag) or after (lead).
    """
def last_value(value: typing.Any) -> consilia._core.Term:
    """
    The value of the window's last row so far.
    """
def lead(value: typing.Any, rows: typing.SupportsInt | typing.SupportsIndex = 1) -> consilia._core.Term:
    """
    The value so many rows before (lag) or after (lead).
    """
def least(*args) -> consilia._core.Term:
    """
    The least of the values that are not null.
    """
def length(value: typing.Any) -> consilia._core.Term:
    """
    Code points of a text.
    """
def lower(value: typing.Any) -> consilia._core.Term:
    """
    ASCII letters in lower case.
    """
def max(value: typing.Any) -> consilia._core.Term:
    """
    The greatest value.
    """
def min(value: typing.Any) -> consilia._core.Term:
    """
    The least value.
    """
def minute(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def month(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def nullif(value: typing.Any, null_value: typing.Any) -> consilia._core.Term:
    """
    Null where both are equal.
    """
def outer(path: str) -> consilia._core.Term:
    """
    A field of the query around the subquery.
    """
def over(function: typing.Any, *, partition_by: collections.abc.Iterable = (), order_by: collections.abc.Iterable = ()) -> consilia._core.Term:
    """
    A window function or an aggregate over the rows around each row.
    """
def rank() -> consilia._core.Term:
    """
    Position of the first of those that tie.
    """
def replace(text: typing.Any, what: typing.Any, by: typing.Any) -> consilia._core.Term:
    """
    Every occurrence replaced.
    """
def round(value: typing.Any) -> consilia._core.Term:
    """
    To the nearest whole number.
    """
def row_number() -> consilia._core.Term:
    """
    Position in the window's order, from 1.
    """
def second(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def seconds_between(start: typing.Any, end: typing.Any) -> consilia._core.Term:
    """
    Seconds from the first to the second.
    """
def starts_with(text: typing.Any, prefix: typing.Any) -> consilia._core.Expression:
    """
    Whether the text begins with this.
    """
def substr(text: typing.Any, first: typing.Any, count: typing.Any = None) -> consilia._core.Term:
    """
    Code points from `first`, 1-based.
    """
def sum(value: typing.Any) -> consilia._core.Term:
    """
    The sum; null without a value.
    """
def trim(value: typing.Any) -> consilia._core.Term:
    """
    Without spaces at both ends.
    """
def upper(value: typing.Any) -> consilia._core.Term:
    """
    ASCII letters in upper case.
    """
def weekday(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
def year(value: typing.Any) -> consilia._core.Term:
    """
    This part of a date or a timestamp, in UTC.
    """
