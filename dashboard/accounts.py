"""Who may sign in, and what their role is.

Roles are the groups Viewer, Agent, Manager, Admin; no group is a Viewer, a superuser an Admin.
The demo's accounts are flagged and refused unless the demo is on and only loopback can reach us.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User
from django.http import HttpRequest

from dashboard.models import DemoAccount

VIEWER, AGENT, MANAGER, ADMIN = "Viewer", "Agent", "Manager", "Admin"
ROLES = (VIEWER, AGENT, MANAGER, ADMIN)
CHECK_CONNECTION = "dashboard.check_connection"
CORRECT_ERRORS = "dashboard.correct_errors"
EDIT_RUNBOOKS = "dashboard.edit_runbooks"
WORK_ON_ORDERS = "dashboard.work_on_orders"
UNDO_OF_OTHERS = "dashboard.undo_of_others"
SHARE_VIEWS = "dashboard.share_views"
#: What a role may do beside reading. Admins may do everything, `dashboard.manage_users` too.
PERMISSIONS = {
    VIEWER: frozenset[str](),
    AGENT: frozenset({CHECK_CONNECTION, WORK_ON_ORDERS}),
    MANAGER: frozenset(
        {
            CHECK_CONNECTION,
            WORK_ON_ORDERS,
            CORRECT_ERRORS,
            EDIT_RUNBOOKS,
            UNDO_OF_OTHERS,
            SHARE_VIEWS,
        }
    ),
}
#: Name (also the password) -> role, and what it may do in a few words.
DEMO_ACCOUNTS = {
    "viewer": (VIEWER, "reads"),
    "agent": (AGENT, "works on orders"),
    "manager": (MANAGER, "also corrects errors, writes runbooks"),
    "admin": (ADMIN, "also manages users"),
}


def role_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return the highest role of a person."""
    if not isinstance(user, User):
        return VIEWER
    if user.is_superuser:
        return ADMIN
    if not hasattr(user, "_role"):
        names = set(user.groups.values_list("name", flat=True))
        mine = [role for role in ROLES if role in names]
        user._role = mine[-1] if mine else VIEWER  # type: ignore[attr-defined]
    return str(user._role)  # type: ignore[attr-defined]


def demo_accounts_work() -> bool:
    """Return True if the demo is on and only this machine can reach us."""
    return bool(settings.DEMO and settings.ONLY_LOOPBACK)


class AccountBackend(ModelBackend):
    """Django's backend, with the demo's accounts guarded and Admins allowed everything."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Refuse the demo's accounts outside the demo, also for sessions that began inside it."""
        if not super().user_can_authenticate(user):
            return False
        flagged = DemoAccount.objects.filter(user__username=user.get_username() if user else "")
        return demo_accounts_work() or not flagged.exists()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Let Admins do everything, and others what their role may do."""
        if not user_obj.is_active:
            return False
        role = role_of(user_obj)
        if role == ADMIN or perm in PERMISSIONS[role]:
            return True
        # Ours are the role's alone; the database is asked for Django's only.
        ours = perm.startswith("dashboard.")
        return not ours and super().has_perm(user_obj, perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Let Admins see every part of /admin/."""
        admin = bool(user_obj.is_active and role_of(user_obj) == ADMIN)
        return admin or super().has_module_perms(user_obj, app_label)


class AdminSite(admin.AdminSite):
    """Django's admin for people whose role is Admin."""

    site_header = site_title = "Reconciler administration"

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask for the role, not for Django's staff flag."""
        return bool(request.user.is_active and role_of(request.user) == ADMIN)


def make_demo_accounts(**_: Any) -> None:
    """Make the demo's four accounts where the demo is on."""
    if not demo_accounts_work():
        return
    for name, (role, _words) in DEMO_ACCOUNTS.items():
        if User.objects.filter(username=name).exists():
            continue  # never give somebody's own account a known password
        user = User.objects.create_user(name, password=name, first_name=name.capitalize())
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        DemoAccount.objects.create(user=user)
