"""The form of eleven fields that tests and the benchmark share."""

from consilia import forms

GOOD = {
    "username": "jane.doe",
    "email": "jane.doe@example.org",
    "password": "correct horse battery",
    "first_name": "Jane",
    "last_name": "Doe-Müller",
    "birth_date": "1985-04-12",
    "age": 40,
    "phone": "+4915112345678",
    "sex": "female",
    "role": "patient",
    "consent": True,
}
BAD = {**GOOD, "username": "jd", "email": "jane.doe-at-example.org", "age": 240}


def registration(**options: object) -> forms.Form:
    return forms.Form(
        [
            forms.text("username", length_min=3, length_max=150, pattern=r"^[\w.@+-]+$"),
            forms.email("email"),
            forms.password("password"),
            forms.person_name("first_name", length_max=100),
            forms.person_name("last_name", length_max=100),
            forms.date("birth_date"),
            forms.age("age"),
            forms.phone("phone"),
            forms.choice("sex", ["female", "male", "other"]),
            forms.choice("role", ["patient", "staff"]),
            forms.boolean("consent"),
        ],
        **options,
    )
