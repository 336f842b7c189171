"""The cache that processes share without another service: files, and never an error."""

from contextlib import suppress
from typing import Any

from django.core.cache.backends.filebased import FileBasedCache


class FileCache(FileBasedCache):
    """Django's file cache. What cannot be read or written is as if it were not there."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return a value, or the default."""
        with suppress(OSError):
            return super().get(key, default, version)
        return default

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Keep a value if there is room for it."""
        with suppress(OSError):
            super().set(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Keep a value if there is none and there is room for it; return True if it is kept."""
        with suppress(OSError):
            return super().add(*args, **kwargs)
        return False
