"""Imported policies decide as the engines that they come from: random policies, asked of both.

Without pycasbin or cedarpy the comparison with that engine is left out.
"""

from __future__ import annotations

import random
import secrets
from typing import Any

import pytest

import consilia
from consilia import access

RBAC = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act{eft}
[role_definition]
g = _, _
[policy_effect]
e = {effect}
[matchers]
m = {matcher}
"""
ALLOW = "some(where (p.eft == allow))"
ALLOW_AND_DENY = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
MATCHERS = (
    "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
    "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act",
    "r.sub == p.sub && r.obj == p.obj && r.act == p.act || r.sub == 'root'",
    "g(r.sub, p.sub) && (r.obj == p.obj || p.obj == '*') && r.act == p.act",
    "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act && r.sub != 'carol'",
    "g(r.sub, p.sub) && r.obj in ('data1', '/data/1') && !(r.obj != p.obj) && r.act == p.act",
)
SUBJECTS = ("alice", "bob", "carol", "dave", "Admin", "editor", "viewer", "root", "nobody")
OBJECTS = ("data1", "data2", "/data/1", "/data/2", "/other", "data9")
ACTIONS = ("read", "write", "GET", "erase")


@pytest.fixture
def rng() -> random.Random:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # Shown where a test fails.
    return random.Random(seed)


def imported_answer(
    imported: access.ImportedPolicy,
    policy: access.Policy,
    subject: str,
    obj: dict[str, Any] | str,
    action: str,
    attributes: dict[str, Any] | None = None,
) -> bool:
    """How a program asks an imported policy."""
    if action not in imported.actions:
        return False
    roles = imported.assignments.get(subject) or [imported.other_role or ""]
    principal = access.Principal(subject, [role for role in roles if role], attributes=attributes or {})
    if imported.object_resource:
        fields = {"name": obj} if isinstance(obj, str) else obj
        return bool(policy.check(principal, imported.actions[action], imported.object_resource, fields))
    if obj not in imported.resources:
        return False
    return bool(policy.check(principal, imported.actions[action], imported.resources[str(obj)], {}))


def random_rbac(rng: random.Random) -> tuple[str, str]:
    has_effect = rng.random() < 0.5
    text = RBAC.format(
        eft=", eft" if has_effect else "",
        effect=rng.choice((ALLOW, ALLOW_AND_DENY)),
        matcher=rng.choice(MATCHERS),
    )
    lines = []
    for _ in range(rng.randrange(1, 9)):
        objects = (*OBJECTS[:4], "/data/*", "*") if "keyMatch" in text or "'*'" in text else OBJECTS[:4]
        parts = ["p", rng.choice(SUBJECTS[:7]), rng.choice(objects), rng.choice(ACTIONS[:3])]
        if has_effect:
            parts.append("deny" if rng.random() < 0.3 else "allow")
        lines.append(", ".join(parts))
    order = ("alice", "bob", "carol", "Admin", "editor", "viewer")
    for first in range(len(order)):
        for second in range(max(first + 1, 3), len(order)):
            if rng.random() < 0.25:
                lines.append(f"g, {order[first]}, {order[second]}")
    return text, "\n".join(lines)


def casbin_of(model: str, policy: str) -> Any:
    import casbin

    made = casbin.Model()
    made.load_model_from_text(model)
    return casbin.Enforcer(made, casbin.persist.adapters.StringAdapter(policy))


def test_roles_of_casbin_decide_alike(rng: random.Random) -> None:
    allowed = 0
    for _ in range(60):
        model, lines = random_rbac(rng)
        enforcer = casbin_of(model, lines)
        imported = access.import_casbin(model, lines)
        policy = access.Policy(imported.document)
        for subject in SUBJECTS:
            for obj in OBJECTS:
                for action in ACTIONS:
                    if action not in imported.actions and any(
                        "every action" in note for note in imported.notes
                    ):
                        continue  # As the note says.
                    expected = enforcer.enforce(subject, obj, action)
                    found = imported_answer(imported, policy, subject, obj, action)
                    assert found == expected, f"{subject} {obj} {action}\n{model}\n{lines}"
                    allowed += expected
    assert allowed > 100


class Subject:
    def __init__(self, age: int, name: str) -> None:
        self.Age = age
        self.Name = name


class Thing:
    def __init__(self, owner: str, kind: str, level: int) -> None:
        self.Owner = owner
        self.Kind = kind
        self.Level = level


def test_attributes_of_casbin_decide_alike(rng: random.Random) -> None:
    model = RBAC.format(eft="", effect=ALLOW, matcher="eval(p.sub) && r.obj.Kind == p.obj && r.act == p.act")
    model = model.replace("[role_definition]\ng = _, _\n", "")
    atoms = (
        "r.sub.Age > {n}",
        "r.sub.Age <= {n}",
        "r.sub.Name == r.obj.Owner",
        "r.sub.Name != 'a'",
        "r.obj.Level == {n}",
        "r.sub.Age >= r.obj.Level",
    )
    for _ in range(40):
        lines = []
        for _ in range(rng.randrange(1, 4)):
            rule = " && ".join(
                rng.choice(atoms).format(n=rng.randrange(4)) for _ in range(rng.randrange(1, 4))
            )
            if rng.random() < 0.4:
                rule = f"!({rule}) || {rng.choice(atoms).format(n=rng.randrange(4))}"
            lines.append(f"p, {rule}, {rng.choice('xy')}, {rng.choice(ACTIONS)}")
        text = "\n".join(lines)
        enforcer = casbin_of(model, text)
        imported = access.import_casbin(model, text)
        policy = access.Policy(imported.document)
        names = imported.principal_attributes
        for _ in range(60):
            subject = Subject(rng.randrange(5), rng.choice("abc"))
            thing = Thing(rng.choice("abc"), rng.choice("xyz"), rng.randrange(5))
            action = rng.choice(ACTIONS)
            attributes = {names[name]: value for name, value in vars(subject).items() if name in names}
            types = imported.document["attributes"]["principal"] if attributes else {}
            if any(types[names[name]] != ("int64" if name == "Age" else "text") for name in names):
                continue  # Nothing says of which type it is.
            found = imported_answer(imported, policy, "any", vars(thing), action, attributes)
            assert found == enforcer.enforce(subject, thing, action), (
                f"{vars(subject)} {vars(thing)} {action}\n{text}"
            )


CEDAR_ATOMS = (
    "resource.owner == principal",
    "resource.level > {n}",
    "resource.level <= {n}",
    'resource.kind == "x"',
    'resource.kind != "y"',
    'resource.kind like "x*"',
    "resource has level",
    "(resource has level && resource.level == {n})",
    '["x", "z"].contains(resource.kind)',
    "context.hour < {n}",
    "principal.ward == resource.level",
    "resource.open",
)


def random_cedar(rng: random.Random) -> str:
    def condition(depth: int) -> str:
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(CEDAR_ATOMS).format(n=rng.randrange(3))
        left, right = condition(depth - 1), condition(depth - 1)
        return rng.choice((f"({left} && {right})", f"({left} || {right})", f"!({left})"))

    policies = []
    for number in range(rng.randrange(1, 5)):
        who = rng.choice(("principal", 'principal in Role::"doctor"', 'principal in Role::"Nurse"'))
        action = rng.choice(
            (
                'action == Action::"view"',
                'action in [Action::"view", Action::"Edit"]',
                'action == Action::"Edit"',
            )
        )
        what = rng.choice(("resource is Record", "resource is Note"))
        effect = "forbid" if number > 0 and rng.random() < 0.4 else "permit"
        when = f"when {{ {condition(2)} }}" if rng.random() < 0.8 else ""
        unless = f" unless {{ {condition(1)} }}" if rng.random() < 0.3 else ""
        policies.append(f"{effect} ({who}, {action}, {what}) {when}{unless};")
    return "\n".join(policies)


def test_cedar_decides_alike(rng: random.Random) -> None:
    import cedarpy

    allowed = asked = 0
    for _ in range(120):
        text = random_cedar(rng)
        try:
            imported = access.import_cedar(text)
        except consilia.ValidationError as error:
            assert error.code == "import.cedar", text
            continue
        if any("nothing says of which type" in note for note in imported.notes):
            continue
        policy = access.Policy(imported.document)
        for _ in range(25):
            roles = [role for role in ("doctor", "Nurse") if rng.random() < 0.5]
            ward = rng.randrange(3)
            attributes = {
                name: value
                for name, value in {
                    "level": rng.randrange(3),
                    "kind": rng.choice(("x", "xy", "y", "z")),
                }.items()
                if rng.random() < 0.7
            }
            if rng.random() < 0.7:
                attributes["open"] = rng.random() < 0.5
            owner = rng.choice(("ann", "bob"))
            hour = rng.randrange(4)
            kind, action = rng.choice(("Record", "Note")), rng.choice(("view", "Edit"))
            entities = [
                {
                    "uid": {"type": "User", "id": "ann"},
                    "attrs": {"ward": ward},
                    "parents": [{"type": "Role", "id": role} for role in roles],
                },
                {
                    "uid": {"type": kind, "id": "1"},
                    "attrs": attributes | {"owner": {"__entity": {"type": "User", "id": owner}}},
                    "parents": [],
                },
            ]
            request = {
                "principal": 'User::"ann"',
                "action": f'Action::"{action}"',
                "resource": f'{kind}::"1"',
                "context": {"hour": hour},
            }
            expected = cedarpy.is_authorized(request, text, entities).decision == cedarpy.Decision.Allow
            own = [imported.roles[role] for role in roles if role in imported.roles]
            if not own and imported.other_role:
                own = [imported.other_role]
            names, contexts = imported.principal_attributes, imported.context_attributes
            principal = access.Principal("ann", own, attributes={names["ward"]: ward} if names else {})
            context = access.Context(attributes={contexts["hour"]: hour} if contexts else {})
            fields = dict.fromkeys(("level", "kind", "open", "owner")) | attributes | {"owner": owner}
            found = bool(
                kind in imported.resources
                and action in imported.actions
                and policy.check(
                    principal, imported.actions[action], imported.resources[kind], fields, context
                )
            )
            assert found == expected, f"{request} {entities}\n{text}\n{imported.document}"
            allowed += expected
            asked += 1
    assert asked > 1000
    assert allowed > 100


def test_what_does_not_carry_over_is_refused_with_its_place() -> None:
    with pytest.raises(consilia.ValidationError) as refused:
        access.import_cedar('permit (principal,\naction == Action::"a", resource in Folder::"x");')
    assert refused.value.code == "import.cedar"
    assert (refused.value.details["line"], refused.value.details["column"]) == (2, 33)
    with pytest.raises(consilia.ValidationError, match="regexMatch") as refused:
        access.import_casbin(
            RBAC.format(eft="", effect=ALLOW, matcher="regexMatch(r.act, p.act)"), "p, a, b, c"
        )
    assert refused.value.details["source"] == "model"
