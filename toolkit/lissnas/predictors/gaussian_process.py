"""Gaussian process: predict the score of every architecture, with its uncertainty, from the few that are scored.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1 and equation 5.9. Fitting
maximizes the marginal likelihood times the priors over the kernel parameters, the kernel variance and the noise.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.spaces.space import Floats, Indices, Rows

_LEVEL_VARIANCE = 1.0
"""Prior variance of the mean level. Targets are near standard normal."""

_VARIANCE_PRIOR = (np.log(2.0), 1.0)
_NOISE_PRIOR = (np.log(0.1), 1.0)
"""Prior mean and standard deviation of the log variance of the kernel, and of the noise (our own choice)."""

_MAX_DEVIATION = 6.0
"""Bound of each parameter, in prior standard deviations: wide enough not to bind, and numerically safe."""

_MAX_STEPS = 100
"""Maximum number of steps of one fit (our own choice)."""

_TOLERANCE = 1e-6
"""Relative improvement of the objective at which a fit stops (our own choice)."""

_MAX_FITTED = 300
"""Maximum number of scores that the parameters are fitted to; predictions use all (our own choice)."""

_REFIT_GROWTH = 1.2
"""A warm-started fit keeps its parameters until the scores have grown by this factor (our own choice)."""

_CHUNK = 8192
"""Number of architectures to predict in one batch: bounds the memory."""


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted Gaussian process.

    Attributes
    ----------
    kernel, parameters
        The kernel, and its parameters followed by the log variance and the log noise variance.
    objective
        Negative log of marginal likelihood times prior, up to a constant.
    features, targets
        Features of the scored architectures, shape (n, features), and their scores, shape (n,).
    cholesky, coefficients
        Cholesky factor of their covariance, shape (n, n), and the covariance solved for the targets, shape (n,).
    """

    kernel: DistanceKernel
    parameters: Floats
    objective: float
    features: Floats
    targets: Floats
    cholesky: Floats
    coefficients: Floats

    @property
    def noise(self) -> float:
        """Variance of the noise."""
        return float(np.exp(self.parameters[-1]))

    def mean(self, rows: Rows) -> Floats:
        """Return the posterior mean of each row, shape (n,)."""
        return self.mean_of(self.kernel.features(rows[first : first + _CHUNK]) for first in _chunks(rows))

    def mean_of(self, batches: Iterable[Floats]) -> Floats:
        """Return the posterior mean of each architecture of several batches of features, shape (n,)."""
        return np.concatenate([self._covariance(features) @ self.coefficients for features in batches])

    def mean_and_spread(self, rows: Rows) -> tuple[Floats, Floats]:
        """Return the posterior mean and standard deviation of each row, without noise, each of shape (n,)."""
        from scipy.linalg import solve_triangular

        means, spreads = [], []
        for first in _chunks(rows):
            covariance = self._covariance(self.kernel.features(rows[first : first + _CHUNK]))
            means.append(covariance @ self.coefficients)
            explained = solve_triangular(self.cholesky, covariance.T, lower=True, check_finite=False)
            spreads.append(np.sqrt(np.maximum(self._prior_variance - (explained * explained).sum(axis=0), 0)))
        return np.concatenate(means), np.concatenate(spreads)

    def scored_residuals(self) -> Floats:
        """Return the target of each scored architecture minus its posterior mean, shape (n,)."""
        return self.noise * self.coefficients

    def most_uncertain(self, rows: Rows, count: int) -> Indices:
        """Return the positions of the `count` rows to score as one batch, shape (count,).

        Each is the row with the largest posterior variance, given the scores so far and the rows chosen before it.
        """
        from scipy.linalg import solve_triangular

        features = self.kernel.features(rows)
        covariance = _covariance(self.kernel, self.parameters, self.features, features)
        explained = np.empty((len(self.features) + count, len(rows)))
        explained[: len(self.features)] = solve_triangular(self.cholesky, covariance, lower=True, check_finite=False)
        variance = self._prior_variance - np.square(explained[: len(self.features)]).sum(axis=0)
        chosen = np.empty(count, dtype=np.int64)
        taken = np.zeros(len(rows), dtype=np.bool_)
        for number in range(count):
            known = explained[: len(self.features) + number]
            row = chosen[number] = np.where(taken, -np.inf, variance).argmax()
            taken[row] = True
            shared = _covariance(self.kernel, self.parameters, features[row, None], features)[0] - known[:, row] @ known
            shared /= np.sqrt(max(variance[row], 0.0) + self.noise)
            explained[len(known)] = shared
            variance -= shared * shared
        return chosen

    def leave_one_out_log_densities(self) -> Floats:
        """Return the log density of each target given all others, shape (n,); equations 5.10 to 5.12."""
        precision = _inverse(self.cholesky).diagonal()
        return (np.log(precision / (2 * np.pi)) - self.coefficients**2 / precision) / 2

    def leave_one_out_residuals(self) -> Floats:
        """Return each target minus its prediction by all others, shape (n,); equation 5.12."""
        return self.coefficients / _inverse(self.cholesky).diagonal()

    @property
    def _prior_variance(self) -> float:
        return float(np.exp(self.parameters[-2])) + _LEVEL_VARIANCE

    def _covariance(self, features: Floats) -> Floats:
        """Return the prior covariance of architectures with the scored ones, shape (len(features), n)."""
        return _covariance(self.kernel, self.parameters, features, self.features)


