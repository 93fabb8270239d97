"""The verbs from end to end on a corpus of tones, and every mistake of a user as one line with exit code 2."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tones import RATE, sound, texts, tiny_tree, write_corpus
from verbs import Verb

from asr.audio.io import write_wav
from asr.training import checkpoint

SAID = texts(40)


@pytest.fixture
def asr(verb: Verb) -> Verb:
    """`asr …`."""
    return verb


@pytest.fixture
def refused(asr: Verb) -> Callable[..., str]:
    """A function that runs `asr …`, expects a user's mistake, and returns the line about it."""

    def run(*arguments: object) -> str:
        ended = asr(*arguments)
        assert ended.code == 2, ended.out + ended.err
        assert ended.err.startswith("error: ") and ended.err.count("\n") == 1, ended.err
        return ended.err.removeprefix("error: ").rstrip("\n")

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with somebody's recordings in `mine`, and a configuration for them."""
    home = tmp_path_factory.mktemp("home")
    for i, text in enumerate(SAID):
        write_wav(home / "mine" / f"{i:02d}.wav", sound(text, seed=i), RATE)
        (home / "mine" / f"{i:02d}.txt").write_text(text.upper() + ".\n")
    tree = tiny_tree(Path("corpus"), epochs=6, lr=0.02, log_every=5, validate_every=3, average=2)
    (home / "tiny.yaml").write_text(yaml.safe_dump(tree))
    return home


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """The run that `asr prepare` and `asr train` leave, as processes of their own."""
    script = "import sys; from asr.cli import main; main()"
    for verb in (["prepare", "folder", "--source", "mine", "--out", "corpus"], ["train", "tiny.yaml"]):
        done = subprocess.run([sys.executable, "-c", script, *verb], cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stderr.replace("compiling kernels, once a machine\n", "")  # where this machine had not yet
        assert said == "", "nothing to complain about, and no progress bar without a terminal"
    return home / "runs" / "tiny"


# ── the main job ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_check_finds_nothing_wrong(trained: Path, asr: Verb) -> None:
    splits = [f"corpus/{split}.jsonl" for split in ("train", "dev", "test")]
    ended = asr("check", *splits, "--config", "tiny.yaml")
    assert ended.code == 0 and "0 errors" in ended.out
    assert sum(len(Path(split).read_text().splitlines()) for split in splits) == len(SAID)


def test_training_leaves_a_whole_run(trained: Path) -> None:
    for name in (
        "config.yaml",
        "log.jsonl",
        "events",
        "checkpoints/last.pt",
        "checkpoints/best.pt",
        "model.pt",
        "training.png",
    ):
        assert (trained / name).exists(), name
    rows = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    step = next(row for row in rows if row["kind"] == "step")
    assert {"step", "epoch", "loss", "lr", "gradient_norm", "audio_seconds_per_second", "data_wait"} <= step.keys()
    assert {"blank_share", "empty_share", "word"} <= step.keys()
    validation = [row for row in rows if row["kind"] == "validation"]
    assert {"wer", "cer", "loss", "best", "best_wer"} <= validation[0].keys() and validation[-1]["best_wer"] == 0
    assert not [path for path in trained.rglob(".*")], "scratch files are gone"


def test_evaluation_reaches_no_error_and_says_everything(trained: Path, asr: Verb) -> None:
    ended = asr("evaluate", "runs/tiny", "corpus/test.jsonl")
    assert ended.code == 0 and "WER  0.00 %" in ended.out
    folder = trained / "results" / "test"
    summary = json.loads((folder / "summary.json").read_text())
    wanted = "wer cer substitutions deletions insertions reference_words utterances audio_seconds seconds rtfx"
    assert {*wanted.split(), "normalisation", "decoder"} <= summary.keys()
    assert summary["wer"] == summary["cer"] == 0 and summary["utterances"] == 4
    manifest = [json.loads(line) for line in Path("corpus/test.jsonl").read_text().splitlines()]
    assert summary["reference_words"] == sum(len(row["text"].split()) for row in manifest)
    assert summary["audio_seconds"] == pytest.approx(sum(row["duration"] for row in manifest), abs=1e-2)
    results = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [row["id"] for row in results] == [row["id"] for row in manifest]
    fields = "id audio reference hypothesis substitutions deletions insertions speaker duration"
    assert all(set(fields.split()) <= row.keys() for row in results)
    assert [r["reference"] for r in results] == [m["text"].lower().strip(" .") for m in manifest]
    assert "WER" in (folder / "report.txt").read_text()


def test_evaluation_of_several_manifests_is_one_table(trained: Path, asr: Verb, tmp_path: Path) -> None:
    manifests = ["corpus/test.jsonl", "corpus/dev.jsonl"]
    ended = asr("evaluate", "runs/tiny", *manifests, "decoding.kind=greedy", "--out", tmp_path)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].split()[:3] == ["utterances", "words", "S"]
    assert [line.split()[0] for line in lines[1:3]] == ["test", "dev"]
    for line, manifest in zip(lines[1:3], manifests, strict=True):
        summary = json.loads((tmp_path / Path(manifest).stem / "summary.json").read_text())
        words = line.split()
        assert words[1:3] == [str(summary["utterances"]), str(summary["reference_words"])]
        assert words[6] == f"{100 * summary['wer']:.2f}"
        assert (tmp_path / Path(manifest).stem / "report.html").is_file()


