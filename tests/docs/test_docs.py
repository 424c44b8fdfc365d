"""The code of the documentation runs, its commands print the shown output, and its numbers name their command."""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import polars as pl
import pytest
from lissnas.shrinkers.shrink import shrinker_names
from lissnas_analyses.cli.app import app
from lissnas_analyses.cli.shared.method_options import setting_values
from lissnas_analyses.cli.shared.terminal import console
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.catalog import benchmark_names, find_adapter
from lissnas_benchmarks.errors import MissingFileError
from lissnas_benchmarks.table import Table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "examples"} & set(path.relative_to(DOCS).parts))
NAMES = [str(path.relative_to(DOCS)) for path in PAGES]
README = ROOT / "README.md"

BENCHMARK_PAGES = [name for name in NAMES if name.startswith("benchmarks/")]

OWN_TESTS = {"bridges.md", "extending.md", "benchmarks/your-own.md", "results-format.md"}
"""Pages with a test file of their own."""

NOT_RUN = {
    "make": "installs packages from the network; a dry run checks that the target exists",
    "pip install": "needs the network",
    "lissnas data get": "needs the network; tests/benchmarks/test_download.py downloads from a local server",
    "lissnas data import": "needs the official file; the tests of each benchmark import it",
    "lissnas tau nas-bench-201 --predictor zc": "needs the official file, like the next",
    "lissnas shrink nas-bench-201 --method kernel --cheap zc": "",
    "lissnas compare BENCHMARK": "is a pattern for any benchmark; with this many methods it takes minutes",
    "lissnas supernet train": "takes minutes to weeks, like the next five; tests/analyses and tests/toolkit/supernet "
    "run every stage with small settings",
    "lissnas supernet shrink": "",
    "lissnas supernet search": "",
    "lissnas supernet retrain": "",
    "lissnas supernet export": "",
    "lissnas supernet study": "",
    "lissnas supernet evaluate --out fashion": "needs a supernet that was trained for minutes, like the next",
    "lissnas tau fashion-cells --predictor fashion": "",
    "torchrun": "needs several GPUs",
    "RUN=": "needs a cluster",
}
"""Commands that these tests do not run, by their first words, and why; they are parsed, or run dry."""


def fenced_blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks in some languages, in order."""
    pattern = rf"^```(?:{'|'.join(map(re.escape, languages))})\n(.*?)^```"
    return re.findall(pattern, page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """Return the words of each command in the shell and console blocks of a page."""
    return shell_commands(page) + [shlex.split(command) for command, _ in sessions(page)]


def shell_commands(page: Path) -> list[list[str]]:
    lines = "\n".join(fenced_blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def not_run_key(words: list[str]) -> str | None:
    """Return the key of NOT_RUN with which a command begins, or None."""
    return next((key for key in NOT_RUN if shlex.join(words).startswith(key)), None)


def pages_with(*languages: str) -> list[Path]:
    return [page for page in (README, *PAGES) if name_of(page) not in OWN_TESTS and fenced_blocks(page, *languages)]


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT))


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_the_code_of_a_page_runs_and_prints_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_table: Callable[[str], Table]
) -> None:
    """`make docs` runs the other pages with code: their cells make the outputs and the pictures that they show."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    parts = re.findall(r"^```python\n(.*?)^```(?:\n+```text\n(.*?)^```)?", text, re.MULTILINE | re.DOTALL)
    for benchmark in set(re.findall(r'load_table\("([a-z0-9-]+)"\)', text)):
        open_table(benchmark)
    namespace: dict[str, Any] = {"__name__": page.name, "Path": Path}
    compiled = [(compile(code, page.name, "exec"), shown) for code, shown in parts]
    with mpl.rc_context({"backend": "agg"}):
        for code, shown in compiled:
            try:
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(code, namespace)
            except MissingFileError as error:
                pytest.skip(str(error))
            if shown:
                assert as_pattern(shown.splitlines()).fullmatch(printed.getvalue()), printed.getvalue()


@pytest.mark.parametrize("page", pages_with("sh"), ids=name_of)
def test_every_command_of_the_shell_blocks_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The commands run in order in one folder, as a reader would run them; `>` writes the output to a file.

    They compute two runs, because more only repeat the same with other seeds; another test parses
    the page's number.
    """
    monkeypatch.chdir(tmp_path)
    write_supernet_scores(tmp_path / "scores.csv")
    for words in shell_commands(page):
        if not_run_key(words):
            continue
        program, *arguments = words
        assert program == "lissnas", f"{page.name}: run {program} here, or add it to NOT_RUN with a reason"
        target = "printed.txt"
        if ">" in arguments:
            arguments, target = arguments[: arguments.index(">")], arguments[-1]
        if "--runs" in arguments:
            arguments[arguments.index("--runs") + 1] = "2"
        assert app(arguments, exit_on_error=False, print_error=False) == 0, shlex.join(words)
        (tmp_path / target).write_bytes(capsysbinary.readouterr().out)


def write_supernet_scores(path: Path) -> None:
    """Write the score file that the README uses; here it has the selection scores of AnalogNAS-Bench."""
    study = open_benchmark("analog-nasbench")
    architectures = study.space.write(study.space.all_rows())
    pl.DataFrame({"architecture": architectures, "supernet": study.selection}).write_csv(path)


def test_every_command_that_is_not_run_is_on_a_page() -> None:
    used = {not_run_key(words) for page in (README, *PAGES) for words in commands(page)}
    assert set(NOT_RUN) <= used


@pytest.fixture(scope="module")
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


def sessions(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the console blocks of a page, and the lines that the page shows as its output."""
    for block in fenced_blocks(page, "console"):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, *printed = part.rstrip("\n").split("\n")
            yield command, printed


