"""Settings, read from the environment and from `.env`; each is in the README's table."""

import os
import re
import secrets
import sys
import warnings
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from reconciler.environment import (
    batch,
    checked,
    core,
    doc_type,
    host_of,
    hours,
    in_one_line,
    loopback,
    make_private,
    number,
    one_of,
    pairs,
    port,
    seconds,
    text,
)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE", str(BASE_DIR / ".env")))


# --------------------------------------------------------------------------------- HotWax

PORT = checked("PORT", text("PORT", "8000"), port, "a port number")
DEMO_PORT = checked("DEMO_PORT", text("DEMO_PORT", "8001"), port, "a port number")
HOTWAX_URL = text("HOTWAX_URL", "").strip().rstrip("/")
#: Without a HotWax of one's own, the miniature in reconciler/demo takes its place.
DEMO = not HOTWAX_URL
if DEMO:
    HOTWAX_URL = f"http://127.0.0.1:{DEMO_PORT}"
_host = host_of(HOTWAX_URL)
if not _host:
    raise ImproperlyConfigured("HOTWAX_URL must be an address such as https://demo-oms.hotwax.io.")
if set(HOTWAX_URL) & set("@?#"):
    raise ImproperlyConfigured("HOTWAX_URL must hold no user name, password, query or fragment.")
if HOTWAX_URL.lower().startswith("http:") and not loopback(_host):
    raise ImproperlyConfigured(
        "HOTWAX_URL is http:// and not on this machine: the token would travel unprotected. "
        "Use https://."
    )
HOTWAX_API = checked(
    "HOTWAX_API", text("HOTWAX_API", "ofbiz"), one_of("ofbiz", "moqui"), "ofbiz or moqui"
)
HOTWAX_METHOD = checked(
    "HOTWAX_METHOD",
    text("HOTWAX_METHOD", "auto"),
    one_of("auto", "GET", "POST", "GET-QUERY"),
    "auto, GET, POST or GET-QUERY",
)
HOTWAX_TOKEN = text("HOTWAX_TOKEN", "").strip()
if HOTWAX_TOKEN and not re.fullmatch(r"[!-~]+", HOTWAX_TOKEN):
    raise ImproperlyConfigured("HOTWAX_TOKEN must hold no spaces, and letters of ASCII only.")
HOTWAX_USERNAME = text("HOTWAX_USERNAME", "").strip()
HOTWAX_PASSWORD = text("HOTWAX_PASSWORD", "")
if bool(HOTWAX_USERNAME) != bool(HOTWAX_PASSWORD):
    raise ImproperlyConfigured("HOTWAX_USERNAME and HOTWAX_PASSWORD belong together.")
HOTWAX_CORE = checked(
    "HOTWAX_CORE",
    text("HOTWAX_CORE", "logInsights"),
    core,
    "letters, digits, and _ . - (not first)",
)
HOTWAX_DOC_TYPE = checked(
    "HOTWAX_DOC_TYPE",
    text("HOTWAX_DOC_TYPE", "SHOPIFY_ORDER"),
    doc_type,
    "at most 100 characters, without control characters and ${",
)
HOTWAX_ORDER_CORE = checked(
    "HOTWAX_ORDER_CORE",
    text("HOTWAX_ORDER_CORE", ""),
    lambda value: core(value) if value else "",
    "letters, digits, and _ . - (not first), or nothing",
)
HOTWAX_TIME_ZONE = checked(
    "HOTWAX_TIME_ZONE",
    text("HOTWAX_TIME_ZONE", "UTC"),
    lambda name: ZoneInfo(name).key,
    "a time zone such as America/New_York",
)
HOTWAX_FRESH_SECONDS = checked(
    "HOTWAX_FRESH_SECONDS", text("HOTWAX_FRESH_SECONDS", "15"), seconds, "seconds, up to 3600"
)
HOTWAX_TIMEOUT_SECONDS = checked(
    "HOTWAX_TIMEOUT_SECONDS",
    text("HOTWAX_TIMEOUT_SECONDS", "20"),
    seconds,
    "seconds, up to 3600",
)
SHOPIFY_STORES = checked(
    "SHOPIFY_STORES", text("SHOPIFY_STORES", ""), pairs, "host=handle, separated by commas"
)
SHOP_PRODUCT_STORES = checked(
    "SHOP_PRODUCT_STORES",
    text("SHOP_PRODUCT_STORES", ""),
    pairs,
    "host=product store, separated by commas",
)
#: How many orders HotWax's import job takes in one go, and how often it runs.
IMPORT_BATCH = checked("IMPORT_BATCH", text("IMPORT_BATCH", "100"), batch, "a number up to 1000")
IMPORT_INTERVAL_MINUTES = checked(
    "IMPORT_INTERVAL_MINUTES",
    text("IMPORT_INTERVAL_MINUTES", "15"),
    batch,
    "minutes, up to 1000",
)
DASHBOARD_TIME_ZONE = checked(
    "DASHBOARD_TIME_ZONE",
    text("DASHBOARD_TIME_ZONE", "UTC"),
    lambda name: ZoneInfo(name).key,
    "a time zone such as Europe/Berlin",
)