def fit_gaussian_process(
    kernel: DistanceKernel, rows: Rows, targets: Floats, start: Floats | None = None
) -> GaussianProcess:
    """Return the Gaussian process with the parameters of highest marginal likelihood times prior.

    Parameters
    ----------
    kernel
        The kernel.
    rows
        The scored architectures, shape (n, genes).
    targets
        Their scores, shape (n,), with mean near 0 and variance near 1, such as `normal_scores`.
    start
        Initial parameters, such as those of an earlier fit. None starts from the prior mean.

    From more than 300 scores, the parameters are fitted to 300: the best half of them, and others at even ranks.

    Examples
    --------
    >>> from lissnas.predictors.graph_kernel import kernel_components
    >>> from lissnas.spaces.published.macro import macro
    >>> rows = macro().sample(40, np.random.default_rng(0))
    >>> targets = normal_scores(rows.sum(axis=1).astype(float))
    >>> process = fit_gaussian_process(DistanceKernel(kernel_components(macro())), rows, targets)
    >>> bool(process.mean(macro().read(["22222222"]))[0] > process.mean(macro().read(["00000000"]))[0])
    True
    """
    from scipy.optimize import Bounds, minimize

    features = kernel.features(rows)
    mean, spread = prior(kernel)
    fitted = _fitted_rows(targets)
    optimum = minimize(
        objective,
        mean if start is None else start,
        args=(kernel, features[fitted], targets[fitted]),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(mean - _MAX_DEVIATION * spread, mean + _MAX_DEVIATION * spread),
        options={"maxiter": _MAX_STEPS, "ftol": _TOLERANCE},
    )
    return _condition(kernel, np.asarray(optimum.x, dtype=np.float64), float(optimum.fun), rows, targets)


def _condition(
    kernel: DistanceKernel, parameters: Floats, objective: float, rows: Rows, targets: Floats
) -> GaussianProcess:
    """Return the Gaussian process with these parameters, given the scores."""
    features = kernel.features(rows)
    cholesky = _cholesky(_covariance(kernel, parameters, features, features), parameters)
    return GaussianProcess(kernel, parameters, objective, features, targets, cholesky, _solve(cholesky, targets))


