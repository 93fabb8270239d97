"""Downloads from a server on this machine that cuts connections, and archives that try to climb out."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from asr.corpora.download import extract, fetch
from asr.errors import ManifestError

CONTENT = bytes(range(256)) * 20_000  # 5 MB, several chunks
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; each entry of `cuts` ends one answer after so many bytes; `ranges` records what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts: list[int] = []
        self.ranges: list[str | None] = []
        self.supports_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/corpus.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path != "/corpus.bin":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.supports_ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0)] if self.server.cuts else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    path = fetch(server.url, tmp_path / "new" / "corpus.bin", SHA256)
    assert path.read_bytes() == CONTENT
    fetch(server.url, path, SHA256)
    assert server.ranges == [None]
    assert [p.name for p in path.parent.iterdir()] == ["corpus.bin"]


def test_a_cut_connection_is_continued(server: Server, tmp_path: Path) -> None:
    server.cuts = [2_000_000, 1_000_000]
    path = fetch(server.url, tmp_path / "corpus.bin", SHA256)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=2000000-", "bytes=3000000-"]


def test_an_earlier_try_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.bin.part").write_bytes(CONTENT[:1234])
    assert fetch(server.url, tmp_path / "corpus.bin", SHA256).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1234-"]


def test_a_complete_part_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.bin.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "corpus.bin", SHA256).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "corpus.bin.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url, tmp_path / "corpus.bin", SHA256).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.supports_ranges = False
    server.cuts = [2_000_000]
    assert fetch(server.url, tmp_path / "corpus.bin", SHA256).read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_is_given_up_and_kept(server: Server, tmp_path: Path) -> None:
    server.cuts = [1000] + [0] * 20
    with pytest.raises(ManifestError, match=r"cannot be downloaded \(the connection ended after 1000 of 5120000"):
        fetch(server.url, tmp_path / "corpus.bin", SHA256)
    assert (tmp_path / "corpus.bin.part").stat().st_size == 1000
    assert not (tmp_path / "corpus.bin").exists()


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    md5 = "md5:" + hashlib.md5(CONTENT).hexdigest()
    fetch(server.url, tmp_path / "right.bin", md5)
    with pytest.raises(ManifestError, match=r"the md5 checksum is .*; expected 0000; download it again"):
        fetch(server.url, tmp_path / "wrong.bin", "md5:0000")
    assert [path.name for path in tmp_path.iterdir()] == ["right.bin"]


def test_no_network_and_no_such_file_are_clear(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"absent.bin: cannot be downloaded \(Not Found\); expected a network"):
        fetch(server.url.replace("corpus", "absent"), tmp_path / "absent.bin")
    server.shutdown()
    server.server_close()  # nobody listens there any more
    with pytest.raises(ManifestError, match=r"cannot be downloaded \(.*refused\); .* pass --source"):
        fetch(server.url, tmp_path / "corpus.bin")


def tar_with(path: Path, name: str) -> Path:
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo(name)
        member.size = 4
        file.addfile(member, io.BytesIO(b"text"))
    return path


def zip_with(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, "text")
    return path


@pytest.mark.parametrize("make", [tar_with, zip_with])
def test_archives_are_unpacked_whole_or_not_at_all(make: object, tmp_path: Path) -> None:
    assert callable(make)
    folder = extract(make(tmp_path / "good", "in/side.txt"), tmp_path / "out")
    assert (folder / "in" / "side.txt").read_text() == "text"
    for i, name in enumerate(("../escaped.txt", "a/../../escaped.txt", "/tmp/../escaped.txt")):
        evil = make(tmp_path / f"evil{i}", name)
        with pytest.raises(ManifestError, match="cannot be unpacked"):
            extract(evil, tmp_path / f"out{i}")
        assert not (tmp_path / f"out{i}").exists() and not (tmp_path / "escaped.txt").exists()


@pytest.mark.parametrize("place", [-6, -400, 100])  # gzip's checksum; its last data; its first
def test_a_damaged_archive_is_refused(tmp_path: Path, place: int) -> None:
    damaged = tmp_path / "damaged.tar.gz"
    with tarfile.open(damaged, "w:gz", compresslevel=0) as file:
        (tmp_path / "data").write_bytes(bytes(30_000))
        file.add(tmp_path / "data", "data")
    content = bytearray(damaged.read_bytes())
    content[place] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ManifestError, match=r"damaged.tar.gz: cannot be unpacked"):
        extract(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_not_as_it_should_be_takes_no_name(tmp_path: Path) -> None:
    def refuse(unpacked: Path) -> None:
        assert (unpacked / "in" / "side.txt").is_file()
        raise ManifestError("not so")

    with pytest.raises(ManifestError, match="not so"):
        extract(tar_with(tmp_path / "a.tar.gz", "in/side.txt"), tmp_path / "out", refuse)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar.gz"
    with tarfile.open(whole, "w:gz") as file:
        (tmp_path / "data").write_bytes(hashlib.sha512(b"x").digest() * 5000)
        file.add(tmp_path / "data", "data")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ManifestError, match=r"cut.tar.gz: cannot be unpacked"):
        extract(cut, tmp_path / "out")
    assert not (tmp_path / "out").exists()
