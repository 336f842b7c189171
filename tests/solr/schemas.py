"""One log in many shapes: how each schema of tests/solr/configsets wants its documents."""

import re
from collections.abc import Callable
from typing import Any

Documents = list[dict[str, Any]]
SUFFIXES = {
    "timestamp": "timestamp_dt",
    "expire_at": "expire_at_dt",
    "version": "version_l",
    "document-id": "id",
    "errorMessage": "errorMessage_txt",
}


def as_they_are(documents: Documents) -> Documents:
    return documents


def suffixed(documents: Documents) -> Documents:
    """Every field by a dynamic-field name."""
    return [{SUFFIXES.get(k, f"{k}_s"): v for k, v in d.items()} for d in documents]


def strings(documents: Documents) -> Documents:
    """Every value a string; timestamps as they are, some without milliseconds."""
    return [{k: str(v) for k, v in d.items()} for d in documents]


def strings_without_milliseconds(documents: Documents) -> Documents:
    """Every value a string; timestamps to the second."""
    texts = strings(documents)
    return [{**d, "timestamp": re.sub(r"\.\d+Z", "Z", d["timestamp"])} for d in texts]


#: Name -> configset, how documents are written for it, the mode that it must end in.
SCHEMAS: dict[str, tuple[str, Callable[[Documents], Documents], str]] = {
    "typed": ("log", as_they_are, "range"),
    "guessed by schemaless mode": ("guessed", as_they_are, "range"),
    "suffixed names, another unique key": ("suffixed", suffixed, "range"),
    "timestamp a string": ("string", strings, "range"),
    "timestamp a string without ms": ("string", strings_without_milliseconds, "range"),
    "timestamp tokenised text": ("text", as_they_are, "compatible"),
}