def _fitted_rows(targets: Floats) -> Indices:
    """Return the positions of the scores that the parameters are fitted to, ascending."""
    if len(targets) <= _MAX_FITTED:
        return np.arange(len(targets))
    order = np.argsort(-targets, kind="stable")
    best, others = np.split(order, [_MAX_FITTED // 2])
    even = np.linspace(0, len(others) - 1, _MAX_FITTED - len(best)).astype(np.int64)
    return np.sort(np.concatenate([best, others[even]]))


def normal_scores(scores: Floats) -> Floats:
    """Return the rank of each score as a standard normal quantile, shape (n,); ties share their mean rank.

    Raises SettingError for fewer than 3 scores, for NaN, or if all are equal.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    if missing := int(np.isnan(scores).sum()):
        raise SettingError(f"{missing:,} of {len(scores):,} scores are NaN: leave out these architectures")
    if len(scores) < 3 or scores.min() == scores.max():
        raise SettingError(
            f"the evaluator gave {len(np.unique(scores))} different scores in {len(scores)}: too few to learn from"
        )
    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))


class WarmStartedFit:
    """Fits Gaussian processes with one kernel, each starting from the parameters of the fit before.

    The parameters stay until the scores have grown by a fifth.
    """

    def __init__(self, kernel: DistanceKernel) -> None:
        self._kernel = kernel
        self._fitted: GaussianProcess | None = None

    def __call__(self, rows: Rows, targets: Floats) -> GaussianProcess:
        last = self._fitted
        if last is not None and len(rows) < _REFIT_GROWTH * len(last.features):
            return _condition(self._kernel, last.parameters, last.objective, rows, targets)
        self._fitted = fit_gaussian_process(self._kernel, rows, targets, None if last is None else last.parameters)
        return self._fitted


def prior(kernel: DistanceKernel) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the normal prior of all parameters, each of shape (parameters,)."""
    mean, spread = np.array([_VARIANCE_PRIOR, _NOISE_PRIOR]).T
    return np.concatenate([kernel.prior_mean, mean]), np.concatenate([kernel.prior_spread, spread])


def objective(parameters: Floats, kernel: DistanceKernel, features: Floats, targets: Floats) -> tuple[float, Floats]:
    """Return the negative log of the marginal likelihood times prior, up to a constant, and its gradient."""
    mean, spread = prior(kernel)
    signal = np.exp(parameters[-2]) * kernel(parameters[:-2], features, features)
    cholesky = _cholesky(signal + _LEVEL_VARIANCE, parameters)
    coefficients = _solve(cholesky, targets)
    standard = (parameters - mean) / spread
    value = targets @ coefficients / 2 + np.log(cholesky.diagonal()).sum() + standard @ standard / 2
    slopes = _inverse(cholesky)
    slopes -= np.outer(coefficients, coefficients)
    slopes /= 2
    gradient = standard / spread
    gradient[-1] += np.exp(parameters[-1]) * slopes.trace()
    slopes *= signal
    gradient[:-2] += kernel.gradient(parameters[:-2], features, slopes)
    gradient[-2] += slopes.sum()
    return float(value), gradient


def _covariance(kernel: DistanceKernel, parameters: Floats, a: Floats, b: Floats) -> Floats:
    covariance = kernel(parameters[:-2], a, b)
    covariance *= np.exp(parameters[-2])
    covariance += _LEVEL_VARIANCE
    return covariance


def _cholesky(covariance: Floats, parameters: Floats) -> Floats:
    noisy = covariance + np.exp(parameters[-1]) * np.eye(len(covariance))
    return np.asarray(np.linalg.cholesky(noisy), dtype=np.float64)


def _solve(cholesky: Floats, targets: Floats) -> Floats:
    from scipy.linalg import cho_solve

    return np.asarray(cho_solve((cholesky, True), targets, check_finite=False))


def _inverse(cholesky: Floats) -> Floats:
    """Return the inverse of the matrix with this Cholesky factor: a third of the work of solving for all columns."""
    from scipy.linalg.lapack import dpotri

    lower, _info = dpotri(cholesky, lower=1)  # the factor is 0 above its diagonal, and dpotri leaves that as it is
    inverse = np.asarray(lower + lower.T)
    inverse[np.diag_indices(len(inverse))] /= 2
    return inverse


def _chunks(rows: Rows) -> range:
    """Return the first row of each batch of at most `_CHUNK` rows; one for no rows."""
    return range(0, max(len(rows), 1), _CHUNK)
