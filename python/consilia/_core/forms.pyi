# Made from the extension by `make stubs`; do not edit.
"""
What may come in: fields, rules, reports.
"""
from __future__ import annotations
import collections.abc
import consilia._core.data
import datetime
import typing
__all__: list[str] = ['Field', 'FieldError', 'Form', 'Messages', 'Report', 'Rule', 'ascii_email', 'check_email', 'field', 'form_from_json_schema', 'form_of', 'html_attributes', 'html_input', 'is_person_name', 'is_phone', 'is_url', 'label_of', 'normalized_email', 'to_json_schema']
class Field:
    """
    A field of a form; made by `text`, `email`, …
    """
    def __repr__(self) -> str:
        ...
    @property
    def choices(self) -> list:
        """
        The only values allowed.
        """
    @property
    def default(self) -> typing.Any:
        """
        What takes its place where it is not given.
        """
    @property
    def help(self) -> str:
        """
        What stands beside it on a page.
        """
    @property
    def kind(self) -> str:
        """
        What it holds: `text`, `email`, `integer`, …
        """
    @property
    def label(self) -> str:
        """
        What it is called on a page.
        """
    @property
    def length_max(self) -> int:
        """
        The greatest length; 0: 10,000 and 1,000 for lists.
        """
    @property
    def length_min(self) -> int:
        """
        The least length.
        """
    @property
    def maximum(self) -> typing.Any:
        """
        The greatest value.
        """
    @property
    def minimum(self) -> typing.Any:
        """
        The least value.
        """
    @property
    def name(self) -> str:
        """
        Its name in the data.
        """
    @property
    def nullable(self) -> bool:
        """
        None is a value of it.
        """
    @property
    def pattern(self) -> str:
        """
        What a text is searched for (RE2).
        """
    @property
    def required(self) -> bool:
        """
        It must be given.
        """
    @property
    def secret(self) -> bool:
        """
        A password.
        """
class Rule:
    """
    A condition over the fields of a form that must not be false.
    """
    def __init__(self, check: typing.Any, *, code: str = 'rule', message: str = '', field: str = '') -> None:
        """
        Makes a rule of an expression or its text.

        Args:
            check: an expression; null, as of a field that was not given, does not break it.
            code: of the error.
            message: of the error; empty: that of the catalog for the code.
            field: where the error stands; empty: at the form itself.
        """
    def __repr__(self) -> str:
        ...
    @property
    def code(self) -> str:
        """
        The code of its error.
        """
    @property
    def field(self) -> str:
        """
        Where its error stands.
        """
    @property
    def message(self) -> str:
        """
        The message of its error.
        """
class Messages:
    """
    What errors say to people, in their language.
    """
    @staticmethod
    def english() -> Messages:
        """
        The library's own.
        """
    @staticmethod
    def from_json(json: str) -> Messages:
        """
        From an object of texts by code.

        Raises:
            ValidationError: `messages.document`.
        """
    @staticmethod
    def german() -> Messages:
        """
        In German.
        """
    def __init__(self, texts: collections.abc.Mapping[str, str]) -> None:
        """
        Makes a catalog of texts by code, with `{limit}` and other parameters; a code that is not in it
        has its text in English.
        """
    @property
    def texts(self) -> dict[str, str]:
        """
        The texts by code.
        """
class FieldError:
    """
    One broken rule. Neither message nor parameters repeat what was given.
    """
    def __repr__(self):
        """
        Return repr(self).
        """
    @property
    def code(self) -> str:
        """
        What is wrong, for programs: `required`, `too_long`.
        """
    @property
    def message(self) -> str:
        """
        What is wrong, for people; made when it is asked for.
        """
    @property
    def params(self) -> dict[str, typing.Any]:
        """
        What the message is made from: `limit`, `found`, `wanted`.
        """
    @property
    def path(self) -> str:
        """
        Where it is: `addresses.0.city`; empty: the form itself.
        """
class Report:
    """
    The answer of a form: clean values, and every error.
    """
    def __bool__(self):
        """
        True if self else False
        """
    def __repr__(self):
        """
        Return repr(self).
        """
    def errors_json(self) -> str:
        """
        The errors as JSON: a list of objects with `path`, `code`, `message` and `params`.
        """
    def require(self) -> dict[str, typing.Any]:
        """
        The values of a valid form.

        Raises:
            ValidationError: `form.invalid`, with `errors` in its details.
        """
    def values_json(self) -> str:
        """
        The values as one JSON object; dates and identifiers as text.
        """
    @property
    def errors(self) -> list[FieldError]:
        """
        Every error, in the order of the fields.
        """
    @property
    def errors_by_field(self) -> dict[str, list[FieldError]]:
        """
        The errors by their path, made anew each time.
        """
    @property
    def valid(self) -> bool:
        """
        There is no error; the truth of a report is the same.
        """
    @property
    def values(self) -> dict[str, typing.Any]:
        """
        The clean values in the order of the fields; a value that is as it was given is the same object. Fields with errors, and those that were not given and have no default, are not in it.
        """
