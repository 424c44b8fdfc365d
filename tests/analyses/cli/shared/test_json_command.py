"""`--json` writes one document to standard output, with the kind and the fields that docs/json.md lists."""

import inspect
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import cyclopts
import msgspec
import pytest
from forked_command import printed, run_command
from forked_group import start_process
from lissnas.errors import SettingError
from lissnas_analyses import reproduce
from lissnas_analyses.cli import app
from lissnas_analyses.cli.ablate import AblationGridResult
from lissnas_analyses.cli.benchmarks import BenchmarkListResult
from lissnas_analyses.cli.compare import ComparisonsResult
from lissnas_analyses.cli.data import CacheResult, ImportResult
from lissnas_analyses.cli.doctor import EnvironmentResult
from lissnas_analyses.cli.landscape import LandscapeResult
from lissnas_analyses.cli.results.cite import CitationResult
from lissnas_analyses.cli.results.claims import ClaimsResult
from lissnas_analyses.cli.results.reproduce import ReproductionResult
from lissnas_analyses.cli.shared.analysis_result import AnalysisResult
from lissnas_analyses.cli.shared.json_command import FORMAT, CommandResult
from lissnas_analyses.cli.show import DrawingResult
from lissnas_analyses.cli.shrink import ShrinkageResult
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import benchmark_names, find_adapter

Ask = Callable[..., tuple[int, dict[str, Any], str]]

PROTEINS = "nas-bench-graph-proteins"

COMMANDS = {
    "benchmarks": BenchmarkListResult,
    "doctor": EnvironmentResult,
    "cite kernel lissnas": CitationResult,
    "claims": ClaimsResult,
    "data list": CacheResult,
    "data check": CacheResult,
    f"data get {PROTEINS}": ImportResult,
    f"locality {PROTEINS}": AnalysisResult,
    f"landscape {PROTEINS}": LandscapeResult,
    f"shrink {PROTEINS} --seeds 5": ShrinkageResult,
    f"shrink {PROTEINS} --limit latency<=300": ShrinkageResult,
    f"compare {PROTEINS} --runs 2 --no-figures": AnalysisResult,
    f"compare {PROTEINS} digits-cells --methods random-subset --runs 2 --no-figures --size 3%": ComparisonsResult,
    f"tau {PROTEINS} --column accuracy/validation --sample 100 --draws 10 --runs 1": AnalysisResult,
    f"ablate {PROTEINS} --runs 2 --workers 1": AblationGridResult,
    f"search {PROTEINS} --runs 2 --evaluations 400 --method lissnas --optimizer random --workers 1": AnalysisResult,
    "reproduce --runs 2": ReproductionResult,
}


