"""What templates make of values: text is escaped, code is marked, scripts cannot be ended."""

from asr.evaluation.pages import _code, _script


def test_marked_text_is_code_and_all_of_it_escaped() -> None:
    assert _code("run `asr <check>`, then <b>") == "run <code>asr &lt;check&gt;</code>, then &lt;b&gt;"
    assert _code("plain") == "plain"


def test_no_text_ends_a_script() -> None:
    assert "<" not in _script({"a": "</script><!--", "b": ["\u2028"]}) and "\u2028" not in _script("\u2028")