def as_pattern(printed: list[str]) -> re.Pattern[str]:
    """Return a pattern of the output: `...` matches any text in a line, or any lines if it is alone."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))).rstrip() + r" *\n"
        for line in printed
    ]
    return re.compile("".join(lines) + r"\s*")


@pytest.mark.parametrize("page", pages_with("console"), ids=name_of)
def test_a_page_shows_what_its_commands_print(
    page: Path, working_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(working_folder)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(console, "width", 120)  # it was made before
    for command, printed in sessions(page):
        program, *words = shlex.split(command)
        if not_run_key([program, *words]):
            continue
        assert program == "lissnas", f"{page.name}: run {program} here, or add it to NOT_RUN with a reason"
        assert app(words, exit_on_error=False, print_error=False) == 0, command
        output = capsys.readouterr().out
        if printed:
            assert as_pattern(printed).fullmatch(output), f"{command} printed:\n{output}"


@pytest.mark.parametrize(
    "page", [README, *(DOCS / name for name in NAMES if name not in OWN_TESTS)], ids=lambda page: page.name
)
def test_lissnas_parses_every_command_of_a_page(page: Path) -> None:
    for words in commands(page):
        if "--no-python" in words:  # torchrun starts this command
            words = words[words.index("--no-python") + 1 :]
        words = ["analog-nasbench" if word == "BENCHMARK" else word for word in words]
        for end in (">", "|"):
            words = words[: words.index(end)] if end in words else words
        if words[0] == "lissnas" and not {"--help", "--install-completion"} & set(words):
            assert words[1] in list(app), f"{page.name}: no command '{words[1]}'"
            _, bound, _ = app.parse_args(words[1:], exit_on_error=False, print_error=False)
            if "method_settings" in bound.arguments:
                bound.apply_defaults()
                method = bound.arguments["method"]
                methods = (method,) if isinstance(method, str) else method
                setting_values(words[1], methods, bound.arguments["method_settings"])
        if words[0] == "make" and shutil.which("make"):
            subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, check=True)


def test_every_method_and_every_benchmark_has_its_page() -> None:
    for method in shrinker_names():
        assert (DOCS / "methods" / f"{method}.md").exists(), method
    text = "".join((DOCS / name).read_text() for name in BENCHMARK_PAGES)
    for benchmark in benchmark_names():
        assert f"`{benchmark}`" in text or f"{benchmark}\n" in text or f"{benchmark} " in text, benchmark


@pytest.mark.parametrize("name", sorted(set(BENCHMARK_PAGES) - {"benchmarks/index.md", "benchmarks/your-own.md"}))
def test_a_page_of_a_published_benchmark_has_all_its_parts(name: str) -> None:
    page = (DOCS / name).read_text()
    if "Trained by this project" in page:
        pytest.skip("the project's own tables have pages of another form")
    for part in (r"[Gg]et it", "Locality at a glance", "Know before you believe a number|Caveats"):
        assert re.search(rf"^(## |\*\*)(How to )?({part})", page, re.MULTILINE), part
    assert re.search(r"license|Apache-2.0|MIT", page)


def has_measured_numbers(page: Path) -> bool:
    """Return whether a page has numbers with their uncertainty, or rows of docs/measured."""
    return bool(
        re.search(r"<!-- (shrinking|locality|readings):|\d ± \.?\d|\[[-+]?\d*\.\d+, [-+]?\d*\.\d+\]", page.read_text())
    )


def test_the_page_of_numbers_names_every_page_with_measured_numbers() -> None:
    listed = (DOCS / "numbers.md").read_text()
    missing = [
        name
        for name, page in zip(NAMES, PAGES, strict=True)
        if has_measured_numbers(page) and f"({name})" not in listed
    ]
    assert missing == []


def test_quoted_locality_equals_measured_locality(open_table: Callable[[str], Table]) -> None:
    import csv

    from lissnas.locality.exact_locality import pair_locality

    table, reports = open_table("analog-nasbench"), find_adapter("analog-nasbench").reports
    measured = pair_locality(table.space, table.values(reports, "cifar10"), (0.01,), 1)
    with (DOCS / "measured" / "locality.csv").open(newline="") as file:
        quoted = {row["benchmark"]: row for row in csv.DictReader(file)}["analog-nasbench"]
    assert quoted["P(top 1 %) of a neighbor"].startswith(f"{measured.top_rate.value[0, 0]:.2f} ")
    assert quoted["correlation of neighbors"].startswith(f"{measured.correlation.value[0]:.2f} ")


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_linked_files_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)\)", page.read_text().replace("\n", " "))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
