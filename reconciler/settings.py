"""Settings, read from the environment and from `.env`; each is in the README's table."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ
import httpx
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE", str(BASE_DIR / ".env")))


def _text(name: str, default: str) -> str:
    """Return a value as written. `env.str` would take `$word` for the name of another variable."""
    return os.environ.get(name, default)


def _checked(name: str, value: str, reads: Callable[[str], Any], expected: str) -> Any:
    try:
        return reads(value)
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"{name} is “{value}”; it must be {expected}.") from error


def _one_of(*choices: str) -> Callable[[str], str]:
    return lambda value: choices[choices.index(value)]


def _core(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}", value):
        raise ValueError(value)
    return value


def _doc_type(value: str) -> str:
    # "${" would be expanded by Solr in the documented request, and a control character by nobody.
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,100}", value) or "${" in value:
        raise ValueError(value)
    return value


def _seconds(value: str) -> float:
    if not 0 < float(value) <= 3600:
        raise ValueError(value)
    return float(value)


def _port(value: str) -> int:
    if not 0 < int(value) < 65536:
        raise ValueError(value)
    return int(value)


def _pairs(value: str) -> dict[str, str]:
    pairs = [pair.split("=") for pair in re.split(r"[,\s]+", value.strip()) if pair]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ValueError(value)
    return {host.lower(): handle for host, handle in pairs}


#: A part of a host name, between two dots.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


def _host_of(address: str) -> str:
    """Return the host of an http(s) address; "" if it cannot be used.

    Says no more, because what cannot be read may hold a password anywhere.
    """
    try:
        url = httpx.URL(address)
        host, raw = url.host, url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return ""
    if url.scheme not in ("http", "https") or not 0 < (url.port or 443) < 65536:
        return ""
    labels = raw.removesuffix(".").split(".")
    named = len(raw) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return host if named or ":" in raw else ""


def _loopback(host: str | None) -> bool:
    return host in ("localhost", "::1") or bool(host and re.fullmatch(r"127(\.\d+){3}", host))


# --------------------------------------------------------------------------------- HotWax

PORT = _checked("PORT", _text("PORT", "8000"), _port, "a port number")
DEMO_PORT = _checked("DEMO_PORT", _text("DEMO_PORT", "8001"), _port, "a port number")
HOTWAX_URL = _text("HOTWAX_URL", "").strip().rstrip("/")
#: Without a HotWax of one's own, the miniature in reconciler/demo takes its place.
DEMO = not HOTWAX_URL
if DEMO:
    HOTWAX_URL = f"http://127.0.0.1:{DEMO_PORT}"
_host = _host_of(HOTWAX_URL)
if not _host:
    raise ImproperlyConfigured("HOTWAX_URL must be an address such as https://demo-oms.hotwax.io.")
if set(HOTWAX_URL) & set("@?#"):
    raise ImproperlyConfigured("HOTWAX_URL must hold no user name, password, query or fragment.")
if HOTWAX_URL.lower().startswith("http:") and not _loopback(_host):
    raise ImproperlyConfigured(
        "HOTWAX_URL is http:// and not on this machine: the token would travel unprotected. "
        "Use https://."
    )
HOTWAX_API = _checked(
    "HOTWAX_API", _text("HOTWAX_API", "ofbiz"), _one_of("ofbiz", "moqui"), "ofbiz or moqui"
)
HOTWAX_METHOD = _checked(
    "HOTWAX_METHOD",
    _text("HOTWAX_METHOD", "auto"),
    _one_of("auto", "GET", "POST", "GET-QUERY"),
    "auto, GET, POST or GET-QUERY",
)
HOTWAX_TOKEN = _text("HOTWAX_TOKEN", "").strip()
if HOTWAX_TOKEN and not re.fullmatch(r"[!-~]+", HOTWAX_TOKEN):
    raise ImproperlyConfigured("HOTWAX_TOKEN must hold no spaces, and letters of ASCII only.")
HOTWAX_USERNAME = _text("HOTWAX_USERNAME", "").strip()
HOTWAX_PASSWORD = _text("HOTWAX_PASSWORD", "")
if bool(HOTWAX_USERNAME) != bool(HOTWAX_PASSWORD):
    raise ImproperlyConfigured("HOTWAX_USERNAME and HOTWAX_PASSWORD belong together.")
HOTWAX_CORE = _checked(
    "HOTWAX_CORE",
    _text("HOTWAX_CORE", "logInsights"),
    _core,
    "letters, digits, and _ . - (not first)",
)
HOTWAX_DOC_TYPE = _checked(
    "HOTWAX_DOC_TYPE",
    _text("HOTWAX_DOC_TYPE", "SHOPIFY_ORDER"),
    _doc_type,
    "at most 100 characters, without control characters and ${",
)
HOTWAX_TIME_ZONE = _checked(
    "HOTWAX_TIME_ZONE",
    _text("HOTWAX_TIME_ZONE", "UTC"),
    lambda name: ZoneInfo(name).key,
    "a time zone such as America/New_York",
)
HOTWAX_FRESH_SECONDS = _checked(
    "HOTWAX_FRESH_SECONDS", _text("HOTWAX_FRESH_SECONDS", "15"), _seconds, "seconds, up to 3600"
)
HOTWAX_TIMEOUT_SECONDS = _checked(
    "HOTWAX_TIMEOUT_SECONDS",
    _text("HOTWAX_TIMEOUT_SECONDS", "20"),
    _seconds,
    "seconds, up to 3600",
)
SHOPIFY_STORES = _checked(
    "SHOPIFY_STORES", _text("SHOPIFY_STORES", ""), _pairs, "host=handle, separated by commas"
)
DASHBOARD_TIME_ZONE = _checked(
    "DASHBOARD_TIME_ZONE",
    _text("DASHBOARD_TIME_ZONE", "UTC"),
    lambda name: ZoneInfo(name).key,
    "a time zone such as Europe/Berlin",
)

# --------------------------------------------------------------------------------- Django

DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK_HOSTS)
#: Nobody beyond this machine can reach us, so plain http is enough.
ONLY_LOOPBACK = all(_loopback(host.strip("[]")) for host in ALLOWED_HOSTS)


SHORTEST_SECRET_KEY = 32


def _secret_key() -> str:
    if key := _text("SECRET_KEY", ""):
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
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
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
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Adds random bytes against BREACH: its length tells nothing about a secret in the page.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "dashboard.middleware.ShortAddress",
    "django.contrib.sessions.middleware.SessionMiddleware",
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
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{_default_database}")}
if "ENGINE" not in DATABASES["default"]:
    raise ImproperlyConfigured(
        "DATABASE_URL must be an address such as postgres://user:password@host/name."
    )
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR.mkdir(exist_ok=True)
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

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

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

# Ten wrong passwords for one account from one address close it for a quarter of an hour.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "dashboard/locked_out.html"
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = DASHBOARD_TIME_ZONE

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
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
    },
}
