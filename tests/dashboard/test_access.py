"""Who may see what: sign-in, roles, the demo's accounts, headers, health."""

from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser

from dashboard.accounts import DEMO_ACCOUNTS, make_demo_accounts, role_of
from dashboard.models import DemoAccount
from tests.dashboard.conftest import Page
from tests.settings_loader import load

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/orders/", "/orders/1/", "/orders/export.csv"])
def test_everything_needs_a_sign_in_and_leads_back(path: str) -> None:
    response = Browser().get(path)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("path", ["/login/", "/livez", "/readyz", "/static/css/table.css"])
def test_these_do_not(path: str) -> None:
    assert Browser().get(path).status_code == 200


def test_a_fragments_request_of_a_signed_out_person_redirects_the_page() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?q=a%26b"}
    response = Browser().get("/orders/?q=x", headers=headers)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/login/?next=/orders/%3Fq%3Da%2526b"
    assert not response.content


def test_home_leads_to_the_list(browser: Browser) -> None:
    assert browser.get("/")["Location"] == "/orders/"


def test_strict_headers_are_on_every_page(browser: Browser, quiet: None) -> None:
    response = browser.get("/orders/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_no_page_has_inline_style_or_script(browser: Browser, quiet: None) -> None:
    for path in ("/orders/", "/login/", "/nope/"):
        root = Page(browser.get(path, follow=True)).root
        assert not root.all("style")
        assert not root.all(style=...)  # type: ignore[arg-type]
        assert all(script.get("src") for script in root.all("script"))
        assert not [name for e in root.all() for name in e.attributes if name.startswith("on")]


# ------------------------------------------------------------------------------------- roles


def test_roles_are_groups_made_by_a_migration() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= {
        "Viewer",
        "Agent",
        "Manager",
        "Admin",
    }


def test_no_group_is_a_viewer_the_highest_counts_and_a_superuser_is_an_admin() -> None:
    user = User.objects.create(username="u")
    assert role_of(user) == "Viewer"
    user = User.objects.get(username="u")
    user.groups.add(*Group.objects.filter(name__in=["Viewer", "Manager"]))
    assert role_of(user) == "Manager"
    assert role_of(User.objects.create(username="s", is_superuser=True)) == "Admin"


@pytest.mark.parametrize(("role", "inside"), [("Admin", True), ("Manager", False), ("", False)])
def test_only_an_admin_enters_the_administration(role: str, inside: bool, browser: Browser) -> None:
    user = User.objects.get(username="agent")
    user.groups.set(Group.objects.filter(name=role))
    response = browser.get("/admin/")
    assert (response.status_code == 200 and b"Users" in response.content) == inside
    if inside:
        assert browser.get("/admin/auth/user/").status_code == 200
        assert browser.get("/admin/ledger/unreadabledocument/").status_code == 200


# ---------------------------------------------------------------------------------- the demo


@pytest.fixture
def demo_accounts() -> None:
    make_demo_accounts()


@pytest.mark.parametrize("name", DEMO_ACCOUNTS)
def test_a_demo_account_signs_in_with_one_click(name: str, demo_accounts: None) -> None:
    browser = Browser()
    page = Page(browser.get("/login/?next=/orders/%3Fq%3Dx"))
    forms = page.root.one("section", aria_label="Accounts of the demo").all("form")
    form = next(f for f in forms if name in f.text)
    fields = {i.get("name"): i.get("value") for i in form.all("input")}
    answer = browser.post("/login/", fields)
    assert answer["Location"] == "/orders/?q=x"
    assert role_of(User.objects.get(username=name)) == DEMO_ACCOUNTS[name][0]


@pytest.mark.parametrize(("demo", "loopback"), [(False, True), (True, False), (False, False)])
def test_demo_accounts_are_refused_outside_the_demo(
    demo: bool, loopback: bool, demo_accounts: None, settings: Any
) -> None:
    inside = Browser()
    inside.post("/login/", {"username": "admin", "password": "admin"})
    assert inside.get("/admin/").status_code == 200
    settings.DEMO, settings.ONLY_LOOPBACK = demo, loopback
    outside = Browser()
    answer = outside.post("/login/", {"username": "admin", "password": "admin"})
    assert answer.status_code == 200
    assert "Accounts of the demo" not in answer.content.decode()
    assert inside.get("/admin/").status_code == 302  # nor does a session made inside go on


def test_the_demo_never_gives_an_account_of_somebody_else_a_known_password() -> None:
    DemoAccount.objects.all().delete()
    User.objects.filter(username="admin").delete()
    mine = User.objects.create_user("admin", password="secret-enough")
    make_demo_accounts()
    mine.refresh_from_db()
    assert mine.check_password("secret-enough")
    assert not DemoAccount.objects.filter(user=mine).exists()


def test_wrong_passwords_are_told_and_close_the_account_at_last(demo_accounts: None) -> None:
    browser = Browser()
    wrong = {"username": "agent", "password": "wrong"}
    told = browser.post("/login/", wrong).content.decode()
    assert "correct username and password" in told
    for _ in range(10):
        last = browser.post("/login/", wrong)
    assert last.status_code == 429
    assert browser.post("/login/", {"username": "agent", "password": "agent"}).status_code == 429


def test_signing_out_is_a_post(browser: Browser, quiet: None) -> None:
    assert browser.get("/logout/").status_code == 405
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/orders/").status_code == 302


@pytest.mark.parametrize(("value", "css"), [("dark", "is-dark"), ("light", "is-light"), ("x", "")])
def test_the_appearance_is_remembered(value: str, css: str, browser: Browser, quiet: None) -> None:
    answer = browser.post("/appearance/", {"appearance": value, "next": "/orders/?q=1"})
    assert answer["Location"] == "/orders/?q=1"
    assert Page(browser.get("/orders/")).root.one("html").get("class") == css


def test_the_appearance_sends_nobody_elsewhere(browser: Browser) -> None:
    assert browser.post("/appearance/", {"next": "https://evil.example/"})["Location"] == "/"


def test_every_post_is_guarded_against_forgery(quiet: None, agent: User) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(agent, backend="dashboard.accounts.AccountBackend")
    for path in ("/appearance/", "/logout/", "/orders/1/ask/"):
        assert strict.post(path).status_code == 403


# ------------------------------------------------------------------------------------ health


def test_health_is_json_and_says_nothing_of_hotwax(settings: Any) -> None:
    assert Browser().get("/livez").json() == {"status": "ok"}
    assert Browser().get("/readyz").json() == {"status": "ok"}


def test_readyz_is_503_when_we_cannot_serve() -> None:
    MigrationRecorder(connection).record_unapplied("dashboard", "0002_roles")
    response = Browser().get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "not migrated")


