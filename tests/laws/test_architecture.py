"""The house: imports go downwards only, rooms of one layer are strangers, and some things have a single door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "asr").rglob("*.py"))
LAYERS = [
    "types interfaces errors files options seeding world kernels",
    "text audio features ctc nn lm",
    "data models decoding evaluation",
    "corpora training",
    "config",
    "build",
    "reporting facts finding",
    "runs checking doctor evaluating tuning inference",
    "cli",
]
LEVEL = {room: level for level, layer in enumerate(LAYERS) for room in layer.split()}
# evaluate is the recogniser over a manifest, so it stands on inference; tuning evaluates many times; the doctor shows
# what a check found and what a recogniser doubts
ALLOWED = {("evaluating", "inference"), ("tuning", "inference"), ("tuning", "evaluating")} | {
    ("doctor", "checking"), ("doctor", "inference"),
}  # fmt: skip
CLI = {str(path.relative_to(ROOT)) for path in FILES if path.parent.name == "cli"}
KERNELS = {str(path.relative_to(ROOT)) for path in FILES if path.parent.name == "kernels"}
DOORS = {
    "numba": KERNELS,
    "llvmlite": KERNELS,
    "yaml": {"asr/config.py"},
    "soundfile": {"asr/audio/io.py"},
    "av": {"asr/audio/io.py"},
    "matplotlib": {"asr/evaluation/curves.py", "asr/evaluation/pictures.py", "asr/evaluation/utterance_picture.py"},
    "jinja2": {"asr/evaluation/pages.py"},
    "typer": CLI,
    "espeakng_loader": {"asr/corpora/espeak_process.py"},
    "tensorboard": {"asr/training/journal.py"},
    "sentencepiece": {"asr/text/bpe.py"},
}


def room(path: Path) -> str:
    """The room a file of asr/ is in: its folder, or its own name."""
    return path.relative_to(ROOT / "asr").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)}:{node.lineno}: a relative import; expected asr.…"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def offences(path: Path, of: Iterator[tuple[int, str]]) -> Iterator[str]:
    """What in a file's imports breaks the order of rooms."""
    here = room(path)
    for line, name in of:
        parts = name.split(".")
        if parts[0] != "asr" or len(parts) < 2 or parts[1] == here:
            continue
        where, there = f"{path.relative_to(ROOT)}:{line}", parts[1]
        if there not in LEVEL:
            yield f"{where}: {there} has no place in the layers"
        elif LEVEL[there] > LEVEL[here]:
            yield f"{where}: {here} imports {there}, which is above it"
        elif LEVEL[there] == LEVEL[here] > 0 and (here, there) not in ALLOWED:
            yield f"{where}: {here} imports {there}, a stranger of its own layer"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    if path == ROOT / "asr" / "__init__.py":
        assert not list(imports(path)), "importing asr must cost nothing"
        return
    assert room(path) in LEVEL, f"{path.relative_to(ROOT)}: has no place in the layers of HOUSE.md"
    broken = list(offences(path, imports(path)))
    assert not broken, "\n".join(broken)


def test_the_check_itself_sees_offences() -> None:
    """An import upwards, one of a neighbour, one of nowhere; and those that are right."""
    found = [
        list(offences(ROOT / "asr" / here, iter([(7, name)])))
        for here, name in [
            ("text/a.py", "asr.data.manifest"),
            ("audio/a.py", "asr.text.normalize.x"),
            ("cli.py", "asr.kitchen.sink"),
            ("files.py", "asr.errors.AsrError"),
            ("audio/a.py", "asr.audio.io.probe"),
            ("evaluating.py", "asr.inference.recogniser.x"),
        ]
    ]
    assert [len(f) for f in found] == [1, 1, 1, 0, 0, 0]
    assert found[0] == ["asr/text/a.py:7: text imports data, which is above it"]


def test_no_cycle_between_files() -> None:
    """No file reaches itself through what it imports when it is loaded."""
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    graph = {name: {n for n in _loaded(path) if n in names and n != name} for name, path in names.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join([*above[above.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _loaded(path: Path) -> Iterator[str]:
    """The modules a file imports at its top, and those that `from package import module` may mean."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield str(node.module)


@pytest.mark.parametrize("library", DOORS)
def test_single_doors(library: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line, name in imports(path)
        if library in name.split(".") and not name.startswith("asr.")
    }
    assert not {place for place in found if place.rsplit(":", 1)[0] not in DOORS[library]}
    assert found, f"nothing imports {library}: take it from the list"


def calls(path: Path, wanted: str) -> Iterator[str]:
    """The places in a file where `wanted`, such as os.environ or print, is used."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == wanted:
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize(
    "wanted, door",
    [
        ("print", "asr/cli/"),
        ("os.environ", "asr/world.py"),
        ("os.getenv", "asr/world.py"),
        ("log_softmax", "asr/ctc/loss.py"),
        ("F.log_softmax", "asr/ctc/loss.py"),
        ("torch.log_softmax", "asr/ctc/loss.py"),
        ("torch.load", "asr/training/checkpoint.py"),
        ("torch.save", "asr/training/checkpoint.py"),
    ],
)
def test_single_places(wanted: str, door: str) -> None:
    found = [place for path in FILES for place in calls(path, wanted)]
    assert not [place for place in found if not place.startswith(door)]


def test_models_load_without_code() -> None:
    """Every torch.load says weights_only=True."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                said = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert said.get("weights_only") == "True", f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path.relative_to(ROOT)}: longer than 400 lines; split it"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < 60, (
                f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} is too long"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_public_is_described(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.relative_to(ROOT)}: no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has no docstring"
