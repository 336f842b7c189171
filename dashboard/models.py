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


class PastedList(models.Model):
    """A list of order names that somebody pasted, too long for an address."""

    #: 12 hex digits of sha256(names).
    slug = models.CharField(max_length=12, unique=True)
    #: One name a line, each once, in the order typed.
    names = models.TextField()
    pasted_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.slug
