r"""What may come in: forms, whose rules are declared once and checked with every error at once.

```python
from consilia import forms

registration = forms.Form([
    forms.text("username", length_min=3, length_max=150, pattern=r"^[\w.@+-]+$"),
    forms.email("email"),
    forms.age("age"),
])
report = registration.check(request.POST)  # A dict, a page, or JSON as bytes.
if not report:
    return 400, report.errors_json()
```

`docs/forms.md` has the kinds of fields, their options and every code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from consilia._core.forms import (
    Field,
    FieldError,
    Form,
    Messages,
    Report,
    Rule,
    ascii_email,
    check_email,
    field,
    form_from_json_schema,
    form_of,
    html_attributes,
    html_input,
    is_person_name,
    is_phone,
    is_url,
    label_of,
    normalized_email,
    to_json_schema,
)

if TYPE_CHECKING:
    from consilia import Expression, Term

__all__ = [
    "Field",
    "FieldError",
    "Form",
    "Messages",
    "Options",
    "OrderedOptions",
    "Report",
    "RowOptions",
    "Rule",
    "TextOptions",
    "age",
    "ascii_email",
    "boolean",
    "check_email",
    "choice",
    "date",
    "email",
    "form_from_json_schema",
    "form_of",
    "html_attributes",
    "html_input",
    "integer",
    "is_person_name",
    "is_phone",
    "is_url",
    "json",
    "label_of",
    "list",
    "normalized_email",
    "number",
    "object",
    "password",
    "person_name",
    "phone",
    "text",
    "timestamp",
    "to_json_schema",
    "url",
    "uuid",
]


class Options(TypedDict, total=False):
    """What every field takes, by name.

    `required`: it must be given; False where there is a `default` or `required_when`. `nullable`: None is a
    value of it. `default` takes the place of a field that was not given. `required_when`: a condition over
    the fields of the form. `label` and `help` are for pages; `messages` has texts by code, which go before
    the catalog's.
    """

    required: bool
    nullable: bool
    default: Any
    required_when: Expression | Term | str
    label: str
    help: str
    messages: Mapping[str, str]


class RowOptions(Options, total=False):
    """`unique`: no row has this value; `exists`: a row has it.

    Each is a model, whose key is meant, or a model and one of its columns: `(User, "email")`. With
    `ignores_case` letters of ASCII are compared without their case.
    """

    unique: Any
    exists: Any
    ignores_case: bool


class OrderedOptions(RowOptions, total=False):
    """The least and the greatest value; both are allowed."""

    minimum: Any
    maximum: Any


class TextOptions(RowOptions, total=False):
    """Lengths in code points, a pattern of RE2 that is searched for, and the only texts allowed.

    `blank`: nothing, or only white space, is a value too.
    """

    length_min: int
    length_max: int
    pattern: str
    choices: Iterable[Any]
    blank: bool


def text(name: str, *, multiline: bool = False, **options: Unpack[TextOptions]) -> Field:
    """A text of one line, or of several."""
    return field("text", name, multiline=multiline, **options)


def email(name: str, **options: Unpack[TextOptions]) -> Field:
    """An address as of RFC 5321 and 6531; its domain comes out in lower case and in Unicode."""
    return field("email", name, **options)


def phone(name: str, **options: Unpack[TextOptions]) -> Field:
    r"""A number that matches `^\+?1?\d{9,15}$`."""
    return field("phone", name, **options)


def person_name(name: str, **options: Unpack[TextOptions]) -> Field:
    """A name of a person in any script."""
    return field("person_name", name, **options)


def url(name: str, **options: Unpack[TextOptions]) -> Field:
    """An address with `http` or `https` and a host."""
    return field("url", name, **options)


def password(name: str, *, length_min: int = 12, length_max: int = 128, **options: Unpack[Options]) -> Field:
    """A text that is kept exactly as it was given."""
    return field("text", name, secret=True, length_min=length_min, length_max=length_max, **options)


def choice(name: str, choices: Iterable[Any], **options: Unpack[RowOptions]) -> Field:
    """One of some texts or integers, or of the values of an enumeration."""
    values = [getattr(each, "value", each) for each in choices]
    kind = "integer" if values and all(isinstance(each, int) for each in values) else "text"
    return field(kind, name, choices=values, **options)


def integer(name: str, *, choices: Iterable[int] = (), **options: Unpack[OrderedOptions]) -> Field:
    """An integer of 64 bits."""
    return field("integer", name, choices=choices, **options)


def age(name: str, *, minimum: int = 0, maximum: int = 150, **options: Unpack[RowOptions]) -> Field:
    """An age in whole years."""
    return field("integer", name, minimum=minimum, maximum=maximum, **options)


def number(name: str, **options: Unpack[OrderedOptions]) -> Field:
    """A finite float."""
    return field("number", name, **options)


def boolean(name: str, **options: Unpack[RowOptions]) -> Field:
    """True or False. A box of a page that is not ticked is not sent at all: give it `default=False`."""
    return field("boolean", name, **options)


def date(name: str, **options: Unpack[OrderedOptions]) -> Field:
    """A date, also from ISO 8601: `2026-01-31`."""
    return field("date", name, **options)


def timestamp(name: str, **options: Unpack[OrderedOptions]) -> Field:
    """A datetime with a time zone, also from ISO 8601; it comes out in UTC."""
    return field("timestamp", name, **options)


def uuid(name: str, **options: Unpack[RowOptions]) -> Field:
    """A UUID, also from its text."""
    return field("uuid", name, **options)


def json(name: str, **options: Unpack[Options]) -> Field:
    """Anything that JSON can say, at most 32 deep, with whole numbers of 64 bits."""
    return field("json", name, **options)


def object(name: str, form: Form, **options: Unpack[Options]) -> Field:
    """An object with a form of its own."""
    return field("object", name, form=form, **options)


def list(
    name: str,
    items: Field,
    *,
    length_min: int = 0,
    length_max: int = 0,
    unique_items: bool = False,
    **options: Unpack[Options],
) -> Field:
    """A list of at most `length_max` items, or 1,000, each as the field `items` says; its name is free."""
    return field(
        "list",
        name,
        items=items,
        length_min=length_min,
        length_max=length_max,
        unique_items=unique_items,
        **options,
    )
