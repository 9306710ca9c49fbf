"""Access for Django: decorators, an authentication backend and querysets scoped by a policy.

```python
# settings.py
CONSILIA_POLICY = BASE_DIR / "policy.json"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "consilia.django.PolicyBackend"]

# views.py
from consilia.django import checker, scope_queryset, staff_required

@staff_required
def predictions(request):
    mine = scope_queryset(Prediction.objects.all(), request, "read", "prediction")
```

Settings: `CONSILIA_POLICY` (a path that ends in `.json`, a policy, a store, a function that gives a policy,
or the dotted name of any of these), `CONSILIA_ADMIN_ROLE` (the role of superusers, `"admin"`; None: none),
`CONSILIA_PRINCIPAL` (the dotted name of a function that takes the place of `principal_from_user`).
"""

from ._backend import PolicyBackend
from ._checker import DjangoChecker, checker, principal_from_user
from ._decorators import (
    admin_required,
    ajax_required,
    error_response,
    object_owner_required,
    patient_required,
    permission_required,
    role_required,
    staff_required,
)
from ._forms import add_messages, check_request, validated
from ._querysets import scope_queryset

__all__ = [
    "DjangoChecker",
    "PolicyBackend",
    "add_messages",
    "admin_required",
    "ajax_required",
    "check_request",
    "checker",
    "error_response",
    "object_owner_required",
    "patient_required",
    "permission_required",
    "principal_from_user",
    "role_required",
    "scope_queryset",
    "staff_required",
    "validated",
]
