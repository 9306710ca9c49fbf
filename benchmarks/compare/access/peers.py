"""The peers: each a policy of so many rules and a question that it answers as often as it is asked.

Role `admin` has what `staff` has, who has what `person` has; person may `read` of `prediction`, and `rules`
other permissions belong to the three. The principal has `admin`.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

Ask = Callable[[str], bool]
"""Whether the principal may do this with `prediction`."""

CASBIN_MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


def others(rules: int) -> list[tuple[str, str, str]]:
    """Role, resource and action of the rules that are not asked for."""
    return [(("person", "staff")[i % 2], f"resource{i % 100}", f"action{i // 100}") for i in range(rules)]


def casbin(folder: Path, rules: int, *, fast: bool) -> Ask:
    """Pycasbin's Enforcer, or its FastEnforcer with the key that its documentation gives."""
    from casbin import Enforcer, FastEnforcer

    logging.disable(logging.WARNING)  # It prints each denial.
    (folder / "model.conf").write_text(CASBIN_MODEL)
    lines = [f"p, {role}, {resource}, {action}" for role, resource, action in others(rules)]
    lines.insert(len(lines) // 2, "p, person, prediction, read")  # Found halfway, on average.
    lines += ["g, admin, staff", "g, staff, person", "g, ada, admin"]
    (folder / "policy.csv").write_text("\n".join(lines))
    files = str(folder / "model.conf"), str(folder / "policy.csv")
    enforcer = FastEnforcer(*files, cache_key_order=[2, 1]) if fast else Enforcer(*files)
    return lambda action: enforcer.enforce("ada", "prediction", action)


def cedar(rules: int) -> Ask:
    """cedarpy, with policies that it has parsed before where it can."""
    import cedarpy

    lines = [("person", "prediction", "read"), *others(rules)]
    text = "\n".join(
        f'permit(principal in Role::"{role}", action == Action::"{action}", '
        f'resource == Resource::"{resource}");'
        for role, resource, action in lines
    )
    entities = json.dumps(
        [
            {"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": [{"type": "Role", "id": "admin"}]},
            {
                "uid": {"type": "Role", "id": "admin"},
                "attrs": {},
                "parents": [{"type": "Role", "id": "staff"}],
            },
            {
                "uid": {"type": "Role", "id": "staff"},
                "attrs": {},
                "parents": [{"type": "Role", "id": "person"}],
            },
        ]
    )

    def ask(action: str) -> bool:
        request = {
            "principal": 'User::"ada"',
            "action": f'Action::"{action}"',
            "resource": 'Resource::"prediction"',
            "context": {},
        }
        return bool(cedarpy.is_authorized(request, text, entities).allowed)

    return ask


def django(rules: int) -> Ask:
    """`user.has_perm` with permissions that the user object has cached."""
    import django as package
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        )
        package.setup()
        from django.core.management import call_command

        with contextlib.redirect_stdout(None):
            call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType

    kind, _ = ContentType.objects.get_or_create(app_label="clinic", model="prediction")
    names = ["read_prediction", *(f"{action}_{resource}" for _, resource, action in others(rules))]
    Permission.objects.all().delete()
    Permission.objects.bulk_create(Permission(name=name, codename=name, content_type=kind) for name in names)
    group, _ = Group.objects.get_or_create(name="admin")
    group.permissions.set(Permission.objects.all())
    user, _ = User.objects.get_or_create(username="ada")
    user.groups.set([group])
    user = User.objects.get(username="ada")
    return lambda action: user.has_perm(f"clinic.{action}_prediction")
