"""What every test may use: the folder of real recordings, the program's verbs, and a browser."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium
from verbs import Ended, Verb


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser; skips the test where there is none."""
    with chromium() as found:
        yield found


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Verb:
    """A function that runs `asr …` in this process."""
    from asr import cli

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["asr", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings (ASR_SHARED_DATA, default ../shared/data); skips the test where it is absent."""
    folder = Path(os.environ.get("ASR_SHARED_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}; set ASR_SHARED_DATA to their folder")
    return folder