def test_all_manifests_are_read_before_one_is_evaluated(
    trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    said = refused("evaluate", "runs/tiny", "corpus/test.jsonl", "corpus/none.jsonl", "--out", tmp_path / "out")
    assert said.startswith("corpus/none.jsonl: ") and not (tmp_path / "out").exists()


def test_a_comparison_into_a_folder_names_the_folder(trained: Path, asr: Verb, refused: Callable[..., str]) -> None:
    asr("evaluate", "runs/tiny", "corpus/test.jsonl", "--out", "out")
    assert refused("compare", "out", "out", "--out", "corpus").startswith("corpus: Is a directory")


def test_evaluation_where_and_what_it_is_told(trained: Path, asr: Verb, tmp_path: Path) -> None:
    ended = asr(
        "evaluate", "runs/tiny/model.pt", "corpus", "--split", "dev", "--out", tmp_path / "here", "text.case=upper"
    )
    assert ended.code == 0
    assert "upper case" in json.loads((tmp_path / "here" / "summary.json").read_text())["normalisation"]
    results = [json.loads(line) for line in (tmp_path / "here" / "results.jsonl").read_text().splitlines()]
    assert all(row["hypothesis"] == row["reference"] == row["reference"].upper() for row in results)


def test_transcripts_with_word_times(trained: Path, asr: Verb) -> None:
    """The word `cd` of `ab cd …` begins after two tones of 100 to 138 ms with their silences."""
    number = next(i for i, text in enumerate(SAID) if text.startswith("ab cd") and len(text.split()) == 3)
    ended = asr("transcribe", "runs/tiny", f"mine/{number:02d}.wav", "--format", "json")
    row = json.loads(ended.out)
    assert (
        ended.code == 0
        and row["text"] == SAID[number]
        and row["duration"] == pytest.approx(len(sound(SAID[number], number)) / RATE, abs=1e-3)
    )
    assert [word["word"] for word in row["words"]] == SAID[number].split()
    starts, ends = [word["start"] for word in row["words"]], [word["end"] for word in row["words"]]
    silent = np.abs(sound(SAID[number], number)) < 0.05
    loud = np.flatnonzero(~silent)
    gaps = np.flatnonzero(np.diff(loud) > 600)  # between words
    true = [loud[0] / RATE, *(loud[gaps + 1] / RATE)]
    assert starts == pytest.approx(true, abs=0.1) and all(s < e for s, e in zip(starts, ends, strict=True))
    assert ends[:-1] <= starts[1:] and ends[-1] <= row["duration"]


def test_transcripts_of_folders_and_globs_of_any_rate(trained: Path, asr: Verb, tmp_path: Path) -> None:
    wave = np.repeat(sound(SAID[8], 8), 2)  # the same at twice the rate
    write_wav(tmp_path / "other rate.wav", wave, 2 * RATE)
    ended = asr("transcribe", "runs/tiny", "mine/0[0-3].wav", tmp_path)
    heard = dict(line.split("\t") for line in ended.out.splitlines())
    assert ended.code == 0 and {Path(name).name: text for name, text in heard.items()} == {
        **{f"{i:02d}": SAID[i] for i in range(4)},
        "other rate": SAID[8],
    }
    ended = asr("transcribe", "runs/tiny", "mine/00.wav", "mine/01.wav", "--out", tmp_path / "out")
    assert ended.code == 0 and (tmp_path / "out" / "01.txt").read_text() == SAID[1] + "\n"


def test_preparing_again_changes_nothing(trained: Path, asr: Verb) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path("corpus").rglob("*")}
    assert asr("prepare", "folder", "--source", "mine", "--out", "corpus").code == 0
    assert {path: path.stat().st_mtime_ns for path in Path("corpus").rglob("*")} == before


