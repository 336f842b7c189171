"""WSGI application, for the web server (dashboard/server.py)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reconciler.settings")

application = get_wsgi_application()
