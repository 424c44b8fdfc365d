"""What `--json` writes: one document on standard output, of the kind and the fields that docs/json.md lists."""

import inspect
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import cyclopts
import msgspec
import pytest
from lissnas.errors import SettingError
from lissnas_analyses import reproduce
from lissnas_analyses.cli import app, command_results
from lissnas_analyses.cli.cite import CitationResult
from lissnas_analyses.cli.doctor import EnvironmentResult
from lissnas_analyses.cli.json_command import FORMAT, CommandResult
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import benchmark_names, find_adapter

Ask = Callable[..., tuple[int, dict[str, Any], str]]

PROTEINS = "nas-bench-graph-proteins"

COMMANDS = {
    "benchmarks": command_results.BenchmarkListResult,
    "doctor": EnvironmentResult,
    "cite kernel lissnas": CitationResult,
    "data list": command_results.CacheResult,
    "data check": command_results.CacheResult,
    f"data get {PROTEINS}": command_results.ImportResult,
    f"locality {PROTEINS}": command_results.AnalysisResult,
    f"landscape {PROTEINS}": command_results.LandscapeResult,
    f"shrink {PROTEINS} --seeds 5": command_results.ShrinkageResult,
    f"shrink {PROTEINS} --limit latency<=300": command_results.ShrinkageResult,
    f"compare {PROTEINS} --runs 2": command_results.AnalysisResult,
    f"tau {PROTEINS} --column accuracy/validation --sample 100 --draws 10 --runs 1": command_results.AnalysisResult,
    f"ablate {PROTEINS} --runs 2 --workers 1": command_results.AblationGridResult,
    f"search {PROTEINS} --runs 2 --evaluations 400 --method lissnas --optimizer random "
    "--workers 1": command_results.AnalysisResult,
    "reproduce --runs 2": command_results.ReproductionResult,
}


@pytest.fixture
def ask(
    proteins: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Call the command line in a folder of its own; return exit status, the one document, and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "BENCHMARKS", (PROTEINS, "hw-nas-bench"))

    def call(*words: str) -> tuple[int, dict[str, Any], str]:
        monkeypatch.setattr(sys, "argv", ["/bin/lissnas", *words, "--json"])
        with pytest.raises(SystemExit) as ended:
            app.main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), json.loads(written.out), written.err

    return call


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_writes_one_document_of_its_kind(words: str, ask: Ask) -> None:
    status, document, aside = ask(*words.split())
    assert (status, aside) == (0, "")
    assert {**document, "result": ...} == {
        "format": FORMAT,
        "lissnas": document["lissnas"],
        "command": document["command"],
        "kind": COMMANDS[words].__name__,
        "result": ...,
    }
    assert document["command"].endswith("--json")
    assert as_its_kind(document["result"], COMMANDS[words]) == document["result"]


def as_its_kind(result: Any, kind: type[CommandResult]) -> Any:
    """Read a result as its class does, and write it again: no field is missing, of another type, or too many."""
    read = msgspec.convert(result, type=kind, dec_hook=lambda type_, value: type_(value))
    return json.loads(msgspec.json.encode(read, enc_hook=str))


def test_files_named_in_a_document_are_there(ask: Ask, tmp_path: Path) -> None:
    result = ask("locality", PROTEINS, "--out", "here")[1]["result"]
    assert result["folder"] == "here"
    assert {path.name for path in (tmp_path / "here").iterdir()} == set(result["files"])
    kept = ask("shrink", PROTEINS, "--seeds", "5", "--out", "here")[1]["result"]
    assert (tmp_path / kept["file"]).is_file()
    assert kept["size_at_least"] == kept["size_at_most"] == kept["quality"]["size"]
    assert kept["settings"]["seeds"] == 5


def test_drawings_and_reports_are_documents_too(ask: Ask, proteins: Benchmark, tmp_path: Path) -> None:
    first, second = proteins.space.write(proteins.space.rows([0, 1]))
    drawn = ask("show", PROTEINS, first, second, "--out", "here")[1]
    assert drawn["kind"] == "DrawingResult"
    assert drawn["result"]["architectures"] == [first, second]
    assert drawn["result"]["edit_distance"] >= 1
    assert as_its_kind(drawn["result"], command_results.DrawingResult) == drawn["result"]
    ask("locality", PROTEINS, "--out", "here")
    reported = ask("report", "here", "--out", "page.html")[1]
    assert reported["kind"] == "ReportResult"
    assert reported["result"] == {
        "file": "page.html",
        "bytes": (tmp_path / "page.html").stat().st_size,
        "results": ["here"],
    }


def test_what_is_imported_is_told(ask: Ask, macro_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path))
    missing = ask("data", "get", "nas-bench-macro")[1]["result"]
    assert missing == {
        "benchmark": "nas-bench-macro",
        "path": None,
        "remedy": find_adapter("nas-bench-macro").remedy,
    }
    told = ask("data", "import", "nas-bench-macro", str(macro_file))[1]["result"]
    place = str(tmp_path / "tables/nas-bench-macro.parquet")
    assert told == {"benchmark": "nas-bench-macro", "path": place, "remedy": ""}
    [held] = ask("data", "check")[1]["result"]["benchmarks"]
    assert (held["benchmark"], held["columns"]) == ("nas-bench-macro", 5)


