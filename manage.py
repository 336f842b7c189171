#!/usr/bin/env python
"""Django's command line for Reconciler."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from reconciler.stack import with_room

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconciler.settings")
    try:
        settings._setup()  # type: ignore[misc]
    except ImproperlyConfigured as error:
        sys.exit(f"Reconciler: {error}")  # in one line: it is a person's mistake, not ours
    with_room(execute_from_command_line, sys.argv)
