"""`asr tune` from end to end on a tiny model that has not quite learned its tones, and the mistakes of its users."""

import json
from pathlib import Path

import pytest
import yaml
from models_by_chance import write_model
from tones import tiny_tree, write_corpus
from verbs import Verb

from asr.config import config_from_tree
from asr.inference.recogniser import Recogniser
from asr.runs import run_training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder beside its corpus, a language model of its words and a list of them."""
    home = tmp_path_factory.mktemp("home")
    write_corpus(home, train=36, dev=20)
    write_model(home / "lm.arpa.gz", ["ab", "bc", "cd", "da"], 3)
    (home / "words.txt").write_text("ab\nbc\ncd\nda\n")
    tree = tiny_tree(home, epochs=3, lr=0.02, log_every=50, validate_every=3, average=1)
    assert run_training(config_from_tree(tree), home / "run", resume=False, say=lambda line: None)
    return home / "run"


@pytest.fixture
def asr(trained: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch) -> Verb:
    """`asr …` beside the run."""
    monkeypatch.chdir(trained.parent)
    return verb


LM = "decoding.lm=lm.arpa.gz"


def test_tuned_weights_do_in_evaluation_what_they_did_in_tuning(asr: Verb, trained: Path) -> None:
    code, out, err = asr("tune", "run", "dev.jsonl", LM, "--trials", 60)
    assert code == 0, err
    for word in ("greedy     WER", "untuned    WER", "tuned      WER", "trials     60 in", "confidence slope"):
        assert word in out
    assert "words are few to tune on" in out and "written: run/decoding.yaml, run/tuning.json, run/tuning.png" in out
    found = json.loads((trained / "tuning.json").read_text())
    assert found["tuned"]["wer"] <= found["untuned"]["wer"] and len(found["trials"]) == 60
    assert found["tuned"]["wer"] == min(trial["wer"] for trial in found["trials"])
    said = yaml.safe_load((trained / "decoding.yaml").read_text())["decoding"]
    assert said["kind"] == "beam" and said["lm"] == "lm.arpa.gz" and said["alpha"] == found["decoding"]["alpha"]
    code, out, err = asr("evaluate", "run", "dev.jsonl", "--decoding", "run/decoding.yaml")
    assert code == 0, err
    summary = json.loads((trained / "results" / "dev" / "summary.json").read_text())
    assert summary["wer"] == pytest.approx(found["tuned"]["wer"], abs=1e-6)
    assert summary["cer"] == pytest.approx(found["tuned"]["cer"], abs=1e-6)
    assert summary["confidence"]["ece"] == pytest.approx(found["confidence"]["ece"][1], abs=2e-3)
    assert summary["decoder"].startswith(
        f"beam search, width 100, lm.arpa.gz (words), lexicon of 4 words, alpha {said['alpha']:g}"
    )
    assert (trained / "results" / "dev" / "reliability.png").exists()
    code, out, err = asr("transcribe", "run", "audio/dev-1.wav", "--decoding", "run/decoding.yaml")
    assert code == 0 and set(out.split()) & {"ab", "bc", "cd", "da"}
    code, out, err = asr("evaluate", "run", "dev.jsonl", "decoding.kind=greedy", "--decoding", "run/decoding.yaml")
    assert "decoder        greedy" in out, "what stands beside --decoding is said last"


def test_the_model_hears_once(asr: Verb, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    emissions = Recogniser.emissions
    monkeypatch.setattr(Recogniser, "emissions", lambda self, waves: heard.append(len(waves)) or emissions(self, waves))
    (trained / "cache" / "dev.npz").unlink(missing_ok=True)
    outcomes = []
    for _ in range(2):
        code, out, err = asr("tune", "run", "dev.jsonl", LM, "--trials", 30, "--out", "other.yaml")
        assert code == 0, err
        outcomes.append((Path("other.yaml").read_text(), json.loads(Path("other.json").read_text())))
        assert ("kept from before" in out) == (len(outcomes) == 2) and sum(heard) == 20
    (first, table), (second, again) = outcomes
    del table["seconds"], again["seconds"]
    assert first == second and table == again, "the same figures and files"
    (trained / "cache" / "dev.npz").write_bytes((trained / "cache" / "dev.npz").read_bytes()[:1000])
    asr("tune", "run", "dev.jsonl", LM, "--trials", 1)
    assert sum(heard) == 40, "a broken file is made anew"
    lines = Path("dev.jsonl").read_text().splitlines(keepends=True)
    Path("less").mkdir(exist_ok=True)
    rows = [json.loads(line) for line in lines[:5]]
    rows = [row | {"audio": str(Path(row["audio"]).absolute())} for row in rows]
    Path("less/dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asr("tune", "run", "less/dev.jsonl", LM, "--trials", 1)
    assert sum(heard) == 45, "so is one of another manifest"


def test_without_a_language_model_only_confidence(asr: Verb, trained: Path) -> None:
    code, out, err = asr("tune", "run", "dev.jsonl")
    assert code == 0 and "no language model and no lexicon: only confidence is calibrated" in out, err
    said = yaml.safe_load((trained / "decoding.yaml").read_text())["decoding"]
    assert said["kind"] == "greedy" and {"confidence_slope", "confidence_offset"} <= said.keys()
    assert json.loads((trained / "tuning.json").read_text())["trials"] == []
    code, out, err = asr(
        "tune", "run", "dev.jsonl", LM, "decoding.kind=beam", "decoding.beta=2.5", "--only", "confidence"
    )
    said = yaml.safe_load((trained / "decoding.yaml").read_text())["decoding"]
    assert code == 0 and said["beta"] == 2.5 and "trials" not in out


def test_a_lexicon_is_something_to_search(asr: Verb, trained: Path) -> None:
    code, _, err = asr("tune", "run", "dev.jsonl", "decoding.lexicon=words.txt", "--trials", 20, "--split", "dev")
    assert code == 0, err
    trial = json.loads((trained / "tuning.json").read_text())["trials"][0]
    assert trial.keys() == {"beta", "insertion", "unknown_penalty", "wer", "cer"}, "alpha weighs nothing"


def test_mistakes_are_one_line(asr: Verb, trained: Path) -> None:
    Path("bad.yaml").write_text("decoding:\n  alpha: 1\n  bta: 2\n")
    row = json.loads(Path("dev.jsonl").read_text().splitlines()[0])
    Path("silent.jsonl").write_text(json.dumps(row | {"text": "…"}) + "\n")
    for arguments, message in [
        (("tune", "run", "dev.jsonl", "--only", "weights"), "--only weights: is unknown; expected confidence"),
        (("tune", "run", "dev.jsonl", "--out", "x.json"), "--out x.json: is no YAML file"),
        (("tune", "run", "dev.jsonl", "decoding.lm=absent.arpa"), "absent.arpa"),
        (("tune", "run", "dev.jsonl", "model.layers=2"), "model.layers=2: cannot change a trained model"),
        (("tune", "run", "absent.jsonl", LM), "absent.jsonl"),
        (("tune", "run", "silent.jsonl", LM), "silent.jsonl: no text holds a word once normalised"),
        (("tune", "run", "dev.jsonl", "--decoding", "bad.yaml"), "bad.yaml:3: decoding.bta: unknown key"),
        (
            ("evaluate", "run", "dev.jsonl", "--decoding", "none.yaml"),
            "none.yaml: no such file; expected what `asr tune`",
        ),
        (("transcribe", "run", "audio/dev-1.wav", "--decoding", "bad.yaml"), "did you mean 'beta'?"),
    ]:
        code, _, err = asr(*arguments)
        assert code == 2 and err.startswith("error: ") and err.count("\n") == 1 and message in err, (arguments, err)
