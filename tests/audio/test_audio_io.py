"""Reading recordings: every container alike, broken files refused in one line, nothing on stderr."""

import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.io import AudioInfo, probe, read_audio, read_blocks, write_wav
from asr.errors import AudioError

SAME_SPEECH = ["aac", "aiff", "mp3", "mp4", "ogg", "webm"]
NO_SAMPLES = ["mono.empty.wav", "mono.zero.wav", "null.wav"]
BROKEN = ["bad.wav", "evil.wav", "mono.invalid.wav", "transcription", *NO_SAMPLES]
WHOLE = ["p001.aiff", "p001.mp3", "p001.mp4", "p001.ogg", "stereo.wav", "stereo.sph"]
WHOLE += ["13697_11991_000000.opus", "61-70968-0000.flac"]
STRETCHES = [(0.25, 0.5), (0.5, 1.0), (3.3, 2.1), (8.0, None), (0.0, 0.7)]


def tone(samples: int, rate: int = 16000, hz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int = 16000, **how) -> Path:
    soundfile.write(path, samples, rate, **how)
    return path


def lag(a: np.ndarray, b: np.ndarray) -> int:
    """The shift in samples at which two waveforms agree best."""
    n = 1 << (len(a) + len(b)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(a, n) * np.conj(np.fft.rfft(b, n)), n)
    place = int(correlation.argmax())
    return place if place < n // 2 else place - n


@pytest.mark.parametrize("suffix", SAME_SPEECH)
def test_every_container_holds_the_same_speech(shared_data: Path, suffix: str) -> None:
    path = shared_data / "formats" / f"p001.{suffix}"
    reference, _ = read_audio(path.with_suffix(".aiff"), 16000)
    waveform, rate = read_audio(path, 16000)
    assert rate == 16000 and waveform.dtype == np.float32 and waveform.ndim == 1
    assert abs(len(waveform) - len(reference)) < 0.05 * 16000
    shift = lag(waveform, reference)
    assert abs(shift) < 0.03 * 16000
    aligned = waveform[max(shift, 0) :][:140000], reference[max(-shift, 0) :][:140000]
    assert np.corrcoef(*aligned)[0, 1] > 0.98
    info = probe(path)
    assert (info.sample_rate, info.channels) == (44100, 2)
    assert info.duration == pytest.approx(len(waveform) / 16000, abs=0.05)


@pytest.mark.parametrize("suffix", ["flac", "sph", "wav", "opus", "mp3"])
def test_small_stereo_files(shared_data: Path, suffix: str) -> None:
    path = shared_data / "formats" / ("jfk.flac" if suffix == "flac" else f"stereo.{suffix}")
    info = probe(path)
    waveform, rate = read_audio(path)
    assert info.channels == 2 and rate == info.sample_rate
    assert len(waveform) / rate == pytest.approx(info.duration, abs=1e-3)


def test_widths_of_the_same_speech_agree(shared_data: Path) -> None:
    narrow, _ = read_audio(shared_data / "formats" / "cold_corpus_24bit.wav")
    wide, _ = read_audio(shared_data / "formats" / "cold_corpus_32bit_float.wav")
    np.testing.assert_allclose(narrow, wide, atol=1e-6)


@pytest.mark.parametrize(("name", "duration"), [("126", 1.94), ("127", 2.14), ("128", 2.22)])
def test_flac_libsndfile_stumbles_over_is_read_whole(shared_data: Path, name: str, duration: float) -> None:
    # FFmpeg's samples of these have the MD5 that the files' own headers state: they are not broken
    path = shared_data / "formats" / f"corrupt_{name}.flac"
    waveform, rate = read_audio(path)
    assert len(waveform) == round(duration * rate) and rate == 16000
    stretch, _ = read_audio(path, offset=0.75, duration=0.5)
    assert np.array_equal(stretch, waveform[12000:20000])


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_one_clear_error(shared_data: Path, name: str) -> None:
    for door in (read_audio, probe):
        with pytest.raises(AudioError, match=rf"{name}: .+; expected .+; ") as caught:
            door(shared_data / "formats" / name)
        assert "\n" not in str(caught.value)


def test_flac_without_its_last_frame_is_refused(shared_data: Path) -> None:
    with pytest.raises(AudioError, match=r"p001\.flac: "):
        read_audio(shared_data / "formats" / "p001.flac")


@pytest.mark.parametrize("name", WHOLE)
def test_half_a_file_is_refused(shared_data: Path, tmp_path: Path, name: str) -> None:
    whole = (shared_data / "formats" / name).read_bytes()
    half = tmp_path / name
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match=r"; expected "):
        read_audio(half)


@pytest.mark.parametrize("suffix", [*SAME_SPEECH, "none"])
@pytest.mark.parametrize(("offset", "duration"), STRETCHES)
def test_a_stretch_is_that_part_of_the_whole(
    shared_data: Path, suffix: str, offset: float, duration: float | None
) -> None:
    name = "jfk.flac" if suffix == "none" else f"p001.{suffix}"
    whole, rate = read_audio(shared_data / "formats" / name)
    stretch, _ = read_audio(shared_data / "formats" / name, offset=offset, duration=duration)
    start = round(offset * rate)
    expected = whole[start:] if duration is None else whole[start : start + round(duration * rate)]
    # Matroska keeps time in whole milliseconds and this file begins at the third; everything else is exact
    tolerance = 4 * rate // 1000 if suffix == "webm" else 0
    assert abs(len(stretch) - len(expected)) <= tolerance
    shift = lag(stretch, expected) if tolerance else 0
    assert abs(shift) <= tolerance
    n = min(len(stretch), len(expected)) - abs(shift)
    np.testing.assert_allclose(
        stretch[max(shift, 0) :][:n], expected[max(-shift, 0) :][:n], atol=1e-6 if suffix != "webm" else 1e-3
    )