def test_a_second_run_of_the_same_name_is_refused(trained: Path, refused) -> None:
    assert "holds a run already" in refused("train", "tiny.yaml")


def test_print_config_is_a_config(asr: Verb, tmp_path: Path) -> None:
    ended = asr("train", "tiny.yaml", "training.lr=3e-4", "--print-config")
    assert ended.code == 0 and yaml.safe_load(ended.out)["training"]["lr"] == 3e-4
    (tmp_path / "again.yaml").write_text(ended.out)
    assert asr("train", tmp_path / "again.yaml", "--print-config").out == ended.out


def test_help_is_quick() -> None:
    """What takes seconds to import is not imported to say which verbs there are."""
    script = (
        "import sys; from asr.cli import main; sys.argv = ['asr', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print('heavy:', sorted({'torch', 'numpy', 'pydantic', 'yaml', 'soundfile', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy: []", done.stdout + done.stderr
    for verb in ("prepare", "check", "train", "evaluate", "transcribe", "align", "warmup"):
        assert verb in done.stdout


@pytest.mark.parametrize("verb", ["prepare", "check", "train", "evaluate", "transcribe", "align"])
def test_scripts_are_the_verbs(verb: str) -> None:
    script = Path(__file__).parents[1] / "scripts" / f"{verb}.py"
    assert len(script.read_text().splitlines()) <= 12
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and f"{verb} [OPTIONS]" in done.stdout


# ── bad input ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small corpus and `tiny.yaml` of its own, in the working folder; no run may be left in it."""
    write_corpus(tmp_path, train=6, dev=2)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_tree(tmp_path, epochs=1)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rewrite(manifest: Path, line: int, **fields: object) -> None:
    """Change fields of one line (from 1) of a manifest."""
    rows = manifest.read_text().splitlines()
    rows[line - 1] = json.dumps(json.loads(rows[line - 1]) | fields)
    manifest.write_text("\n".join(rows) + "\n")


def test_missing_files(corpus: Path, refused) -> None:
    assert "none.yaml: no such file" in refused("train", "none.yaml")
    (corpus / "train.jsonl").unlink()
    assert "train.jsonl: no such manifest" in refused("train", "tiny.yaml")
    assert "no such" in refused("evaluate", "runs/none", "dev.jsonl")
    assert "no such" in refused("transcribe", "runs/none", "audio/dev-0.wav")
    assert "no such manifest" in refused("check", "none.jsonl")
    assert "no such" in refused("prepare", "folder", "--source", "none", "--out", "out")
    assert not Path("runs").exists() and not Path("out").exists()


def test_missing_recordings(corpus: Path, trained: Path, refused, asr: Verb) -> None:
    (corpus / "audio" / "train-3.wav").unlink()
    assert refused("train", "tiny.yaml").startswith("utt train-3: ")
    assert not (corpus / "runs" / "tiny" / "model.pt").exists()
    (corpus / "audio" / "dev-1.wav").unlink()
    assert refused("evaluate", trained, "dev.jsonl", "--out", "out").startswith("utt dev-1: ")
    assert not Path("out").exists()
    assert "no such file" in refused("transcribe", trained, "audio/dev-1.wav")
    ended = asr("check", "train.jsonl")
    assert ended.code == 2 and "utt train-3: " in ended.out


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_audio(corpus: Path, trained: Path, refused, asr: Verb, workers: int) -> None:
    (corpus / "audio" / "train-3.wav").write_bytes(b"RIFF no sound at all")
    said = refused("train", "tiny.yaml", f"data.workers={workers}")
    assert said.startswith("utt train-3: ") and "train-3.wav" in said
    ended = asr("transcribe", trained, "audio/train-3.wav", "audio/train-0.wav")
    assert ended.code == 2 and "error: " in ended.err and "train-3.wav" in ended.err
    assert ended.out.startswith("train-0\t"), "the readable one is transcribed all the same"


def test_empty_manifest(corpus: Path, refused) -> None:
    (corpus / "dev.jsonl").write_text("\n")
    for arguments in (["train", "tiny.yaml"], ["check", "train.jsonl", "dev.jsonl"]):
        assert "dev.jsonl: the manifest is empty; expected" in refused(*arguments)


def test_bad_json_at_its_line(corpus: Path, trained: Path, refused) -> None:
    with (corpus / "dev.jsonl").open("a") as file:
        file.write('{"audio": "x.wav", "dur\n')
    for arguments in (["train", "tiny.yaml"], ["check", "dev.jsonl"], ["evaluate", trained, "dev.jsonl"]):
        assert "dev.jsonl:3: not JSON" in refused(*arguments)


@pytest.mark.parametrize(
    "override, said",
    [
        ("model.hiden_size=3", "model.hiden_size: unknown key; did you mean 'hidden_size'?"),
        ("training.epochs=many", "training.epochs is 'many'; expected a valid integer"),
        ("training.lr", "training.lr: not an override"),
    ],
)
def test_bad_options(corpus: Path, refused, override: str, said: str) -> None:
    assert said in refused("train", "tiny.yaml", override)
    assert not Path("runs").exists()


def test_text_outside_the_alphabet(corpus: Path, refused, asr: Verb) -> None:
    rewrite(corpus / "dev.jsonl", 2, text="ab é")
    assert refused("train", "tiny.yaml").startswith("utt dev-1: 'é' ")
    assert not Path("runs").exists()
    ended = asr("check", "train.jsonl", "dev.jsonl", "--config", "tiny.yaml")
    assert ended.code == 2 and "utt dev-1: 'é'" in ended.out


def test_targets_that_do_not_fit(corpus: Path, refused, asr: Verb) -> None:
    rewrite(corpus / "train.jsonl", 2, text="ab " * 40)
    said = refused("train", "tiny.yaml")
    assert said.startswith("utt train-1: 119 labels need at least 119 frames but the model yields ")
    assert not Path("runs").exists()
    ended = asr("check", "train.jsonl", "--config", "tiny.yaml")
    assert ended.code == 2 and "utt train-1: 119 labels need at least 119 frames" in ended.out
    ended = asr("train", "tiny.yaml", "data.infeasible=drop")
    assert ended.code == 0 and "utt train-1: 119 labels" in ended.out


def test_a_checkpoint_of_another_config(corpus: Path, asr: Verb, refused) -> None:
    assert asr("train", "tiny.yaml").code == 0
    assert "made with model.hidden_size=24; expected 8" in refused(
        "train", "tiny.yaml", "model.hidden_size=8", "--resume"
    )
    assert "cannot change a trained model" in refused("evaluate", "runs/tiny", "dev.jsonl", "model.hidden_size=8")
    path = corpus / "runs" / "tiny" / "model.pt"
    saved = checkpoint.load(path, "model")
    saved["config"]["model"]["hidden_size"] = 8
    torch.save(saved, path)
    assert "its weights do not fit its config" in refused("evaluate", "runs/tiny", "dev.jsonl")
    del saved["config"]
    torch.save(saved, path)
    assert "model.pt: holds no config; expected a model of this version" in refused(
        "evaluate", "runs/tiny", "dev.jsonl"
    )
    assert "holds a checkpoint; expected a model" in refused("transcribe", "runs/tiny/checkpoints/last.pt", "audio")


class Toucher:
    """A pickle that makes a file when it is loaded."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("touched"),)


def test_damaged_and_hostile_models(corpus: Path, trained: Path, refused) -> None:
    run = corpus / "run"
    run.mkdir()
    content = (trained / "model.pt").read_bytes()
    verbs = [["evaluate", run, "dev.jsonl"], ["transcribe", run / "model.pt", "audio"]]
    for verb in verbs:
        (run / "model.pt").write_bytes(content[: len(content) // 2])
        assert "model.pt: truncated or damaged" in refused(*verb)
        torch.save({"format": 1, "kind": "model", "model": Toucher()}, run / "model.pt")
        assert "it was not loaded, since loading it could run code" in refused(*verb)
    (run / "model.pt").unlink()
    assert "holds no model.pt" in refused(*verbs[0])
    assert not Path("touched").exists() and not (run / "results").exists()


def test_a_truncated_checkpoint_is_not_resumed(corpus: Path, asr: Verb, refused) -> None:
    assert asr("train", "tiny.yaml").code == 0
    last = corpus / "runs" / "tiny" / "checkpoints" / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    assert "last.pt: truncated or damaged" in refused("train", "tiny.yaml", "--resume")


def test_a_full_disk_while_saving(corpus: Path, asr: Verb, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills at the second validation: what the first one saved is whole."""
    save, saved = torch.save, []

    def filling(state: dict, path: Path) -> None:
        saved.append(path)
        if len(saved) > 3:  # best, model and last of the first validation
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", filling)
    said = refused("train", "tiny.yaml", "training.epochs=3")
    assert "No space left on device" in said and "the old file is intact" in said
    monkeypatch.setattr(torch, "save", save)
    run = corpus / "runs" / "tiny"
    assert checkpoint.load(run / "checkpoints" / "last.pt", "checkpoint")["state"]["epoch"] == 1
    assert not list(run.rglob(".*"))
    assert asr("train", "tiny.yaml", "training.epochs=3", "--resume").code == 0


def test_a_full_disk_while_writing_results(
    corpus: Path, trained: Path, refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def filling(path: Path, text: str, **more: object) -> int:
        write(path, text[:5], **more)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", filling)
    assert "No space left on device" in refused("evaluate", trained, "dev.jsonl", "--out", "out")
    assert "No space left on device" in refused("transcribe", trained, "audio/dev-0.wav", "--out", "out")
    assert not list(Path("out").iterdir())


def test_folders_that_are_files(corpus: Path, trained: Path, refused) -> None:
    assert "tiny.yaml" in refused("evaluate", trained, "dev.jsonl", "--out", "tiny.yaml")
    assert "tiny.yaml" in refused("transcribe", trained, "audio/dev-0.wav", "--out", "tiny.yaml")
    Path("runs").write_text("a file")
    assert "runs" in refused("train", "tiny.yaml")


def test_unknown_words_on_the_command_line(corpus: Path, trained: Path, refused) -> None:
    assert "no corpus 'folders'" in refused("prepare", "folders", "--out", "x")
    assert "--format doc: is unknown; expected one of txt, json" in refused(
        "transcribe", trained, "audio", "--format", "doc"
    )


def test_as_a_process_there_is_no_traceback(corpus: Path, home: Path) -> None:
    script = "from asr.cli import main; main()"
    rewrite(corpus / "dev.jsonl", 1, text="é")
    command = [sys.executable, "-c", script, "train", "tiny.yaml", "data.workers=2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: utt dev-0: 'é'") and done.stderr.count("\n") == 1
    assert shutil.which("asr", path=str(Path(sys.executable).parent)) is not None
