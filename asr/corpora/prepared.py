"""What every corpus shares: a folder that remembers how it was prepared. Knows the marker, not the corpora.

`prepared.json` holds the arguments of the preparation and is written last: a folder with a marker is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from asr.data.manifest import write_manifest
from asr.errors import ManifestError
from asr.files import write_text
from asr.types import Utterance

MARKER = "prepared.json"
AUDIO = "audio"  # folder of the recordings a corpus makes itself
SPLITS = ("train", "dev", "test")

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]


def quiet(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """The progress bar nobody sees: the items as they come."""
    return items


def begin(out: Path, arguments: Mapping[str, Any]) -> dict[str, Path] | None:
    """The manifests in `out` if it was prepared with these arguments; else None, and `out` is ready to fill.

    What an earlier preparation with other arguments made is removed first; other files in `out` stay.
    """
    marker = out / MARKER
    earlier = _read(marker)
    if earlier is not None:
        manifests = {split: out / f"{split}.jsonl" for split in earlier["splits"]}
        if earlier["arguments"] == _plain(arguments) and all(path.is_file() for path in manifests.values()):
            return manifests
        marker.unlink()
        for path in manifests.values():
            path.unlink(missing_ok=True)
        if earlier["audio"]:
            shutil.rmtree(out / AUDIO, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    return None


def finish(out: Path, arguments: Mapping[str, Any], splits: Mapping[str, list[Utterance]]) -> dict[str, Path]:
    """Write the manifest of every split that has utterances, then the marker; the manifests by split."""
    manifests = {split: out / f"{split}.jsonl" for split, utterances in splits.items() if utterances}
    for split, path in manifests.items():
        write_manifest(path, splits[split])
    made_audio = any(u.audio.is_relative_to(out / AUDIO) for rows in splits.values() for u in rows)
    marker = {"arguments": _plain(arguments), "splits": list(manifests), "audio": made_audio}
    write_text(out / MARKER, json.dumps(marker, indent=2, ensure_ascii=False) + "\n")
    return manifests


def fingerprint(paths: Iterable[Path], more: str = "") -> str:
    """A short name for the state of some files (paths, bytes, times of change) and `more` text.

    A source that changed has another, so that preparing it again does not pass for done.
    """
    digest = hashlib.sha256(more.encode())
    for path in sorted(path for path in paths if path.is_file()):
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def existing_folder(source: Path, holding: str) -> Path:
    """`source` itself, or ManifestError: `holding` says what it should hold."""
    if not source.is_dir():
        raise ManifestError(f"{source}: no such folder; expected {holding}; mend --source")
    return source


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dict(arguments), default=str))
    return plain


def _read(marker: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not {"arguments", "audio"} <= content.keys():
            raise ValueError("it holds no arguments")
        if not isinstance(splits := content.get("splits"), list) or not set(map(str, splits)) <= set(SPLITS):
            raise ValueError("its splits are none")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{marker}: cannot be read ({error}); expected the arguments of a preparation; remove it"
        ) from None
    return content
