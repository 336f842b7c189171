"""For monitoring: are we alive, can we serve? HotWax's health is not ours."""

from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from reconciler import service


@login_not_required
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer as soon as the process answers anything."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 503 while pages behind the sign-in cannot be served.

    A database that can be read but not written to is enough for them.
    """
    try:
        with service.brief_wait():
            problem = _problem()
    except DatabaseError:
        problem = {"database": "does not answer"}
    except service.AnotherHotWax:
        problem = {"database": "belongs to another HotWax"}
    if problem:
        return JsonResponse({"status": "unavailable", **problem}, status=503)
    return JsonResponse({"status": "ok"})


def _problem() -> dict[str, str]:
    """Read a row of each table that every page reads."""
    if not _migrations() <= set(MigrationRecorder(connection).applied_migrations()):
        return {"database": "not migrated"}
    for model in (Session, User):
        model._default_manager.first()
    service.check_readable()
    return {}


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """Return app and name of every migration, read from the files once a process."""
    return frozenset(MigrationLoader(None).disk_migrations)
