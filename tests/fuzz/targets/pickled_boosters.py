"""The boosters of NAS-Bench-301, converted in a separate process."""

import pickle
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import mutations
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.surrogates import boosters

from targets.target import Target

_GOLDEN = Path(__file__).parents[2] / "benchmarks" / "nas_bench_301"

_MEMBERS = {
    "xgboost": _GOLDEN / "xgb_v1.0" / "ensemble_member_0" / "surrogate_model.model",
    "lightgbm": _GOLDEN / "lgb_runtime_v1.0" / "ensemble_member_0" / "surrogate_model.model",
}


def _handle(library: Any) -> bytes:
    state = boosters._read_state(_MEMBERS[library], library)
    handle = state.get("_handle", state.get("handle"))
    return handle.encode() if isinstance(handle, str) else bytes(handle)


def _of_xgboost(data: bytes) -> bytes:
    return b"\x80\x04cxgboost.core\nBooster\n)\x81" + pickle.dumps({"handle": data}, 4)[2:-1] + b"b."


def _of_lightgbm(data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return b"\x80\x04clightgbm.basic\nBooster\n)\x81" + pickle.dumps({"handle": text}, 4)[2:-1] + b"b."


class _Child:
    """The process that converts boosters. It is started again when it dies, as the reader must survive that."""

    def __init__(self, library: str) -> None:
        self._library = library
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> object:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parents[1] / "boosters_child.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                preexec_fn=_unlimited,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._library}\t{path}\t{path}.converted\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer is None:
            raise BenchmarkFileError(f"{self._library} crashed or did not end in its process")
        if answer.startswith("refused: "):
            raise BenchmarkFileError(answer)
        assert answer == "converted", answer
        assert self._answer() == "predicted", "the converted booster cannot predict"
        return "converted"

    def _answer(self) -> str | None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("answer: "):
                return line.removeprefix("answer: ").strip()
        self._process.wait()
        return None


def _unlimited() -> None:
    """Let the child set its own limits, not those of the fuzzing process."""
    soft = min(1 << 34, resource.getrlimit(resource.RLIMIT_AS)[1])
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))


TARGETS = (
    Target(
        "XGBoost booster",
        lambda: [_handle("xgboost")],
        _Child("xgboost").read,
        mutations.octets,
        _of_xgboost,
        mutates_containers=False,
        share=0.1,
    ),
    Target(
        "LightGBM booster",
        lambda: [_handle("lightgbm")],
        _Child("lightgbm").read,
        mutations.trees,
        _of_lightgbm,
        mutates_containers=False,
        share=0.1,
    ),
)
