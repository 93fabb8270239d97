"""What every test may use: the folder of real recordings, and a browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser; skips the test where there is none."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings (ASR_SHARED_DATA, default ../shared/data); skips the test where it is absent."""
    folder = Path(os.environ.get("ASR_SHARED_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}; set ASR_SHARED_DATA to their folder")
    return folder
