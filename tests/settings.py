"""Settings of the tests: neither `.env` nor the environment's HOTWAX_… may change them."""

import os

for _name in list(os.environ):
    if _name.startswith(("HOTWAX_", "SHOP")) or _name in (
        "DASHBOARD_TIME_ZONE",
        "DATABASE_URL",
        "CACHE_URL",
        "WEB_PROCESSES",
        "SECRET_KEY",
        "SESSION_IDLE_HOURS",
        "TRUSTED_PROXIES",
        "ALLOWED_HOSTS",
        "DEBUG",
        "PORT",
        "DEMO_PORT",
    ):
        del os.environ[_name]
os.environ["ENV_FILE"] = os.devnull

#: `python -m tests.postgresql` runs the suite a second time over PostgreSQL.
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from reconciler.settings import *  # noqa: E402, F403
from tests.clock import ZONE  # noqa: E402

TIME_ZONE = DASHBOARD_TIME_ZONE = ZONE

#: Nothing answers there; a test that asks names its own HotWax.
HOTWAX_URL = "http://127.0.0.1:9"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
LOGGING_CONFIG = None
AXES_ENABLED = True
