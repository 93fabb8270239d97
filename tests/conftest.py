"""What every test may use: the folder of real recordings, and a small corpus of tones."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings (ASR_SHARED_DATA, default ../shared/data); skips the test where it is absent."""
    folder = Path(os.environ.get("ASR_SHARED_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}; set ASR_SHARED_DATA to their folder")
    return folder
