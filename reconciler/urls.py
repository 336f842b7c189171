"""Addresses: the dashboard's pages and Django's admin."""

from django.contrib import admin
from django.urls import include, path

handler500 = "dashboard.error_pages.server_error"

urlpatterns = [
    path("", include("dashboard.urls")),
    path("admin/", admin.site.urls),
]
