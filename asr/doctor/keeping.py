"""What the doctor keeps beside its page, so that a search that was interrupted goes on and a repeated one is short."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from asr.data.kept import Kept
from asr.data.recordings import Recording, pack_recording, unpack_recording
from asr.doctor.doubts import Found, unpack_fit

T = TypeVar("T")


@contextmanager
def kept_recordings(page: Path) -> Iterator[Kept[Recording]]:
    """What recordings measured, in `page`'s stem + .measured.jsonl."""
    yield from _closed(Kept(page.with_suffix(".measured.jsonl"), pack_recording, unpack_recording))


@contextmanager
def kept_fits(page: Path) -> Iterator[Kept[Found]]:
    """How transcripts fit a model, in `page`'s stem + .aligned.jsonl."""
    yield from _closed(Kept(page.with_suffix(".aligned.jsonl"), dict, unpack_fit))


def _closed(kept: Kept[T]) -> Iterator[Kept[T]]:
    finished = False
    try:
        yield kept
        finished = True
    finally:
        kept.close(finished)
