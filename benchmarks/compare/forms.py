"""What does checking a registration form of eleven fields cost, beside what Python's services use?

The same rules for everyone: lengths, a pattern of the user name, an address by a pattern for those that have
no check of their own in C (Pydantic's `EmailStr` takes many times as long), age 0 to 150, a phone number, two
choices, a date, a boolean. Ours reads the result as users do: `values`, and with errors `errors` with message
and parameters.
"""

import contextlib
import datetime
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from program import measure
from rows import ROOT, Row, Sample, Work, interleaved, on_one_processor, write

sys.path.insert(0, str(ROOT / "tests" / "python" / "validation"))

RUNS, SAMPLE_S = 25, 0.02
GOAL_DICT_US, GOAL_JSON_US, GOAL_ERRORS_US, GOAL_CPP_US = 2.0, 2.2, 3.5, 1.2
USERNAME = r"^[\w.@+-]+$"
EMAIL = r"^[^@\s]{1,64}@[^@\s]+\.[^@\s]+$"
PHONE = r"^\+?1?\d{9,15}$"
NAME = r"^[^\W\d_]+(?:[ '’.-][^\W\d_]+)*$"

Check = Callable[[Any], object]


def ours() -> tuple[Check, Check, Check]:
    from registration import registration

    form = registration()
    check = form.check

    def of(data: Any) -> object:
        return check(data).values

    def wrong(data: Any) -> object:
        return [(error.path, error.code, error.message, error.params) for error in check(data).errors]

    return of, of, wrong


def pydantic_peer() -> tuple[Check, Check, Check]:
    import pydantic
    from pydantic import Field

    class Registration(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid", str_strip_whitespace=True)
        username: Annotated[str, Field(min_length=3, max_length=150, pattern=USERNAME)]
        email: Annotated[str, Field(max_length=254, pattern=EMAIL)]
        password: Annotated[str, Field(min_length=12, max_length=128)]
        first_name: Annotated[str, Field(max_length=100, pattern=r"^[\p{L} '’.-]+$")]
        last_name: Annotated[str, Field(max_length=100, pattern=r"^[\p{L} '’.-]+$")]
        birth_date: datetime.date
        age: Annotated[int, Field(ge=0, le=150)]
        phone: Annotated[str, Field(pattern=PHONE)]
        sex: Literal["female", "male", "other"]
        role: Literal["patient", "staff"]
        consent: bool

    validator = Registration.__pydantic_validator__

    def wrong(data: Any) -> object:
        try:
            return validator.validate_python(data)
        except pydantic.ValidationError as error:
            return error.errors(include_url=False)

    return validator.validate_python, validator.validate_json, wrong


def msgspec_peer() -> tuple[Check, Check, None]:
    import msgspec
    from msgspec import Meta

    class Registration(msgspec.Struct, forbid_unknown_fields=True):
        username: Annotated[str, Meta(min_length=3, max_length=150, pattern=USERNAME)]
        email: Annotated[str, Meta(max_length=254, pattern=EMAIL)]
        password: Annotated[str, Meta(min_length=12, max_length=128)]
        first_name: Annotated[str, Meta(max_length=100, pattern=NAME)]
        last_name: Annotated[str, Meta(max_length=100, pattern=NAME)]
        birth_date: datetime.date
        age: Annotated[int, Meta(ge=0, le=150)]
        phone: Annotated[str, Meta(pattern=PHONE)]
        sex: Literal["female", "male", "other"]
        role: Literal["patient", "staff"]
        consent: bool

    decoder = msgspec.json.Decoder(Registration)
    return (
        lambda data: msgspec.convert(data, Registration),
        decoder.decode,
        None,
    )  # It stops at the first error.


def _configure_django() -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)
        django.setup()


