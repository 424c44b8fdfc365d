"""Runs the official package nasbench301 0.3, by hand, in an environment of its own: docs/benchmarks/nas-bench-301.md.

python nas_bench_301_official.py train FOLDER [TREES [MEMBERS [DEPTH]]]
    Trains small ensembles with the package's own code on made-up results: a model folder like the published one.
python nas_bench_301_official.py predict FOLDER OUT.json
    Writes what the package predicts for 300 sampled configurations and 300 genotypes.
python nas_bench_301_official.py time FOLDER
    Prints how many seconds the package takes for one prediction.
python nas_bench_301_official.py keep FOLDER GOLDEN
    Writes the models of a small folder, and 60 predictions, to where the tests look for them.
python nas_bench_301_official.py old GOLDEN
    Under XGBoost 1.0 to 1.5, which wrote another form: adds a booster of that form, and what it predicts for the 60.
"""

import contextlib
import json
import os
import shutil
import sys
import time
import types
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

PREFIX = "NetworkSelectorDatasetInfo:darts:"
OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"
)  # fmt: skip
VERSION = "1.0"


def official() -> Any:
    """Import the package, with empty modules for its graph networks and for what only draws or asks."""
    models = "nasbench301.surrogate_models"
    for name in ("IPython", "pathvalidate", "seaborn", "matplotlib", "matplotlib.pyplot"):
        sys.modules[name] = MagicMock()
    sys.modules["pathvalidate"].sanitize_filename = lambda name: name
    for name in (f"{models}.gnn.gnn", f"{models}.bananas.bananas", f"{models}.bananas.bananas_utils"):
        sys.modules[name] = MagicMock()
    sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=iter))
    import nasbench301

    return nasbench301


def config(rng: np.random.Generator) -> dict[str, str]:
    """Draw an architecture as the package's dictionary."""
    drawn = {}
    for cell in ("normal", "reduce"):
        edge = 0
        for node in range(2, 6):
            chosen = sorted(rng.choice(node, 2, replace=False).tolist())
            if node > 2:
                drawn[f"{PREFIX}inputs_node_{cell}_{node}"] = "_".join(map(str, chosen))
            for source in chosen:
                drawn[f"{PREFIX}edge_{cell}_{edge + source}"] = OPERATIONS[rng.integers(7)]
            edge += node
    return drawn


def genotype(rng: np.random.Generator) -> dict[str, list[tuple[str, int]]]:
    """Draw an architecture as the cells of a genotype; the edges of a node in any order."""
    return {
        cell: [
            (OPERATIONS[rng.integers(7)], source)
            for node in range(2, 6)
            for source in rng.choice(node, 2, replace=False).tolist()
        ]
        for cell in ("normal", "reduce")
    }


def made_up(drawn: dict[str, str], rng: np.random.Generator) -> tuple[float, float]:
    """Return an accuracy and a training time for an architecture, which depend on all that is drawn."""
    weight = {name: place for place, name in enumerate(OPERATIONS)}
    accuracy, runtime = 88.0, 4000.0
    for name, value in drawn.items():
        place = int(name.rpartition("_")[2])
        if value in weight:
            accuracy += (weight[value] - 2) * (0.1 + 0.01 * place) * (1.0 if "normal" in name else 0.4)
            runtime += 300 * weight[value] + 20 * place
        else:
            accuracy += 0.2 * int(value[0]) - 0.1 * int(value[2])
    return accuracy + rng.normal(0, 0.2), runtime + rng.normal(0, 50)


def train(folder: Path, trees: int, members: int, depth: int) -> None:
    nb = official()
    import lightgbm
    from nasbench301.surrogate_models.ensemble import Ensemble

    rng = np.random.default_rng(0)
    data = folder / "made-up results" / "rs"
    data.mkdir(parents=True)
    for number in range(1200):
        drawn = config(rng)
        accuracy, runtime = made_up(drawn, rng)
        results = {
            "optimized_hyperparamater_config": {**nb.api.fixed_hyperparameters, **drawn},
            "info": [{"val_accuracy": accuracy}],
            "test_accuracy": accuracy - 0.1,
            "runtime": runtime,
        }
        (data / f"results_{number}.json").write_text(json.dumps(results))

    plain = lightgbm.train

    def with_callbacks(*arguments: Any, early_stopping_rounds: int, verbose_eval: int, **options: Any) -> Any:
        stop = lightgbm.early_stopping(early_stopping_rounds, verbose=False)
        return plain(*arguments, num_boost_round=trees, callbacks=[stop], **options)

    lightgbm.train = with_callbacks
    split = {"train": 0.8, "val": 0.1, "test": 0.1, "filepath_regex": "rs/results_*.json", "type": "all_result_paths"}
    for name, model, own in (
        ("xgb", "xgb", {"param:num_rounds": trees, "param:eta": 0.3, "param:subsample": 0.7, "param:base_score": 88.0}),
        ("lgb_runtime", "lgb_time", {"param:learning_rate": 0.2, "param:feature_fraction": 0.5, "param:verbosity": -1}),
    ):
        settings = {
            "model": model,
            "early_stopping_rounds": 100,
            "param:bananas_enc": False,
            "param:max_depth": depth,
            **own,
        }
        place = folder / f"{name}_v{VERSION}"
        ensemble = Ensemble(
            member_model_name=model,
            data_root=str(data.parent),
            log_dir=str(place),
            starting_seed=1,
            model_config=settings,
            data_config={"train_val_test_split_rs": split},
            ensemble_size=members,
        )
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            ensemble.train()
        ensemble.save()


