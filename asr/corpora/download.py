"""Files from the network: resumable, verified, unpacked within their folder. Knows URLs, not corpora.

A download grows in `NAME.part` beside its place, is continued there by the next try (HTTP Range), and takes
its name only after its checksum was found right.
"""

import gzip
import hashlib
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from asr.corpora.prepared import Progress, quiet
from asr.errors import ManifestError

_CHUNK = 1 << 20  # bytes
_TIMEOUT = 60.0  # s without a byte
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, ValueError)
_PATIENCE = 5  # tries in a row that bring nothing new before giving up


def fetch(url: str, path: Path, checksum: str | None = None, progress: Progress = quiet) -> Path:
    """Download `url` to `path`, continuing an earlier try; does nothing when `path` is there.

    `checksum` is `sha256:…` or `md5:…`, or None where the publisher gives none. Raises ManifestError: no
    network, an answer that is not the file, a connection that keeps breaking, a wrong checksum.
    """
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _continue(url, part, progress)
            break
        except (OSError, EOFError, HTTPException) as error:  # URLError and time-outs are OSError
            failures = 0 if part.exists() and part.stat().st_size > before else failures + 1
            refused = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
            unreachable = isinstance(error, urllib.error.URLError) and before == 0
            if refused or unreachable or failures >= _PATIENCE:
                raise _cannot(url, error) from None
    _verify(part, url, checksum)
    part.replace(path)
    return path


def _continue(url: str, part: Path, progress: Progress) -> None:
    """Append what is missing to `part`. Raises OSError or EOFError when the connection ends early."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and error.headers.get("Content-Range", "").endswith(f"/{have}"):
            return  # everything was there already
        if error.code == 416:
            part.unlink()
            raise EOFError("the partial file does not fit; starting again") from None
        raise
    with answer:
        resumed = getattr(answer, "status", None) == 206
        length = answer.headers.get("Content-Length")
        chunks = -(-int(length) // _CHUNK) if length else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in progress(_chunks(answer), part.name.removesuffix(".part"), chunks):
                file.write(chunk)
            total = file.tell()
    expected = int(length) + (have if resumed else 0) if length else total
    if total < expected:
        raise EOFError(f"the connection ended after {total} of {expected} bytes")


def _chunks(answer: Any) -> Iterator[bytes]:
    while chunk := answer.read1(_CHUNK) if hasattr(answer, "read1") else answer.read(_CHUNK):
        yield chunk


def _verify(part: Path, url: str, checksum: str | None) -> None:
    if checksum is None:
        return
    algorithm, _, expected = checksum.partition(":")
    with part.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        part.unlink()
        raise ManifestError(
            f"{url}: the {algorithm} checksum is {found}; expected {expected}; download it again, "
            "or check whether the publisher changed the file"
        )


def _cannot(url: str, error: Exception) -> ManifestError:
    reason = getattr(error, "reason", None) or error
    return ManifestError(
        f"{url}: cannot be downloaded ({reason}); expected a network connection to it; run the command again "
        "to go on where it stopped, or fetch it yourself and pass --source"
    )


def extract(archive: Path, folder: Path, verify: Callable[[Path], None] = lambda unpacked: None) -> Path:
    """Unpack a tar or zip archive into `folder`, which is there whole or not at all; does nothing if it is.

    `verify` looks at what was unpacked before it takes its name, and raises where it is not what it should be.
    Raises ManifestError for an archive that is damaged or has a member that would land outside `folder`.
    """
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            _extract_zip(archive, scratch)
        else:
            with tarfile.open(archive) as file:
                file.extractall(scratch, filter=_inside)
                _read_to_end(file)
        verify(scratch)
        scratch.replace(folder)
    except _DAMAGE as error:
        raise ManifestError(
            f"{archive}: cannot be unpacked ({error}); expected a whole tar or zip archive whose members stay "
            "inside it; remove the file and download it again"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _read_to_end(file: tarfile.TarFile) -> None:
    """tarfile stops at its last member, before the checksum that gzip keeps at the very end."""
    while file.fileobj is not None and file.fileobj.read(_CHUNK):
        pass


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """The data filter, which alone would move an absolute path inside instead of refusing it."""
    if Path(member.name).is_absolute() or ".." in Path(member.name).parts:
        raise ValueError(f"member {member.name!r} lies outside")
    return tarfile.data_filter(member, folder)


def _extract_zip(archive: Path, folder: Path) -> None:
    """Refuse what zipfile would quietly rename: absolute members and those that climb out."""
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            if not (folder / name).resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"member {name!r} lies outside")
        file.extractall(folder)
