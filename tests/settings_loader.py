"""Loads reconciler/settings.py anew under another environment."""

import os
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

SETTINGS = Path(__file__).resolve().parent.parent / "reconciler" / "settings.py"


def load(environment: dict[str, str]) -> Any:
    """Return the settings as attributes."""
    clean = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment}
    with mock.patch.dict(os.environ, clean, clear=True):
        return SimpleNamespace(**runpy.run_path(str(SETTINGS)))
