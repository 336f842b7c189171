"""The cache that web processes share: in files, and never an error."""

import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.cache import FileCache


@pytest.fixture
def shared(tmp_path: Path) -> FileCache:
    return FileCache(str(tmp_path / "cache"), {"OPTIONS": {"MAX_ENTRIES": 10}})


def test_what_one_process_keeps_another_has(shared: FileCache, tmp_path: Path) -> None:
    shared.set("figure", {"open": 3})
    other = FileCache(str(tmp_path / "cache"), {})
    assert other.get("figure") == {"open": 3}
    assert other.get_or_set("figure", lambda: 1 / 0) == {"open": 3}
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_few_figures_are_kept(shared: FileCache, tmp_path: Path) -> None:
    for number in range(50):
        shared.set(f"figure{number}", number)
    assert len(list((tmp_path / "cache").iterdir())) <= 10


@pytest.mark.parametrize("name", ["get", "set", "add"])
def test_what_cannot_be_kept_is_as_if_it_were_not_there(
    name: str, shared: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "No space left on device")

    shared.set("figure", 1)
    monkeypatch.setattr("builtins.open", full)
    monkeypatch.setattr("tempfile.mkstemp", full)
    monkeypatch.setattr(os, "makedirs", full)
    if name == "get":
        assert shared.get("figure", "nothing") == "nothing"
    elif name == "set":
        shared.set("figure", 2)
    else:
        assert shared.add("another", 2) is False
    assert shared.get_or_set("third", lambda: 3, 60) == 3