# ---------------------------------------------------------------------------------- settings

BAD = [
    ({"HOTWAX_URL": "http://demo-oms.hotwax.io"}, "unprotected"),
    ({"HOTWAX_URL": "demo-oms.hotwax.io"}, "address"),
    ({"HOTWAX_URL": "https://u:p@demo-oms.hotwax.io"}, "user name"),
    ({"HOTWAX_URL": "https://:PW@host.example"}, "password"),
    ({"HOTWAX_URL": "https://host.example:abc"}, "address"),
    ({"HOTWAX_URL": "https://host.example:99999"}, "address"),
    ({"HOTWAX_URL": "https://ho\tst.example"}, "address"),
    ({"HOTWAX_URL": "https://ho st.example"}, "address"),
    ({"HOTWAX_URL": "http://127.999.0.1"}, "address"),
    ({"HOTWAX_URL": "https://xn--"}, "address"),
    ({"HOTWAX_URL": f"https://{'a' * 70}.example"}, "address"),
    ({"HOTWAX_URL": "https://[::1"}, "address"),
    ({"HOTWAX_URL": "https://-.example"}, "address"),
    ({"HOTWAX_URL": "https://"}, "address"),
    ({"HOTWAX_URL": "ftp://host.example"}, "address"),
    ({"HOTWAX_TOKEN": "PW\u00e4"}, "HOTWAX_TOKEN"),
    ({"HOTWAX_TOKEN": "P W"}, "HOTWAX_TOKEN"),
    ({"DATABASE_URL": "PW"}, "DATABASE_URL"),
    ({"DATABASE_URL": "postgrs://me:PW@host.example/name"}, "DATABASE_URL"),
    ({"HOTWAX_API": "solr"}, "HOTWAX_API"),
    ({"HOTWAX_METHOD": "PUT"}, "HOTWAX_METHOD"),
    ({"HOTWAX_CORE": "a/b"}, "HOTWAX_CORE"),
    ({"HOTWAX_CORE": "-log"}, "HOTWAX_CORE"),
    ({"HOTWAX_CORE": "log insights"}, "HOTWAX_CORE"),
    ({"HOTWAX_DOC_TYPE": "${x}"}, "HOTWAX_DOC_TYPE"),
    ({"HOTWAX_DOC_TYPE": "a\nb"}, "HOTWAX_DOC_TYPE"),
    ({"HOTWAX_DOC_TYPE": "x" * 101}, "HOTWAX_DOC_TYPE"),
    ({"HOTWAX_TIME_ZONE": "Mars/Base"}, "HOTWAX_TIME_ZONE"),
    ({"DASHBOARD_TIME_ZONE": "New York"}, "DASHBOARD_TIME_ZONE"),
    ({"HOTWAX_FRESH_SECONDS": "0"}, "HOTWAX_FRESH_SECONDS"),
    ({"HOTWAX_TIMEOUT_SECONDS": "soon"}, "HOTWAX_TIMEOUT_SECONDS"),
    ({"SHOPIFY_STORES": "www.lune.com"}, "SHOPIFY_STORES"),
    ({"PORT": "99999"}, "PORT"),
    ({"ALLOWED_HOSTS": "reconciler.example.com"}, "SECRET_KEY"),
]