def django_peer() -> tuple[Check, None, Check]:
    _configure_django()
    from django import forms

    class Registration(forms.Form):
        username = forms.RegexField(regex=USERNAME, min_length=3, max_length=150)
        email = forms.EmailField()
        password = forms.CharField(min_length=12, max_length=128, strip=False)
        first_name = forms.RegexField(regex=NAME, max_length=100)
        last_name = forms.RegexField(regex=NAME, max_length=100)
        birth_date = forms.DateField()
        age = forms.IntegerField(min_value=0, max_value=150)
        phone = forms.RegexField(regex=PHONE)
        sex = forms.ChoiceField(choices=[(each, each) for each in ("female", "male", "other")])
        role = forms.ChoiceField(choices=[(each, each) for each in ("patient", "staff")])
        consent = forms.BooleanField()

    def of(data: Any) -> object:
        form = Registration(data)
        if not form.is_valid():
            raise ValueError(form.errors)
        return form.cleaned_data

    return of, None, lambda data: Registration(data).errors.get_json_data()


def drf_peer() -> tuple[Check, None, Check]:
    _configure_django()
    from rest_framework import serializers

    class Registration(serializers.Serializer):  # type: ignore[misc]
        username = serializers.RegexField(USERNAME, min_length=3, max_length=150)
        email = serializers.EmailField()
        password = serializers.CharField(min_length=12, max_length=128, trim_whitespace=False)
        first_name = serializers.RegexField(NAME, max_length=100)
        last_name = serializers.RegexField(NAME, max_length=100)
        birth_date = serializers.DateField()
        age = serializers.IntegerField(min_value=0, max_value=150)
        phone = serializers.RegexField(PHONE)
        sex = serializers.ChoiceField(choices=["female", "male", "other"])
        role = serializers.ChoiceField(choices=["patient", "staff"])
        consent = serializers.BooleanField()

    def of(data: Any) -> object:
        serializer = Registration(data=data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def wrong(data: Any) -> object:
        serializer = Registration(data=data)
        serializer.is_valid()
        return serializer.errors

    return of, None, wrong


PEERS = [
    ("pydantic", "pydantic", pydantic_peer),
    ("msgspec", "msgspec", msgspec_peer),
    ("Django Form", "django", django_peer),
    ("DRF serializer", "rest_framework", drf_peer),
]


def main() -> None:
    from registration import BAD, GOOD

    on_one_processor()
    assert re.match(EMAIL, GOOD["email"]) and not re.match(EMAIL, BAD["email"])
    inputs = [
        ("from a dict", GOOD, GOAL_DICT_US),
        ("from JSON bytes", json.dumps(GOOD, ensure_ascii=False).encode(), GOAL_JSON_US),
        ("three errors, from a dict", BAD, GOAL_ERRORS_US),
    ]
    mine = ours()
    peers = []
    for name, package, make in PEERS:
        if importlib.util.find_spec(package) is None:
            print(f"forms: {package} is not installed, so its rows are left out")
            continue
        peers.append((name, make()))
    rows = []
    for place, (case, data, goal) in enumerate(inputs):
        works = [Work(lambda check=mine[place], data=data: check(data))]
        names = []
        for name, checks in peers:
            check = checks[place]
            if check is not None:
                names.append(name)
                works.append(Work(lambda check=check, data=data: check(data)))
        taken, *others = interleaved(RUNS, works, SAMPLE_S)
        rows.append(Row.of(case, taken, Sample(goal / 1e6), 1.0, against="the goal"))
        for name, sample in zip(names, others, strict=True):
            rows.append(Row.of(case, taken, sample, 1.0 if name == "pydantic" else None, against=name))
    for case, sample in measure("validation_bench", "Validation/Form").items():
        goal = Sample(GOAL_CPP_US / 1e6)
        wanted = None if "Errors" in case else 1.0
        rows.append(Row.of(f"C++: {case.split('/')[1]}", sample, goal, wanted, against="the goal"))
    versions = {}
    for name in ("pydantic", "msgspec", "django", "djangorestframework"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    write("forms", rows, versions)


if __name__ == "__main__":
    main()
