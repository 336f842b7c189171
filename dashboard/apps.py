"""What people see, as a Django app; and Django's admin with our roles."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate


class DashboardConfig(AppConfig):
    """Pages, tables, filters, accounts."""

    name = "dashboard"
    default = True

    def ready(self) -> None:
        """Make the demo's accounts after migrating, and note when sessions begin."""
        # Apps must be ready.
        from dashboard.accounts import make_demo_accounts  # noqa: PLC0415
        from dashboard.sign_in import begin_session  # noqa: PLC0415

        post_migrate.connect(make_demo_accounts, sender=self)
        user_logged_in.connect(begin_session)


class AdminConfig(admin_apps.AdminConfig):
    """Admin site that lets our Admins in."""

    default_site = "dashboard.accounts.AdminSite"
    default = False