def test_reading_a_stretch_resamples_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(16000))
    waveform, rate = read_audio(path, 8000, offset=0.25, duration=0.5)
    assert rate == 8000 and len(waveform) == 4000
    np.testing.assert_allclose(waveform[200:-200], tone(4000 + 2000, 8000)[2000:][200:-200], atol=1e-3)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(800), tone(800, hz=1000.0)
    path = write(tmp_path / "a.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(read_audio(path)[0], (left + right) / 2, atol=1e-6)
    assert probe(path) == AudioInfo(0.05, 16000, 2)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is text\n" * 50)
    nan = write(tmp_path / "nan.wav", np.array([0.1, np.nan, 0.2], dtype=np.float32), subtype="FLOAT")
    cases = {
        text: "cannot be read as audio",
        nan: "not finite",
        tmp_path: "is a folder",
        tmp_path / "absent.wav": "no such file",
    }
    for path, what in cases.items():
        with pytest.raises(AudioError, match=what):
            read_audio(path)


def test_an_offset_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1600))
    with pytest.raises(AudioError, match=r"holds no samples at 0\.5 s"):
        read_audio(path, offset=0.5)
    assert len(read_audio(path, offset=0.05, duration=9.0)[0]) == 800


def test_wav_from_a_pipe_with_unknown_length_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1600))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    path.write_bytes(data)
    assert len(read_audio(path)[0]) == 1600


def test_write_wav_clips_and_round_trips(tmp_path: Path) -> None:
    waveform = np.array([0.0, 0.25, -0.25, 1.5, -1.5, 1.0], dtype=np.float32)
    write_wav(tmp_path / "new" / "a.wav", waveform, 8000)
    found, rate = read_audio(tmp_path / "new" / "a.wav")
    assert rate == 8000
    np.testing.assert_allclose(found, np.clip(waveform, -1, 32767 / 32768), atol=1 / 65536)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.wav"]
    assert probe(tmp_path / "new" / "a.wav").channels == 1


def test_threads_read_alike(shared_data: Path) -> None:
    paths = [shared_data / "formats" / f"p001.{suffix}" for suffix in ("mp3", "mp4", "ogg")]
    expected = [read_audio(path)[0] for path in paths]
    found: dict[int, np.ndarray] = {}

    def read(i: int) -> None:
        found[i] = read_audio(paths[i % 3])[0]

    threads = [threading.Thread(target=read, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(6):
        assert np.array_equal(found[i], expected[i % 3])


def test_nothing_reaches_stderr(shared_data: Path, tmp_path: Path) -> None:
    speech = bytearray((shared_data / "formats" / "p001.mp3").read_bytes())
    speech[30000:30200] = bytes(200)
    (tmp_path / "damaged.mp3").write_bytes(speech)
    (tmp_path / "half.mp3").write_bytes(speech[:20000])
    (tmp_path / "text.mp3").write_text("this is text\n" * 500)
    script = """
import sys
from pathlib import Path
from asr.audio.io import probe, read_audio
from asr.errors import AudioError
for path in sorted(p for folder in sys.argv[1:] for p in Path(folder).iterdir()):
    for door in (probe, read_audio):
        try:
            door(path)
        except AudioError as error:
            assert str(error)
"""
    command = [sys.executable, "-c", script, str(tmp_path), str(shared_data / "formats")]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root})
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


# ── block by block ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["jfk.flac", "stereo.wav", "stereo.sph", "corrupt_126.flac", "corrupt_128.flac"]
                         + [f"p001.{suffix}" for suffix in SAME_SPEECH])  # fmt: skip
@pytest.mark.parametrize("seconds", [0.05, 1.0, 60.0])
def test_blocks_are_the_whole(shared_data: Path, name: str, seconds: float) -> None:
    path = shared_data / "formats" / name
    for rate in (probe(path).sample_rate, 16000, 11025):
        whole, _ = read_audio(path, rate)
        blocks = list(read_blocks(path, rate, seconds))
        assert all(block.dtype == np.float32 and block.ndim == 1 and len(block) for block in blocks)
        np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-6)
        assert len(blocks) > 1 or seconds >= 1


@pytest.mark.parametrize("name", BROKEN)
def test_blocks_of_broken_files_are_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(AudioError, match=rf"{name}: .+; expected .+; "):
        list(read_blocks(shared_data / "formats" / name, 16000))


@pytest.mark.parametrize("name", WHOLE)
def test_blocks_of_half_a_file_are_refused(shared_data: Path, tmp_path: Path, name: str) -> None:
    whole = (shared_data / "formats" / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match=r"; expected "):
        list(read_blocks(tmp_path / name, 16000))


def test_blocks_come_before_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "nan.wav", np.append(tone(16000), np.float32("nan")), subtype="FLOAT")
    blocks = read_blocks(path, 16000, 0.5)
    assert len(next(blocks)) == len(next(blocks)) == 8000
    with pytest.raises(AudioError, match="not finite"):
        next(blocks)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_blocks_need_the_same_memory_for_any_length(tmp_path: Path, suffix: str) -> None:
    peaks = []
    for seconds in (30, 180):
        path = write(tmp_path / f"{seconds}.{suffix}", tone(seconds * 8000, 8000), 8000)
        tracemalloc.start()
        assert sum(len(block) for block in read_blocks(path, 16000, 5.0)) == pytest.approx(seconds * 16000, abs=4000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 5e6, peaks
