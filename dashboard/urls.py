"""Pages (CONTRACTS.md, "Pages")."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path

from dashboard.acting import FORMS
from dashboard.views import (
    account,
    act,
    activity,
    api,
    corrections,
    errors,
    exports,
    health,
    order,
    orders,
    packs,
    runbook,
    saved_views,
    status,
    trends,
)

app_name = "dashboard"

urlpatterns = [
    path("", orders.home, name="home"),
    path("orders/", orders.orders, name="orders"),
    path("orders/names/", orders.names, name="names"),
    path("orders/export.csv", exports.export_csv, name="export_csv"),
    path("orders/export.xlsx", exports.export_xlsx, name="export_xlsx"),
    path("orders/<int:pk>/", order.order, name="order"),
    path("orders/<int:pk>/ask/", order.ask_hotwax, name="ask"),
    *(
        path(f"orders/<int:pk>/{verb}/", act.act_on_one, {"verb": verb}, name=f"act_{verb}")
        for verb in FORMS
    ),
    *(
        path(f"orders/{verb}/", act.act_on_many, {"verb": verb}, name=f"bulk_{verb}")
        for verb in FORMS
    ),
    path("orders/views/save/", saved_views.save, name="save_view"),
    *(
        path(
            f"orders/views/<int:pk>/{verb}/",
            saved_views.change,
            {"verb": verb},
            name=f"{verb}_view",
        )
        for verb in saved_views.VERBS
    ),
    path("actions/<int:pk>/undo/", act.undo, name="undo"),
    path("errors/", errors.errors, name="errors"),
    path("errors/export.csv", errors.export_csv, name="errors_csv"),
    path("errors/<slug:slug>/", errors.error, name="error"),
    path("errors/<slug:slug>/values.csv", errors.error_values, name="error_values"),
    path("errors/<slug:slug>/kind/", corrections.correct, name="correction"),
    path("errors/<slug:slug>/runbook/", runbook.runbook, name="runbook"),
    path("packs/", packs.packs, name="packs"),
    path("packs/<int:pk>/", packs.pack, name="pack"),
    path("packs/<int:pk>/check/", packs.check, name="pack_check"),
    path("packs/<int:pk>/batches/<int:number>/imported/", packs.imported, name="pack_imported"),
    path("packs/<int:pk>/batches/<int:number>/ids/", packs.ids, name="pack_ids"),
    path("activity/", activity.activity, name="activity"),
    path("trends/", trends.trends, name="trends"),
    path("trends/export.csv", trends.export_csv, name="trends_csv"),
    path("api/orders", api.orders, name="api_orders"),
    path("api/trends", trends.api, name="api_trends"),
    path("status/", status.status, name="status"),
    path("status/check/", status.check, name="check"),
    path("trust/", status.trust, name="trust"),
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", account.ChangePassword.as_view(), name="password"),
    path("appearance/", login_not_required(account.appearance), name="appearance"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
