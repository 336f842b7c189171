"""The ledger in /admin/, to look at: what HotWax told us is not edited by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from reconciler.service import SyncState, UnreadableDocument, mask_keys


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows may be read; nothing may be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody adds rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows."""
        return False


@admin.register(UnreadableDocument)
class UnreadableAdmin(ReadOnly):
    """What could not be read, with the reason; the value of a ``key=`` stays hidden."""

    list_display = ("reason", "seen_first_at", "seen_last_at", "left_log_at")
    fields = ("reason", "document", "seen_first_at", "seen_last_at", "left_log_at")
    readonly_fields = ("document",)

    @admin.display(description="document")
    def document(self, row: UnreadableDocument) -> str:
        """Show the raw text."""
        return mask_keys(row.raw)


admin.site.register(SyncState, ReadOnly)
