"""What the dashboard itself keeps."""

from typing import ClassVar

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


class SavedView(models.Model):
    """Filters and sort of the list of orders under a name."""

    LONGEST_NAME: ClassVar[int] = 60

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=LONGEST_NAME)
    #: The query string, without the page.
    query = models.TextField(blank=True)
    #: Everybody sees it.
    shared = models.BooleanField(default=False, db_index=True)
    at = models.DateTimeField()
    #: People whose list opens with it.
    defaults_of = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="default_views")

    class Meta:
        constraints = (models.UniqueConstraint("owner", "name", name="one_view_per_name"),)

    def __str__(self) -> str:
        return self.name