def test_what_a_benchmark_lacks_is_told(ask: Ask) -> None:
    listed = {one["name"]: one for one in ask("benchmarks")[1]["result"]["benchmarks"]}
    assert set(listed) == set(benchmark_names())
    assert listed[PROTEINS]["ready"]
    assert listed[PROTEINS]["networks"] == 2021
    assert not listed["hw-nas-bench"]["ready"]
    assert "lissnas data import hw-nas-bench" in listed["hw-nas-bench"]["remedy"]


def test_a_surrogate_judges_by_samples(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path))
    pytest.importorskip("lightgbm")
    pytest.importorskip("xgboost")
    official = Path(__file__).parents[2] / "benchmarks/nas_bench_301"
    shutil.copytree(official, tmp_path / "official")
    assert ask("data", "import", "nas-bench-301", str(tmp_path / "official"))[0] == 0
    document = ask("shrink", "nas-bench-301", "--max-rounds", "1")[1]
    assert as_its_kind(document["result"], command_results.ShrinkageResult) == document["result"]
    assert document["result"]["dataset"] is None
    assert document["result"]["networks"] > 10**17
    assert document["result"]["predicted"]["space_samples"] == 10_000


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("shrink analog-nasbench --seeds 0", SettingError.__name__, "seeds must be at least 1, not 0"),
        ("shrink analog-nasbench --radius 1.5", SettingError.__name__, "--radius must be a whole number, not 1.5"),
        ("lokality analog-nasbench", "UnknownCommandError", 'Did you mean "locality"?'),
        ("data chek", "UnknownCommandError", 'Did you mean "check"?'),
        ("landscape nas-bench-grph", "CoercionError", 'Did you mean "nas-bench-graph"?'),
        ("data get nas-bench-201x", "CoercionError", 'Did you mean "nas-bench-201"?'),
        ("landscape nas-bench-graph --dataset coraa", "UnknownNameError", "did you mean 'cora'?"),
        ("tau nas-bench-graph --metric acuracy", "UnknownNameError", "did you mean 'accuracy'?"),
        ("compare nas-bench-graph --methods lisnas", "CoercionError", 'Did you mean "lissnas"?'),
        ("ablate nas-bench-graph --method kernal", "CoercionError", 'Did you mean "kernel"?'),
        ("search nas-bench-graph --optimizer randm", "CoercionError", 'Did you mean "random"?'),
        ("search nas-bench-graph --evaluatons 100", "UnknownOptionError", "Did you mean --evaluations?"),
        ("cite nas-bench-grph", "UnknownNameError", "did you mean 'nas-bench-graph'?"),
    ],
)
def test_an_error_is_a_document_and_a_line_on_standard_error(words: str, kind: str, said: str, ask: Ask) -> None:
    status, document, aside = ask(*words.split())
    assert status == document["error"]["exit_status"] == 2
    assert document["error"]["kind"] == kind
    assert said in document["error"]["message"]
    assert aside == f"lissnas: {document['error']['message']}\n"
    assert "result" not in document


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_is_told_to_stop_says_so_in_its_document(tmp_path: Path, number: signal.Signals) -> None:
    words = "supernet train digits --out run --set checkpoints.save_every=1 --set training.steps=100000 --json"
    lissnas = str(Path(sys.executable).parent / "lissnas")
    pipe = subprocess.PIPE
    with subprocess.Popen([lissnas, *words.split()], cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as running:
        while not list(tmp_path.rglob("step-*.pt")):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(number)
        document, said = running.communicate(timeout=60)
    assert running.returncode == json.loads(document)["error"]["exit_status"] == 128 + number
    assert said == "lissnas: stopped, and the state is saved: the same command goes on from there\n"


def test_people_are_told_the_same_findings(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    findings = ask("locality", PROTEINS)[1]["result"]["findings"]
    sys.argv.remove("--json")
    with pytest.raises(SystemExit):
        app.main()
    told = capsys.readouterr().out
    assert all(f"  {finding}\n" in told for finding in findings)


def _kinds() -> dict[str, type[CommandResult]]:
    """Return every kind of answer, and what its fields are made of."""
    found: dict[str, type[Any]] = {}

    def add(kind: Any) -> None:
        for part in get_args(kind):
            add(part)
        if isinstance(kind, type) and is_dataclass(kind) and kind.__name__ not in found:
            found[kind.__name__] = kind
            for field in fields(kind):
                add(field.type)

    for kind in CommandResult.__subclasses__():
        add(kind)
    return found


def test_every_field_of_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/json.md").read_text()
    sections = {part.split("\n", 1)[0].strip("` "): part for part in page.split("\n### ")}
    for name, kind in _kinds().items():
        assert name in sections, f"docs/json.md has no section about {name}"
        listed = {line.split("`")[1] for line in sections[name].splitlines() if line.startswith("| `")}
        assert listed == {field.name for field in fields(kind)}, name


def test_every_command_takes_the_option() -> None:
    def functions(app: cyclopts.App) -> dict[str, Any]:
        names = [name for name in app if not name.startswith("-")]
        inner = {name: app[name] for name in names}
        own = {name: one.default_command for name, one in inner.items() if one.default_command}
        deeper = {f"{name} {word}": made for name, one in inner.items() for word, made in functions(one).items()}
        return own | deeper

    found = functions(app.app)
    assert {"shrink", "data check", "doctor"} <= set(found)
    for name, command in found.items():
        assert "json" in inspect.signature(command).parameters, f"lissnas {name} is not @json_command"
