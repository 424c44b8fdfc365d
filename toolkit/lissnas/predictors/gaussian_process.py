"""Gaussian process over architectures: a mean and a spread for every one, from the few that have been scored.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1 and equation 5.9. The kernel's
parameters, its variance and the noise are those of the highest marginal likelihood times their priors.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.spaces.space import Floats, Indices, Rows

_LEVEL_VARIANCE = 1.0
"""The prior variance of the level, of targets that are near standard normal."""

_VARIANCE_PRIOR = (np.log(0.33), 1.0)
_NOISE_PRIOR = (np.log(0.1), 1.0)
"""Mean and standard deviation of the log variance of the kernel and of the noise; our own choice."""

_REACH = 6.0
"""How many standard deviations of its prior a parameter may go: far enough to be no limit, near enough to compute."""

_MAX_STEPS = 100
_CHUNK = 8192
"""How many architectures are predicted at a time: what bounds the memory."""


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted Gaussian process.

    Attributes
    ----------
    kernel, parameters
        The kernel, and its parameters followed by the log variance and the log noise variance.
    objective
        The negative log marginal likelihood times prior, up to a constant.
    """

    kernel: DistanceKernel
    parameters: Floats
    objective: float
    features: Floats
    cholesky: Floats
    coefficients: Floats

    @property
    def noise(self) -> float:
        """The variance of the noise."""
        return float(np.exp(self.parameters[-1]))

    def mean(self, rows: Rows) -> Floats:
        """Return the posterior mean of each row, shape (n,)."""
        return np.concatenate([covariance @ self.coefficients for covariance in self._covariances(rows)])

    def mean_and_spread(self, rows: Rows) -> tuple[Floats, Floats]:
        """Return the posterior mean and standard deviation of each row without noise, each of shape (n,)."""
        from scipy.linalg import solve_triangular

        means, spreads = [], []
        for covariance in self._covariances(rows):
            means.append(covariance @ self.coefficients)
            explained = solve_triangular(self.cholesky, covariance.T, lower=True, check_finite=False)
            spreads.append(np.sqrt(np.maximum(self._prior_variance - (explained * explained).sum(axis=0), 0)))
        return np.concatenate(means), np.concatenate(spreads)

    def most_uncertain(self, rows: Rows, count: int) -> Indices:
        """Return the places of `count` rows to score together, shape (count,).

        Each is the one with the largest posterior variance, given the scores so far and the rows before it.
        """
        from scipy.linalg import solve_triangular

        features = self.kernel.features(rows)
        covariance = _covariance(self.kernel, self.parameters, self.features, features)
        explained = np.empty((len(self.features) + count, len(rows)))
        explained[: len(self.features)] = solve_triangular(self.cholesky, covariance, lower=True, check_finite=False)
        variance = self._prior_variance - np.square(explained[: len(self.features)]).sum(axis=0)
        chosen = np.empty(count, dtype=np.int64)
        taken = np.zeros(len(rows), dtype=np.bool_)
        for place in range(count):
            known = explained[: len(self.features) + place]
            one = chosen[place] = np.where(taken, -np.inf, variance).argmax()
            taken[one] = True
            shared = _covariance(self.kernel, self.parameters, features[one, None], features)[0] - known[:, one] @ known
            shared /= np.sqrt(max(variance[one], 0.0) + self.noise)
            explained[len(known)] = shared
            variance -= shared * shared
        return chosen

    def leave_one_out_log_densities(self, targets: Floats) -> Floats:
        """Return the log density of each target given all the others, shape (n,); equations 5.10 to 5.12."""
        precision = _solve(self.cholesky, np.eye(len(targets))).diagonal()
        return (np.log(precision / (2 * np.pi)) - self.coefficients**2 / precision) / 2

    @property
    def _prior_variance(self) -> float:
        return float(np.exp(self.parameters[-2])) + _LEVEL_VARIANCE

    def _covariances(self, rows: Rows) -> Iterator[Floats]:
        """Give the prior covariance with the scored architectures, a chunk of rows at a time."""
        for first in range(0, max(len(rows), 1), _CHUNK):
            yield _covariance(
                self.kernel, self.parameters, self.kernel.features(rows[first : first + _CHUNK]), self.features
            )


def fit_gaussian_process(
    kernel: DistanceKernel, rows: Rows, targets: Floats, start: Floats | None = None
) -> GaussianProcess:
    """Fit a Gaussian process.

    Parameters
    ----------
    kernel
        The kernel.
    rows
        The scored architectures, shape (n, genes).
    targets
        Shape (n,), of mean near 0 and variance near 1.
    start
        Parameters to start from, those of an earlier fit; None starts from the mean of the prior.
    """
    from scipy.optimize import Bounds, minimize

    features = kernel.features(rows)
    mean, spread = prior(kernel)
    found = minimize(
        objective,
        mean if start is None else start,
        args=(kernel, features, targets),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(mean - _REACH * spread, mean + _REACH * spread),
        options={"maxiter": _MAX_STEPS},
    )
    parameters = np.asarray(found.x, dtype=np.float64)
    covariance = _covariance(kernel, parameters, features, features)
    cholesky = _cholesky(covariance, parameters)
    return GaussianProcess(kernel, parameters, float(found.fun), features, cholesky, _solve(cholesky, targets))


def normal_scores(scores: Floats) -> Floats:
    """Return each score's place among all as a quantile of the standard normal; equal scores share their mean place.

    Raises SettingError for fewer than 3 scores, or if all are equal.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    if len(scores) < 3 or scores.min() == scores.max():
        raise SettingError(
            f"the evaluator gave {len(np.unique(scores))} different scores in {len(scores)}: too few to learn from"
        )
    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))


class WarmStartedFit:
    """Fits Gaussian processes with one kernel, each from where the last one ended."""

    def __init__(self, kernel: DistanceKernel) -> None:
        self._kernel = kernel
        self._parameters: Floats | None = None

    def __call__(self, rows: Rows, targets: Floats) -> GaussianProcess:
        process = fit_gaussian_process(self._kernel, rows, targets, self._parameters)
        self._parameters = process.parameters
        return process


def prior(kernel: DistanceKernel) -> tuple[Floats, Floats]:
    """Return the mean and standard deviation of the normal prior of all parameters, each of shape (parameters,)."""
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
