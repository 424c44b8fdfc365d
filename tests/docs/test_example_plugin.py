"""The example of a third party's package: built, installed, and used by the commands and the code of its page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from forked_command import call_command

DOCS = Path(__file__).parents[2] / "docs"
PACKAGE = DOCS / "examples" / "lissnas-example-plugin"
PAGE = (DOCS / "extending.md").read_text()

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, built from its source, without a network and without anything else."""
    folder = tmp_path_factory.mktemp("site")
    source = folder / "source"
    shutil.copytree(PACKAGE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder / "installed")]
    subprocess.run([*pip, *options, str(source)], check=True)
    return folder / "installed"


@pytest.fixture
def run(site: Path, session_cache: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program that finds the package, in a folder and a process of its own."""

    def do(*words: str, beside: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "LISSNAS_CACHE": str(session_cache),
            "PYTHONPATH": os.pathsep.join(map(str, (site, *beside))),
            "COLUMNS": "200",
        }
        if words[0] == "lissnas":
            return call_command(tmp_path, tmp_path_factory.mktemp("output"), environment, *words[1:])
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return do


def _blocks(language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = {block.partition("\n")[0]: block.partition("\n")[2] for block in [*_blocks("toml"), *_blocks("python")]}
    for name in ("space.py", "benchmark.py", "shrinker.py"):
        assert shown[f"# {name}"] == (PACKAGE / "src" / "lissnas_example_plugin" / name).read_text()
    assert shown["# pyproject.toml"] == (PACKAGE / "pyproject.toml").read_text()


def test_every_command_of_the_page_runs(run: Run, tmp_path: Path) -> None:
    block, _of_files = _blocks("sh")
    install, *commands = block.splitlines()
    assert install == f"pip install ./{PACKAGE.name}"
    for command in commands:
        ran = run(*shlex.split(command))
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        assert "rastrigin-grid" in ran.stdout
    assert (tmp_path / "results/rastrigin-grid/shrunk-elite-box.parquet").exists()


def test_the_rule_in_a_file_of_the_page_runs(run: Run, tmp_path: Path) -> None:
    shutil.copy(PACKAGE / "src" / "lissnas_example_plugin" / "shrinker.py", tmp_path)
    _of_package, block = _blocks("sh")
    for command in block.splitlines():
        ran = run(*shlex.split(command))
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        assert "EliteBox" in ran.stdout


def test_the_code_of_the_page_runs(run: Run) -> None:
    *_files, code = _blocks("python")
    ran = run(sys.executable, "-W", "error", "-c", code)
    assert re.fullmatch(r"[\d,]+ of 6,561 points, after 300 evaluations\n", ran.stdout), ran.stderr


def test_its_method_shrinks_a_benchmark_of_ours(run: Run) -> None:
    ran = run("lissnas", "shrink", "nas-bench-graph-proteins", "--method", "elite-box", "--evaluations", "50")
    assert "elite-box keeps" in ran.stdout, ran.stderr


def test_its_settings_are_options_with_their_defaults(run: Run) -> None:
    shown = " ".join(run("lissnas", "shrink", "--help").stdout.replace("│", " ").split())
    assert "elite-box: --evaluations 300, --elite 10." in shown


def test_a_wrong_name_is_answered_with_theirs(run: Run) -> None:
    code = "from lissnas_benchmarks.loading import load_table; load_table('rastrigin-gird')"
    assert "did you mean 'rastrigin-grid'" in run(sys.executable, "-c", code).stderr


def test_its_numbers_are_those_of_the_function(site: Path) -> None:
    """One point by hand: f(0.5, 0, -2, 1) = 20.25 + 0 + 4 + 1."""
    code = (
        "from lissnas_example_plugin.benchmark import ADAPTER, VALUE\n"
        "space = ADAPTER.space()\n"
        "values = ADAPTER.read(None)[VALUE]\n"
        "print(values[space.index(space.read(['0.5,0,-2,1']))[0]], values.max(), len(set(values.tolist())))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    value, best, distinct = map(float, ran.stdout.split())
    assert (value, best) == pytest.approx((-25.25, 0))
    assert distinct > 50


# Beside broken ones


def _package(folder: Path, name: str, entry_points: str, source: str) -> Path:
    described = folder / name / f"{name}-1.0.dist-info"
    described.mkdir(parents=True)
    (folder / name / f"{name}.py").write_text(source)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(entry_points)
    return folder / name


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Path, ...]:
    """Packages that do not import, claim a name of ours, or read with an error."""
    return (
        _package(
            tmp_path,
            "unwell",
            "[lissnas.benchmarks]\nunwell = unwell:B\nnas-bench-macro = unwell:B\n"
            "[lissnas.shrinkers]\nunwell = unwell:S\n[lissnas.optimizers]\nunwell = unwell:S\n",
            "import no_such_module",
        ),
        _package(
            tmp_path,
            "unreadable",
            "[lissnas.benchmarks]\nunreadable = unreadable:B\n",
            "from dataclasses import replace\n"
            "from lissnas_example_plugin.benchmark import ADAPTER\n"
            "B = replace(ADAPTER, name='unreadable', read=lambda source: {}['nothing'])",
        ),
    )


def test_what_is_sound_is_listed_and_works_beside_broken_ones(run: Run, broken: tuple[Path, ...]) -> None:
    listed = run("lissnas", "benchmarks", beside=broken)
    assert listed.returncode == 0, listed.stderr
    for name in ("rastrigin-grid", "nas-bench-macro", "analog-nasbench"):
        assert name in listed.stdout
    assert (
        "the benchmark 'nas-bench-macro' of unwell 1.0 is left out: lissnas itself has one of that name"
        in listed.stderr
    )
    assert "the benchmark 'unwell' of unwell 1.0 cannot be used: unwell:B: ModuleNotFoundError" in listed.stderr
    assert "the benchmark 'unreadable' cannot be read by its own adapter" in listed.stderr
    shrunk = run("lissnas", "shrink", "rastrigin-grid", "--method", "elite-box", beside=broken)
    assert shrunk.returncode == 0, shrunk.stderr
    for command in (("data", "list"), ("data", "check")):
        assert run("lissnas", *command, beside=broken).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("locality", "unwell"), "lissnas: the benchmark 'unwell' of unwell 1.0 cannot be used: unwell:B: Module"),
        (("shrink", "rastrigin-grid", "--method", "unwell"), "lissnas: the method 'unwell' of unwell 1.0 cannot be"),
        (("locality", "unreadable"), "lissnas: the benchmark 'unreadable' cannot be read by its own adapter"),
    ],
)
def test_a_broken_one_is_one_line_and_exit_status_2(
    run: Run, broken: tuple[Path, ...], words: tuple[str, ...], said: str
) -> None:
    ran = run("lissnas", *words, beside=broken)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_help_asks_no_package_anything(run: Run, broken: tuple[Path, ...]) -> None:
    code = (
        "import sys, importlib.metadata as metadata\n"
        "def refuse(**_): raise RuntimeError('entry points were looked for')\n"
        "from lissnas_analyses.cli.app import app\n"
        "metadata.entry_points = refuse\n"
        "app(['--help'])"
    )
    ran = run(sys.executable, "-c", code, beside=broken)
    assert "shrink" in ran.stdout, ran.stderr
    assert "entry points were looked for" not in ran.stderr


def test_the_example_is_one_of_the_projects_kind_in_python_too(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lissnas.shrinkers.shrink import SHRINKERS
    from lissnas.spaces.catalog import SPACES
    from lissnas_benchmarks.catalog import benchmark_faults, valid_benchmark_names

    monkeypatch.syspath_prepend(str(site))
    assert "elite-box" in SHRINKERS.valid_names()
    assert "rastrigin-grid" in valid_benchmark_names()
    assert SHRINKERS.faults() == SPACES.faults() == benchmark_faults() == ()
    space = SPACES.find("rastrigin-grid")()
    np.testing.assert_array_equal(space.index(space.read(space.write(space.all_rows()))), np.arange(space.size))
    for module in [name for name in sys.modules if name.startswith("lissnas_example_plugin")]:
        monkeypatch.delitem(sys.modules, module)
