"""Gaussian process: predict the score of every architecture, with its uncertainty, from the few that are scored.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1 and equation 5.9. Fitting
maximizes the marginal likelihood times the priors over the kernel parameters, the kernel variance and the noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.spaces.space import Floats, Indices, Rows

_LEVEL_VARIANCE = 1.0
"""Prior variance of the mean level. Targets are near standard normal."""

_VARIANCE_PRIOR = (np.log(0.33), 1.0)
_NOISE_PRIOR = (np.log(0.1), 1.0)
"""Prior mean and standard deviation of the log variance of the kernel, and of the noise (our own choice)."""

_MAX_DEVIATION = 6.0
"""Bound of each parameter, in prior standard deviations: wide enough not to bind, and numerically safe."""

_MAX_STEPS = 100
"""Maximum number of steps of one fit (our own choice)."""

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
    features
        Features of the scored architectures, shape (n, features).
    cholesky, coefficients
        Cholesky factor of their covariance, shape (n, n), and the covariance solved for the targets, shape (n,).
    """

    kernel: DistanceKernel
    parameters: Floats
    objective: float
    features: Floats
    cholesky: Floats
    coefficients: Floats

    @property
    def noise(self) -> float:
        """Variance of the noise."""
        return float(np.exp(self.parameters[-1]))

    def mean(self, rows: Rows) -> Floats:
        """Return the posterior mean of each row, shape (n,)."""
        return np.concatenate([covariance @ self.coefficients for covariance in self._covariances(rows)])

    def mean_and_spread(self, rows: Rows) -> tuple[Floats, Floats]:
        """Return the posterior mean and standard deviation of each row, without noise, each of shape (n,)."""
        from scipy.linalg import solve_triangular

        means, spreads = [], []
        for covariance in self._covariances(rows):
            means.append(covariance @ self.coefficients)
            explained = solve_triangular(self.cholesky, covariance.T, lower=True, check_finite=False)
            spreads.append(np.sqrt(np.maximum(self._prior_variance - (explained * explained).sum(axis=0), 0)))
        return np.concatenate(means), np.concatenate(spreads)

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

    def leave_one_out_log_densities(self, targets: Floats) -> Floats:
        """Return the log density of each target given all others, shape (n,); equations 5.10 to 5.12."""
        precision = _solve(self.cholesky, np.eye(len(targets))).diagonal()
        return (np.log(precision / (2 * np.pi)) - self.coefficients**2 / precision) / 2

    @property
    def _prior_variance(self) -> float:
        return float(np.exp(self.parameters[-2])) + _LEVEL_VARIANCE

    def _covariances(self, rows: Rows) -> Iterator[Floats]:
        """Yield the prior covariance of rows with the scored architectures, one chunk of rows at a time."""
        for first in range(0, max(len(rows), 1), _CHUNK):
            yield _covariance(
                self.kernel, self.parameters, self.kernel.features(rows[first : first + _CHUNK]), self.features
            )


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
    optimum = minimize(
        objective,
        mean if start is None else start,
        args=(kernel, features, targets),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(mean - _MAX_DEVIATION * spread, mean + _MAX_DEVIATION * spread),
        options={"maxiter": _MAX_STEPS},
    )
    parameters = np.asarray(optimum.x, dtype=np.float64)
    covariance = _covariance(kernel, parameters, features, features)
    cholesky = _cholesky(covariance, parameters)
    return GaussianProcess(kernel, parameters, float(optimum.fun), features, cholesky, _solve(cholesky, targets))


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
    """Fits Gaussian processes with one kernel, each starting from the parameters of the fit before."""

    def __init__(self, kernel: DistanceKernel) -> None:
        self._kernel = kernel
        self._parameters: Floats | None = None

    def __call__(self, rows: Rows, targets: Floats) -> GaussianProcess:
        process = fit_gaussian_process(self._kernel, rows, targets, self._parameters)
        self._parameters = process.parameters
        return process


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
    slopes = (_solve(cholesky, np.eye(len(targets))) - np.outer(coefficients, coefficients)) / 2
    gradient = standard / spread
    gradient[:-2] += kernel.gradient(parameters[:-2], features, slopes * signal)
    gradient[-2] += (slopes * signal).sum()
    gradient[-1] += np.exp(parameters[-1]) * slopes.trace()
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
