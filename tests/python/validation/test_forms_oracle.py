"""Strict forms and the JSON Schema made of them call the same documents valid; `jsonschema` is the judge.
JSON and the objects that it says give the same values and errors.

Left out is what JSON Schema takes otherwise: whole numbers as `2.0`, white space alone, formats, which are
only notes there; a text that may be blank, but not otherwise short, is said under `x-consilia`.
"""

from __future__ import annotations

import json
import random
from typing import Any

from jsonschema import Draft202012Validator

from consilia import forms

TEXTS = ["", "a", "ab", "abc", "über", "漢字", "x" * 12, "red", "green"]
NUMBERS = [-3, -1, 0, 1, 2, 7, 1.5, -0.25, 150]


def random_field(rng: random.Random, name: str, depth: int) -> forms.Field:
    common: dict[str, Any] = {"required": rng.random() < 0.6, "nullable": rng.random() < 0.3}
    low, high = sorted(rng.sample([-2, 0, 1, 2, 5], 2))
    kinds = ["text", "choice", "integer", "number", "boolean", "json"]
    match rng.choice(kinds + (["object", "list"] if depth < 2 else [])):
        case "text":
            blank = rng.random() < 0.3
            bounds = {"length_min": 0 if blank else max(low, 0), "length_max": max(high, 1)}
            pattern = {"pattern": "^[a-z]+$"} if rng.random() < 0.3 else {}
            return forms.text(name, blank=blank, **bounds, **pattern, **common)
        case "choice":
            return forms.choice(name, rng.choice([["red", "green"], [1, 2]]), **common)
        case "integer":
            return forms.integer(name, minimum=low, maximum=high, **common)
        case "number":
            return forms.number(name, minimum=low, maximum=high, **common)
        case "boolean":
            return forms.boolean(name, **common)
        case "json":
            return forms.json(name, **common)
        case "object":
            return forms.object(name, random_form(rng, depth + 1), **common)
        case _:
            items = random_field(rng, "item", depth + 1)
            unique = rng.random() < 0.3
            return forms.list(
                name, items, length_min=max(low, 0), length_max=max(high, 1), unique_items=unique, **common
            )


def random_form(rng: random.Random, depth: int = 0) -> forms.Form:
    fields = [random_field(rng, f"f{i}", depth) for i in range(rng.randint(1, 4))]
    return forms.Form(fields, mode="strict", unknown=rng.choice(["refuse", "ignore"]))


def random_value(rng: random.Random, schema: Any) -> Any:
    """A value that the schema likely allows, or anything at all."""
    kind = schema.get("type") if rng.random() < 0.9 else rng.choice(["string", "number", "null", "array"])
    match rng.choice(kind) if isinstance(kind, list) else kind:
        case _ if "enum" in schema and rng.random() < 0.8:
            return rng.choice(schema["enum"])
        case "string":
            return rng.choice(TEXTS)
        case "integer":
            return rng.choice([each for each in NUMBERS if isinstance(each, int)])
        case "number":
            return rng.choice(NUMBERS)
        case "boolean":
            return rng.random() < 0.5
        case "object":
            properties = {**schema.get("properties", {}), **({"more": {}} if rng.random() < 0.1 else {})}
            return {name: random_value(rng, each) for name, each in properties.items() if rng.random() < 0.9}
        case "array":
            return [random_value(rng, schema.get("items", {})) for _ in range(rng.randint(0, 4))]
        case _:
            return None


def test_a_strict_form_and_its_schema_agree() -> None:
    rng = random.Random(1)
    valid = 0
    for _ in range(200):
        form = random_form(rng)
        schema = json.loads(forms.to_json_schema(form))
        Draft202012Validator.check_schema(schema)
        judge = Draft202012Validator(schema)
        again = forms.form_from_json_schema(json.dumps(schema))
        for _ in range(50):
            document = json.dumps(random_value(rng, schema)).encode()
            expected = judge.is_valid(json.loads(document))
            valid += expected
            report = form.check(document)
            assert report.valid == expected, (document, report.errors, schema)
            assert again.check(document).valid == expected
            if document.startswith(b'"'):
                continue  # A text is read as JSON.
            given = form.check(json.loads(document))
            assert (given.values, given.errors_json()) == (report.values, report.errors_json())
            assert not expected or judge.is_valid(json.loads(report.values_json()))
    assert 1000 < valid < 9000
