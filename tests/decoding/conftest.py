"""Small language models, written down by chance."""

import pytest
from models_by_chance import write_model

from asr.lm.ngram import NGram


@pytest.fixture(scope="session")
def characters(tmp_path_factory: pytest.TempPathFactory) -> NGram:
    """A model of the characters a, b and the space."""
    return NGram.read(write_model(tmp_path_factory.mktemp("lm") / "c.arpa.gz", ["|", "a", "b"], 1))


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> NGram:
    """A model of the words a, ab, b, ba."""
    return NGram.read(write_model(tmp_path_factory.mktemp("lm") / "w.arpa.gz", ["a", "ab", "b", "ba"], 2))
