"""If the library of a bridge is missing, the bridge says what to install, and the rest of the toolkit works."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("module", "library"), [("optuna", "optuna"), ("config_space", "ConfigSpace")])
def test_a_bridge_says_what_to_install(module: str, library: str) -> None:
    program = (
        f"import sys; sys.modules['{library}'] = None\n"
        "from lissnas.errors import LissnasError\n"
        "try:\n"
        f"    import lissnas.bridges.{module}\n"
        "except LissnasError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "run 'pip install lissnas[bridges]'" in ran.stdout, ran.stderr


@pytest.mark.parametrize("module", ["strings_file", "naslib", "gene_values"])
def test_the_other_bridges_need_no_library(module: str) -> None:
    program = (
        "import sys\n"
        "for name in ('optuna', 'ConfigSpace', 'torch', 'pandas', 'pyarrow'): sys.modules[name] = None\n"
        f"import lissnas.bridges.{module}"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