class Form:
    """
    Form(fields: collections.abc.Iterable[Field], *, title: str = '', mode: str = 'coerce', unknown: str = 'refuse', ignored: collections.abc.Iterable[str] = (), rules: collections.abc.Iterable[typing.Any] = (), unique_together: collections.abc.Iterable[tuple[typing.Any, typing.Any]] = (), json_bytes_max: int = 1048576)

    Rules for the fields of an object, declared once. Immutable; any thread may check.

    Args:
        fields: made by `text`, `email`, `integer` and the other functions of this module.
        title: what the form is called.
        mode: `coerce` takes what means the same (`"12"`, `"on"`) and trims texts; `strict` takes values of
            the type only.
        unknown: `refuse` makes an error of a name that is no field; `ignore` leaves it out.
        ignored: names that are left out all the same: `csrfmiddlewaretoken`.
        rules: conditions over several fields: a Rule, an expression or its text.
        unique_together: a model and names of fields, of which no row has the values together; or a model
            and a dict from fields to its columns.
        json_bytes_max: longer JSON is refused.

    Raises:
        InvalidArgument: `form.field`, `form.duplicate`, `form.rule`, naming the field.
    """
    @classmethod
    def __new__(cls, fields: collections.abc.Iterable[Field], *, title: str = '', mode: str = 'coerce', unknown: str = 'refuse', ignored: collections.abc.Iterable[str] = tuple(), rules: collections.abc.Iterable[typing.Any] = tuple(), unique_together: collections.abc.Iterable[tuple[typing.Any, typing.Any]] = tuple(), json_bytes_max: int = 1048576) -> Form:
        ...
    def __repr__(self):
        """
        Return repr(self).
        """
    def check(self, data: typing.Any, /, *, session: consilia._core.data.Session | None = None, partial: bool = False, mode: str | None = None, except_key: int | None = None, messages: Messages | dict[str, str] | collections.abc.Callable[[str, dict[str, typing.Any]], str] | None = None, now: datetime.datetime | None = None, errors_max: int = 100, skips_database: bool = False) -> Report:
        """
        Checks data and tells every error at once.

        Args:
            data: a dict or another mapping; what Django, Flask and Starlette make of a page, where several values
                of a name are a list or an error; or JSON as bytes or text.
            session: where `unique` and `exists` look: a Database, Transaction or ReadScope.
            partial: fields that are not given are not missed and get no default.
            mode: `coerce` or `strict`, instead of the form's.
            except_key: the key of the row that is changed, which may keep its values.
            messages: texts by code, or a function of code and parameters; English, unless it is given. A dict is
                read each time, Messages once.
            now: the time of `:now` and `:today`, instead of the machine's.
            errors_max: more errors are not told.
            skips_database: leaves `unique` and `exists` to the constraints of the database.

        Raises:
            InvalidArgument: `form.session`, without a session that the form needs.
        """
    @property
    def fields(self) -> tuple[Field, ...]:
        """
        What it holds.
        """
    @property
    def json_bytes_max(self) -> int:
        """
        Longer JSON is refused.
        """
    @property
    def needs_database(self) -> bool:
        """
        It, or a form in it, has a `unique` or `exists`: a check needs a session.
        """
    @property
    def title(self) -> str:
        """
        What it is called.
        """
def ascii_email(email: str) -> str:
    """
    The address with its domain in ASCII, for programs that send mail.
    """
def check_email(text: str) -> str | None:
    """
    Why a text is no email address, as a code; None: it is one.
    """
def field(kind: str, name: str, **kwargs) -> Field:
    """
    A field of a kind, with the options of its function.
    """
def form_from_json_schema(schema: typing.Any, models: typing.Any = ()) -> Form:
    """
    The form that a JSON Schema describes, as text or as a dict.

    Args:
        schema: what else could change what is valid is refused, never skipped.
        models: where `unique` and `exists` find a table by its name.

    Raises:
        ValidationError: `form.schema`, with the place as `at` in its details.
    """
def form_of(model: typing.Any, *, only: collections.abc.Sequence[str] = [], exclude: collections.abc.Sequence[str] = [], overrides: typing.Any = (), **kwargs) -> Form:
    """
    The form that a table asks for: required unless null or a default, lengths, choices, checks,
    references that must exist, unique columns.

    Args:
        model: a class derived from Model.
        only: the columns of the form, in this order; empty: all that somebody fills in.
        exclude: columns that are left out.
        overrides: each takes the place of the field of its name.
        **options: those of `Form`.

    Raises:
        InvalidArgument: `form.column`, for a name that is no column of the form.
    """
def html_attributes(field: Field) -> dict[str, str]:
    """
    What a browser can check by itself: attributes of the field's control, not escaped.
    """
def html_input(field: Field, *, value: typing.Any = None, report: typing.Any = None, id_prefix: str = 'id_') -> str:
    """
    Label, control, help and errors in the markup of Bootstrap 5, everything escaped.

    Args:
        field: one of `form.fields`.
        value: what the control shows; a secret is never shown again.
        report: whose errors of this field are told.
        id_prefix: before the name: the `id` of the control.

    Raises:
        InvalidArgument: `form.html`, for an object, and for a list without choices.
    """
def is_person_name(text: str) -> bool:
    """
    Whether it can be the name of a person, in any script.
    """
def is_phone(text: str) -> bool:
    """
    Whether it matches `^\\+?1?\\d{9,15}$`.
    """
def is_url(text: str) -> bool:
    """
    Whether it is an address with `http` or `https` and a host.
    """
def label_of(field: Field) -> str:
    """
    What stands beside the field on a page.
    """
def normalized_email(email: str) -> str:
    """
    The one spelling of an address: its domain in lower case and in Unicode.
    """
def to_json_schema(form: typing.Any) -> str:
    """
    The form as JSON Schema (draft 2020-12) of what it takes in strict mode.
    """
