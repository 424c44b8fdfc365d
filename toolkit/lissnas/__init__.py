"""Locality in neural-architecture search spaces, and shrinking them by it: `import lissnas as ln`.

Every name is imported when it is first used, so that `import lissnas` is quick. Only this module may name all three
packages.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lissnas_analyses.api.comparison import compare as compare
    from lissnas_analyses.api.loading import load as load
    from lissnas_analyses.api.loading import load_file as load_file
    from lissnas_analyses.api.locality import measure_locality as measure_locality
    from lissnas_analyses.api.predicting import measure_predictors as measure_predictors
    from lissnas_analyses.api.ranking import rank_agreement as rank_agreement
    from lissnas_analyses.api.result import Result as Result
    from lissnas_analyses.api.searching import search as search
    from lissnas_analyses.api.shrinking import SameScoresWarning as SameScoresWarning
    from lissnas_analyses.api.shrinking import load_subspace as load_subspace
    from lissnas_analyses.api.shrinking import shrink as shrink
    from lissnas_benchmarks.benchmark import Benchmark as Benchmark
    from lissnas_benchmarks.catalog import benchmark_names as benchmark_names
    from lissnas_benchmarks.columns import Column as Column

    from lissnas.errors import LissnasError as LissnasError
    from lissnas.errors import SettingError as SettingError
    from lissnas.errors import UnknownNameError as UnknownNameError
    from lissnas.evaluation.evaluator import Evaluator as Evaluator
    from lissnas.evaluation.evaluator import TableEvaluator as TableEvaluator
    from lissnas.evaluation.noisy_evaluator import NoisyEvaluator as NoisyEvaluator
    from lissnas.optimizers.evolutionary_search import EvolutionarySearch as EvolutionarySearch
    from lissnas.optimizers.local_search import LocalSearch as LocalSearch
    from lissnas.optimizers.optuna_samplers import Genetic as Genetic
    from lissnas.optimizers.optuna_samplers import Tpe as Tpe
    from lissnas.optimizers.random_search import RandomSearch as RandomSearch
    from lissnas.optimizers.regularized_evolution import RegularizedEvolution as RegularizedEvolution
    from lissnas.optimizers.search import Optimizer as Optimizer
    from lissnas.optimizers.search import optimizer_names as optimizer_names
    from lissnas.predictors.gaussian_process_predictor import GaussianProcessPredictor as GaussianProcessPredictor
    from lissnas.predictors.predictor import Predictor as Predictor
    from lissnas.predictors.predictor import predictor_class as predictor_class
    from lissnas.predictors.predictor import predictor_names as predictor_names
    from lissnas.predictors.trees import BoostedTrees as BoostedTrees
    from lissnas.predictors.trees import ExtraTrees as ExtraTrees
    from lissnas.shrinkers.angle_based_shrinkage import AngleBasedShrinkage as AngleBasedShrinkage
    from lissnas.shrinkers.design_space_restriction import DesignSpaceRestriction as DesignSpaceRestriction
    from lissnas.shrinkers.distribution_pruning import DistributionPruning as DistributionPruning
    from lissnas.shrinkers.evolving_search_space import EvolvingSearchSpace as EvolvingSearchSpace
    from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage as KernelShrinkage
    from lissnas.shrinkers.lissnas import Lissnas as Lissnas
    from lissnas.shrinkers.lissnas import LissnasWithModel as LissnasWithModel
    from lissnas.shrinkers.operation_pruning import OperationPruning as OperationPruning
    from lissnas.shrinkers.progressive_shrinkage import ProgressiveShrinkage as ProgressiveShrinkage
    from lissnas.shrinkers.regression_shrinkage import RegressionShrinkage as RegressionShrinkage
    from lissnas.shrinkers.sampling_baselines import BestOfSample as BestOfSample
    from lissnas.shrinkers.sampling_baselines import RandomSubset as RandomSubset
    from lissnas.shrinkers.shrink import Shrinker as Shrinker
    from lissnas.shrinkers.shrink import shrinker_names as shrinker_names
    from lissnas.shrinkers.visited import VisitedByEvolution as VisitedByEvolution
    from lissnas.shrinkers.visited import VisitedByLocalSearch as VisitedByLocalSearch
    from lissnas.spaces.catalog import make_space as make_space
    from lissnas.spaces.catalog import space_names as space_names
    from lissnas.spaces.categorical import CategoricalSpace as CategoricalSpace
    from lissnas.spaces.space import Space as Space
    from lissnas.statistics.quality import Quality as Quality
    from lissnas.subspaces.subspace import ExplicitSubspace as ExplicitSubspace
    from lissnas.subspaces.subspace import Subspace as Subspace

_PLACES = {
    "AngleBasedShrinkage": "lissnas.shrinkers.angle_based_shrinkage",
    "Benchmark": "lissnas_benchmarks.benchmark",
    "benchmark_names": "lissnas_benchmarks.catalog",
    "BestOfSample": "lissnas.shrinkers.sampling_baselines",
    "BoostedTrees": "lissnas.predictors.trees",
    "CategoricalSpace": "lissnas.spaces.categorical",
    "Column": "lissnas_benchmarks.columns",
    "compare": "lissnas_analyses.api.comparison",
    "DesignSpaceRestriction": "lissnas.shrinkers.design_space_restriction",
    "DistributionPruning": "lissnas.shrinkers.distribution_pruning",
    "Evaluator": "lissnas.evaluation.evaluator",
    "EvolutionarySearch": "lissnas.optimizers.evolutionary_search",
    "EvolvingSearchSpace": "lissnas.shrinkers.evolving_search_space",
    "ExplicitSubspace": "lissnas.subspaces.subspace",
    "ExtraTrees": "lissnas.predictors.trees",
    "GaussianProcessPredictor": "lissnas.predictors.gaussian_process_predictor",
    "Genetic": "lissnas.optimizers.optuna_samplers",
    "KernelShrinkage": "lissnas.shrinkers.kernel_shrinkage",
    "Lissnas": "lissnas.shrinkers.lissnas",
    "LissnasError": "lissnas.errors",
    "LissnasWithModel": "lissnas.shrinkers.lissnas",
    "load": "lissnas_analyses.api.loading",
    "load_file": "lissnas_analyses.api.loading",
    "load_subspace": "lissnas_analyses.api.shrinking",
    "LocalSearch": "lissnas.optimizers.local_search",
    "make_space": "lissnas.spaces.catalog",
    "measure_locality": "lissnas_analyses.api.locality",
    "measure_predictors": "lissnas_analyses.api.predicting",
    "NoisyEvaluator": "lissnas.evaluation.noisy_evaluator",
    "OperationPruning": "lissnas.shrinkers.operation_pruning",
    "Optimizer": "lissnas.optimizers.search",
    "optimizer_names": "lissnas.optimizers.search",
    "Predictor": "lissnas.predictors.predictor",
    "predictor_class": "lissnas.predictors.predictor",
    "predictor_names": "lissnas.predictors.predictor",
    "ProgressiveShrinkage": "lissnas.shrinkers.progressive_shrinkage",
    "Quality": "lissnas.statistics.quality",
    "RandomSearch": "lissnas.optimizers.random_search",
    "RandomSubset": "lissnas.shrinkers.sampling_baselines",
    "rank_agreement": "lissnas_analyses.api.ranking",
    "RegressionShrinkage": "lissnas.shrinkers.regression_shrinkage",
    "RegularizedEvolution": "lissnas.optimizers.regularized_evolution",
    "Result": "lissnas_analyses.api.result",
    "SameScoresWarning": "lissnas_analyses.api.shrinking",
    "search": "lissnas_analyses.api.searching",
    "SettingError": "lissnas.errors",
    "shrink": "lissnas_analyses.api.shrinking",
    "Shrinker": "lissnas.shrinkers.shrink",
    "shrinker_names": "lissnas.shrinkers.shrink",
    "Space": "lissnas.spaces.space",
    "space_names": "lissnas.spaces.catalog",
    "Subspace": "lissnas.subspaces.subspace",
    "TableEvaluator": "lissnas.evaluation.evaluator",
    "Tpe": "lissnas.optimizers.optuna_samplers",
    "UnknownNameError": "lissnas.errors",
    "VisitedByEvolution": "lissnas.shrinkers.visited",
    "VisitedByLocalSearch": "lissnas.shrinkers.visited",
}
"""The module of every public name."""

__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("lissnas")
    if name not in _PLACES:
        from difflib import get_close_matches

        nearest = get_close_matches(name, _PLACES, 1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
        raise AttributeError(f"module 'lissnas' has no attribute '{name}'{hint}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