@pytest.mark.parametrize(("environment", "word"), BAD)
def test_a_setting_that_cannot_be_used_is_named(
    environment: dict[str, str], word: str, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(ImproperlyConfigured, match=word) as told:
        load(environment)
    assert "PW" not in str(told.value)
    assert not [warning for warning in recwarn if "PW" in str(warning.message)]


@pytest.mark.parametrize(
    "url",
    [
        "https://demo-oms.hotwax.io",
        "https://demo-oms.hotwax.io:8443/oms/",
        "HTTPS://Demo-OMS.hotwax.io",
        "https://bücher.example",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1:9",
        "http://localhost:9",
        "http://[::1]:9",
    ],
)
def test_an_address_that_can_be_used_is_taken(url: str) -> None:
    taken = load({"HOTWAX_URL": url})
    assert url.rstrip("/") == taken.HOTWAX_URL


def test_a_secret_may_begin_with_a_dollar() -> None:
    secrets = {"HOTWAX_PASSWORD": "$ecret", "HOTWAX_USERNAME": "$me", "SECRET_KEY": "$" + "x" * 49}
    taken = load({"HOTWAX_URL": "https://x.hotwax.io", **secrets})
    assert (taken.HOTWAX_PASSWORD, taken.HOTWAX_USERNAME) == ("$ecret", "$me")
    assert secrets["SECRET_KEY"] == taken.SECRET_KEY


def test_on_loopback_plain_http_works_and_beyond_it_is_refused() -> None:
    near = load({})
    assert not getattr(near, "SECURE_SSL_REDIRECT", False)
    far = load({"ALLOWED_HOSTS": "reconciler.example.com", "SECRET_KEY": "x" * 50})
    assert far.SECURE_SSL_REDIRECT
    assert far.SESSION_COOKIE_SECURE
    assert far.SECURE_HSTS_SECONDS
    assert load({"HOTWAX_URL": "http://127.0.0.1:9"}).DEMO is False


def test_the_demo_and_a_real_installation_have_a_database_each() -> None:
    demo = load({}).DATABASES["default"]["NAME"]
    real = load({"HOTWAX_URL": "https://x.hotwax.io"}).DATABASES["default"]["NAME"]
    assert str(demo).endswith("var/demo.sqlite3")
    assert str(real).endswith("var/reconciler.sqlite3")


def test_the_secret_key_of_loopback_is_made_once_and_only_ours_to_read() -> None:
    first, again = load({}), load({})
    assert first.SECRET_KEY == again.SECRET_KEY
    assert (project.VAR / "secret_key").stat().st_mode & 0o777 == 0o600
