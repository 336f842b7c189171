"""What the dashboard itself keeps."""

from django.conf import settings
from django.db import models


class DemoAccount(models.Model):
    """Flags an account of the demo, whose password everybody knows."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="demo_account"
    )

    def __str__(self) -> str:
        return str(self.user)