def as_genotype(drawn: dict[str, str]) -> dict[str, list[tuple[str, int]]]:
    """Return the genotype of an architecture that is the package's dictionary."""
    edges = [(cell, node, source) for cell in ("normal", "reduce") for node in range(2, 6) for source in range(node)]
    cells: dict[str, list[tuple[str, int]]] = {"normal": [], "reduce": []}
    for cell, node, source in edges:
        operation = drawn.get(f"{PREFIX}edge_{cell}_{sum(range(2, node)) + source}")
        cells[cell] += [(operation, source)] if operation else []
    return cells


def predictions(folder: Path, count: int) -> dict[str, Any]:
    """Return the package's predictions for `count` configurations and `count` genotypes."""
    nb = official()
    xgb, lgb = (nb.load_ensemble(str(folder / f"{name}_v{VERSION}")) for name in ("xgb", "lgb_runtime"))
    rng = np.random.default_rng(1)
    asked: list[tuple[str, Any]] = [("configspace", config(rng)) for _ in range(count)]
    asked += [("genotype", genotype(rng)) for _ in range(count)]
    cases = []
    for form, value in asked:
        cells = as_genotype(value) if form == "configspace" else value
        parts = [f"{cell}={cells[cell]}, {cell}_concat=range(2, 6)" for cell in ("normal", "reduce")]
        case: dict[str, Any] = {"architecture": f"Genotype({', '.join(parts)})"}
        if form == "genotype":
            value = types.SimpleNamespace(**value)
        settings = {**nb.api.fixed_hyperparameters, **xgb.convert_representation(value, form)}
        case["accuracy"] = float(xgb.predict(value, form, with_noise=False))
        case["std"] = float(xgb.model.query_std(settings))
        case["runtime"] = float(lgb.predict(value, form, with_noise=False))
        member = xgb.model.ensemble_members[0]
        instance = member.config_loader.query_config_dict(settings)
        case["features"] = np.nan_to_num(instance.get_array(), nan=-1.0).tolist()
        cases.append(case)
    names = member.config_loader.config_space.get_hyperparameter_names()
    constant = [len({case["features"][place] for case in cases}) == 1 for place in range(len(names))]
    constants = {name: cases[0]["features"][place] for place, name in enumerate(names) if constant[place]}
    for case in cases:
        varying = zip(case["features"], constant, strict=True)
        case["features"] = [int(value) for value, same in varying if not same]
    return {"order": list(names), "constants": constants, "cases": cases}


def keep(folder: Path, golden: Path) -> None:
    for path in (*folder.rglob("surrogate_model.model"), *folder.rglob("ensemble_member_*/model_config.json")):
        place = golden / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (golden / "predictions.json").write_text(json.dumps(predictions(folder, 30), indent=0) + "\n")


def old(golden: Path) -> None:
    import pickle

    import xgboost

    known = json.loads((golden / "predictions.json").read_text())
    features = np.empty((len(known["cases"]), len(known["order"])))
    for row, case in zip(features, known["cases"], strict=True):
        varying = iter(case["features"])
        row[:] = [known["constants"][name] if name in known["constants"] else next(varying) for name in known["order"]]
    data = xgboost.DMatrix(features, label=[case["accuracy"] for case in known["cases"]])
    booster = xgboost.train({"max_depth": 2, "eta": 0.5, "objective": "reg:squarederror"}, data, 8)
    place = golden / f"xgboost-{xgboost.__version__}"
    place.with_name(f"{place.name}.model").write_bytes(pickle.dumps(booster))
    place.with_name(f"{place.name}.json").write_text(json.dumps(booster.predict(data).tolist()) + "\n")


def measure(folder: Path) -> None:
    nb = official()
    xgb = nb.load_ensemble(str(folder / f"xgb_v{VERSION}"))
    rng = np.random.default_rng(2)
    configs = [config(rng) for _ in range(1000)]
    started = time.perf_counter()
    for drawn in configs:
        xgb.predict(drawn, "configspace", with_noise=False)
    print((time.perf_counter() - started) / len(configs))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["train", folder, *sizes]:
            train(Path(folder), *map(int, (*sizes, *(300, 5, 6)[len(sizes) :])))
        case ["predict", folder, out]:
            Path(out).write_text(json.dumps(predictions(Path(folder), 300)))
        case ["keep", folder, golden]:
            keep(Path(folder), Path(golden))
        case ["old", golden]:
            old(Path(golden))
        case ["time", folder]:
            measure(Path(folder))
        case _:
            sys.exit(__doc__)