@pytest.fixture
def ask(
    proteins: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Call the command line in a new folder; return the exit status, the document, and standard error."""
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
    assert round_trip(document["result"], COMMANDS[words]) == document["result"]


def round_trip(result: Any, kind: type[CommandResult]) -> Any:
    """Convert a result to its class and back; this fails if a field is missing, unknown or of another type."""
    read = msgspec.convert(result, type=kind, dec_hook=lambda type_, value: type_(value))
    return json.loads(msgspec.json.encode(read, enc_hook=str))


def test_files_named_in_a_document_exist(ask: Ask, tmp_path: Path) -> None:
    result = ask("locality", PROTEINS, "--out", "here")[1]["result"]
    assert result["folder"] == "here"
    assert {path.name for path in (tmp_path / "here").iterdir()} == set(result["files"])
    kept = ask("shrink", PROTEINS, "--seeds", "5", "--out", "here")[1]["result"]
    assert (tmp_path / kept["file"]).is_file()
    assert kept["size_at_least"] == kept["size_at_most"] == kept["quality"]["size"]
    assert kept["settings"]["seeds"] == 5


def test_show_and_report_write_documents_too(ask: Ask, proteins: Benchmark, tmp_path: Path) -> None:
    first, second = proteins.space.write(proteins.space.rows([0, 1]))
    drawn = ask("show", PROTEINS, first, second, "--out", "here")[1]
    assert drawn["kind"] == "DrawingResult"
    assert drawn["result"]["architectures"] == [first, second]
    assert drawn["result"]["edit_distance"] >= 1
    assert round_trip(drawn["result"], DrawingResult) == drawn["result"]
    ask("locality", PROTEINS, "--out", "here")
    reported = ask("report", "here", "--out", "page.html")[1]
    assert reported["kind"] == "ReportResult"
    assert reported["result"] == {
        "file": "page.html",
        "bytes": (tmp_path / "page.html").stat().st_size,
        "results": ["here"],
    }


def test_import_and_check_write_what_they_imported(
    ask: Ask, macro_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path))
    missing = ask("data", "get", "channel-bench-macro")[1]["result"]
    assert missing == {
        "benchmark": "channel-bench-macro",
        "path": None,
        "remedy": find_adapter("channel-bench-macro").remedy,
        "notes": [],
    }
    imported = ask("data", "import", "nas-bench-macro", str(macro_file))[1]["result"]
    place = str(tmp_path / "tables/nas-bench-macro.parquet")
    [note] = imported.pop("notes")
    assert note.startswith(f"{macro_file.name}: not verified, lissnas knows no SHA-256 of it (")
    assert imported == {"benchmark": "nas-bench-macro", "path": place, "remedy": ""}
    [checked] = ask("data", "check")[1]["result"]["benchmarks"]
    assert (checked["benchmark"], checked["columns"]) == ("nas-bench-macro", 5)


def test_the_list_says_how_to_get_a_missing_benchmark(ask: Ask) -> None:
    listed = {one["name"]: one for one in ask("benchmarks")[1]["result"]["benchmarks"]}
    assert set(listed) == set(benchmark_names())
    assert listed[PROTEINS]["ready"]
    assert listed[PROTEINS]["networks"] == 2021
    assert not listed["hw-nas-bench"]["ready"]
    assert "lissnas data import hw-nas-bench" in listed["hw-nas-bench"]["remedy"]


def test_a_subspace_of_a_surrogate_is_judged_by_samples(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path))
    pytest.importorskip("lightgbm")
    pytest.importorskip("xgboost")
    official = Path(__file__).parents[3] / "benchmarks/nas_bench_301"
    shutil.copytree(official, tmp_path / "official")
    assert ask("data", "import", "nas-bench-301", str(tmp_path / "official"))[0] == 0
    document = ask("shrink", "nas-bench-301", "--max-rounds", "1")[1]
    assert round_trip(document["result"], ShrinkageResult) == document["result"]
    assert document["result"]["dataset"] is None
    assert document["result"]["networks"] > 10**17
    assert document["result"]["predicted"]["space_samples"] == 10_000


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ("shrink analog-nasbench --seeds 0", SettingError.__name__, "seeds must be at least 1, not 0"),
        ("shrink analog-nasbench --radius 1.5", SettingError.__name__, "--radius must be a whole number, not 1.5"),
        ("lokality analog-nasbench", "UnknownCommandError", 'Did you mean "locality"?'),
        ("data chek", "UnknownCommandError", 'Did you mean "check"?'),
        ("landscape nas-bench-grph", "CoercionError", 'Did you mean "nas-bench-graph"?'),
        ("data get nas-bench-201x", "CoercionError", 'Did you mean "nas-bench-201"?'),
        ("landscape nas-bench-graph --dataset coraa", "UnknownNameError", "did you mean 'cora'?"),
        ("tau nas-bench-graph --metric acuracy", "UnknownNameError", "did you mean 'accuracy'?"),
        ("compare nas-bench-graph --methods lisnas", "UnknownNameError", "did you mean 'lissnas'?"),
        ("ablate nas-bench-graph --method kernal", "CoercionError", 'Did you mean "kernel"?'),
        ("search nas-bench-graph --optimizer randm", "CoercionError", 'Did you mean "random"?'),
        ("search nas-bench-graph --evaluatons 100", "UnknownOptionError", "Did you mean --evaluations?"),
        ("cite nas-bench-grph", "UnknownNameError", "did you mean 'nas-bench-graph'?"),
    ],
)
def test_an_error_is_a_document_and_a_line_on_standard_error(words: str, kind: str, message: str, ask: Ask) -> None:
    status, document, aside = ask(*words.split())
    assert status == document["error"]["exit_status"] == 2
    assert document["error"]["kind"] == kind
    assert message in document["error"]["message"]
    assert aside == f"lissnas: {document['error']['message']}\n"
    assert "result" not in document


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_writes_an_error_document(tmp_path: Path, number: signal.Signals) -> None:
    words = "supernet train digits --out run --set checkpoints.save_every=1 --set training.steps=100000 --json"
    running = start_process(run_command, tmp_path, *words.split())
    assert running.pid is not None
    while not list(tmp_path.rglob("step-*.pt")):
        assert running.is_alive()
        time.sleep(0.05)
    os.kill(running.pid, number)
    running.join(60)
    document, aside = printed(tmp_path)
    assert running.exitcode == json.loads(document)["error"]["exit_status"] == 128 + number
    assert aside == "lissnas: stopped, and the state is saved: run the same command again to resume\n"


def test_people_and_scripts_get_the_same_findings(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    findings = ask("locality", PROTEINS)[1]["result"]["findings"]
    sys.argv.remove("--json")
    with pytest.raises(SystemExit):
        app.main()
    printed = capsys.readouterr().out
    assert all(f"  {finding}\n" in printed for finding in findings)


def _kinds() -> dict[str, type[CommandResult]]:
    """Return every kind of document, and the classes of its fields."""
    found: dict[str, type[Any]] = {}

    def add(kind: Any) -> None:
        for part in get_args(kind):
            add(part)
        if isinstance(kind, type) and is_dataclass(kind) and kind.__name__ not in found:
            found[kind.__name__] = kind
            for field in fields(kind):
                add(field.type)

    _commands(app.app)
    for kind in CommandResult.__subclasses__():
        add(kind)
    return found


def test_every_field_of_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs/json.md").read_text()
    sections = {part.split("\n", 1)[0].strip("` "): part for part in page.split("\n### ")}
    for name, kind in _kinds().items():
        assert name in sections, f"docs/json.md has no section {name}"
        listed = {line.split("`")[1] for line in sections[name].splitlines() if line.startswith("| `")}
        assert listed == {field.name for field in fields(kind)}, name


def _commands(app: cyclopts.App) -> dict[str, Any]:
    """Return the function of each command by its words; commands are imported for this."""
    inner = {name: app[name] for name in app if not name.startswith("-")}
    own = {name: command.default_command for name, command in inner.items() if command.default_command}
    nested = {f"{name} {word}": made for name, command in inner.items() for word, made in _commands(command).items()}
    return own | nested


def test_every_command_takes_the_option() -> None:
    commands = _commands(app.app)
    assert {"shrink", "data check", "doctor"} <= set(commands)
    for name, command in commands.items():
        assert "json" in inspect.signature(command).parameters, f"lissnas {name} is not @json_command"
