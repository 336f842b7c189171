"""The demo as a Django app, so that `manage.py demo` is found."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Has a command, and nothing else."""

    name = "reconciler.demo"
    label = "demo"
