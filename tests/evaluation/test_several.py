"""Names of several results, which must not collide."""

from pathlib import Path

from asr.evaluation.several import folder_names


def test_names_are_short_where_they_can_be(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    files = [Path("x/test.jsonl"), Path("x/dev.jsonl")]
    assert folder_names(files, None) == ["test", "dev"]
    assert folder_names([Path("x/test.jsonl"), Path("y/test.jsonl")], None) == ["x-test", "y-test"]
    assert folder_names([tmp_path / "a", tmp_path / "b"], "dev") == ["a-dev", "b-dev"]
    assert folder_names([Path("p/x/test.jsonl"), Path("q/x/test.jsonl")], None) == ["1-x-test", "2-x-test"]