# --------------------------------------------------------------------------------- Django

DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK_HOSTS)
#: Nobody beyond this machine can reach us, so plain http is enough.
ONLY_LOOPBACK = all(loopback(host.strip("[]")) for host in ALLOWED_HOSTS)


SHORTEST_SECRET_KEY = 32


def _secret_key() -> str:
    if key := text("SECRET_KEY", ""):
        if len(key) < SHORTEST_SECRET_KEY and not DEBUG and not ONLY_LOOPBACK:
            raise ImproperlyConfigured(
                f"SECRET_KEY must have at least {SHORTEST_SECRET_KEY} characters where "
                "ALLOWED_HOSTS names a host beyond this machine."
            )
        return str(key)
    if not DEBUG and not ONLY_LOOPBACK:
        raise ImproperlyConfigured(
            "SECRET_KEY is required where ALLOWED_HOSTS names a host beyond this machine. "
            "Set it to 50 random characters and keep it secret."
        )
    path = VAR / "secret_key"
    VAR.mkdir(exist_ok=True)
    if not path.exists():
        # Under its name only once it is whole: another process may be looking for it.
        new = VAR / f"secret_key.{os.getpid()}"
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "dashboard",
    "reconciler.ledger",
    "reconciler.demo",
    "dashboard.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_tables2",
    "heroicons",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "dashboard.middleware.RoomForFrames",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Adds random bytes against BREACH: its length tells nothing about a secret in the page.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "dashboard.middleware.ShortAddress",
    "dashboard.sign_in.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.LoginRequired",
    "dashboard.middleware.Private",
    "django.contrib.messages.middleware.MessageMiddleware",
    "dashboard.middleware.Ledger",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "reconciler.urls"
WSGI_APPLICATION = "reconciler.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.frame",
            ],
        },
    },
    {
        "NAME": "repeated",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "repeated"],
        "OPTIONS": {"environment": "dashboard.repeated.environment"},
    },
]


_default_database = VAR / ("demo.sqlite3" if DEMO else "reconciler.sqlite3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of an address that it does not know it prints the password
    DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{_default_database}")}
if "." not in DATABASES["default"].get("ENGINE", ""):  # a module's name
    raise ImproperlyConfigured(
        "DATABASE_URL must be an address such as postgres://user:password@host/name."
    )
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR.mkdir(exist_ok=True)
    make_private(Path(DATABASES["default"]["NAME"]))
    # Without IMMEDIATE a transaction that reads and then writes fails at once with "database is
    # locked", whatever the timeout.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: Figures are cached by the ledger's revision. Web processes share them in files, which outlive
#: the program; whatever else runs has no use for that, and caches in memory.
SHARED_CACHE = {
    "BACKEND": "reconciler.cache.FileCache",
    "LOCATION": VAR / "cache",
    "OPTIONS": {"MAX_ENTRIES": 1000},
}
IS_WEB = sys.argv[1:2] == ["web"]
CACHES = {
    "default": SHARED_CACHE
    if IS_WEB and not text("CACHE_URL", "")
    else env.cache_url("CACHE_URL", default="locmemcache://")
}
#: Python runs on one processor a process.
WEB_PROCESSES = checked(
    "WEB_PROCESSES",
    text("WEB_PROCESSES", str(min(os.cpu_count() or 1, 4))),
    number,
    "a number from 1 to 64",
)

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "dashboard.accounts.AccountBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/orders/"
LOGOUT_REDIRECT_URL = "/login/"

# What is locked and for how long: dashboard/sign_in.py.
AXES_HANDLER = "dashboard.sign_in.Lockout"
AXES_CLIENT_IP_CALLABLE = "dashboard.sign_in.client_address"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "dashboard/locked_out.html"
AXES_VERBOSE = False
TRUSTED_PROXIES = checked(
    "TRUSTED_PROXIES",
    text("TRUSTED_PROXIES", ""),
    lambda value: [ip_network(part) for part in re.split(r"[,\s]+", value.strip()) if part],
    "addresses or networks, separated by commas",
)

SESSION_IDLE_HOURS = checked(
    "SESSION_IDLE_HOURS", text("SESSION_IDLE_HOURS", "12"), hours, "hours, up to 720"
)
#: A session's use is written down this often at most; its end is so much later.
SESSION_USE_SECONDS = min(300, SESSION_IDLE_HOURS * 36)
SESSION_COOKIE_AGE = round(SESSION_IDLE_HOURS * 3600 + SESSION_USE_SECONDS)

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = DASHBOARD_TIME_ZONE

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "reconciler.static_files.HashedStaticFiles"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# The server takes no larger body (dashboard/server.py), so that none reaches the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# ------------------------------------------------------------------------------- security

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
if not ONLY_LOOPBACK and not DEBUG:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "one_line": {"()": "django.utils.log.CallbackFilter", "callback": in_one_line},
    },
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Both would write addresses, and HotWax's may carry what must not be in a log.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # It would tell of every request that waits for a thread, and of every visitor who left.
        "waitress": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"filters": ["one_line"]},
    },
}
