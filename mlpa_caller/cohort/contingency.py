"""Tables of counts compared: Pearson, Yates and Fisher side by side, and the odds ratio with its interval.

The tests are SciPy's. Publications mostly print Pearson's chi-square without saying so; where the choice of the
test decides about significance, the reader should know.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from mlpa_caller.datatypes import FloatArray, IntArray
from mlpa_caller.errors import InputError

__all__ = ["SIGNIFICANT", "Comparison", "OddsRatio", "compare_counts", "odds_ratio", "proportion_interval"]

SIGNIFICANT = 0.05
"""The usual limit of significance, for the warning that two tests fall on either side of it."""
_MIN_EXPECTED = 5.0
_MAX_TABLES = 2_000_000
_MAX_EXACT = 5_000


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """An odds ratio with its 95 % interval; NaN where it cannot be given, with the reason.

    Attributes
    ----------
    estimate, low, high
        ``a d / (b c)`` of the table ``[[a, b], [c, d]]``.
    method
        How the interval was computed.
    reason
        Why a number is missing.
    """

    estimate: float
    low: float
    high: float
    method: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tests of one table; NaN where a test does not apply, with the reason.

    Attributes
    ----------
    pearson, pearson_p, df
        Chi-square without correction.
    yates, yates_p
        With the continuity correction (2 x 2 only).
    fisher_p
        Exact, two-sided; for 2 x k tables in the form of Freeman and Halton.
    g, g_p
        Likelihood-ratio chi-square.
    min_expected
        Smallest expected count.
    warnings
        What the reader must know: small expected counts, significance that depends on the test.
    reason
        Why there are no tests.
    """

    pearson: float = np.nan
    pearson_p: float = np.nan
    df: int = 0
    yates: float = np.nan
    yates_p: float = np.nan
    fisher_p: float = np.nan
    g: float = np.nan
    g_p: float = np.nan
    min_expected: float = np.nan
    warnings: tuple[str, ...] = field(default=())
    reason: str = ""

    @property
    def flips(self) -> bool:
        """Whether some tests are significant at 0.05 and others not."""
        p = [value for value in (self.pearson_p, self.yates_p, self.fisher_p) if not np.isnan(value)]
        return len({value < SIGNIFICANT for value in p}) > 1


def compare_counts(counts: ArrayLike) -> Comparison:
    """Compare the rows of a table of counts.

    Parameters
    ----------
    counts
        ``(rows, columns)`` whole numbers. Rows and columns without any count are left out.

    Returns
    -------
    Comparison
        With a reason and no numbers where fewer than two rows or columns hold counts.

    Raises
    ------
    InputError
        If a count is negative or not whole.

    Examples
    --------
    >>> result = compare_counts([[8, 16], [4, 250]])
    >>> round(result.pearson, 3)
    53.549
    """
    from scipy.stats import chi2_contingency, fisher_exact

    table = _checked(counts)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return Comparison(reason="only one group or one value: nothing to compare")
    pearson = chi2_contingency(table, correction=False)
    g = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    yates, yates_p, fisher_p = np.nan, np.nan, np.nan
    if table.shape == (2, 2):
        corrected = chi2_contingency(table, correction=True)
        yates, yates_p = float(corrected.statistic), float(corrected.pvalue)
        fisher_p = float(fisher_exact(table).pvalue)
    elif min(table.shape) == 2:
        fisher_p = _freeman_halton(table if len(table) == 2 else table.T)
    smallest = float(pearson.expected_freq.min())
    found = Comparison(float(pearson.statistic), float(pearson.pvalue), int(pearson.dof), yates, yates_p, fisher_p,
                       float(g.statistic), float(g.pvalue), smallest)  # fmt: skip
    warnings = []
    if smallest < _MIN_EXPECTED:
        warnings.append(f"expected count {smallest:.2f} below 5")
    if found.flips:
        warnings.append("significance at 0.05 depends on the test")
    values = {name: getattr(found, name) for name in found.__slots__}
    return Comparison(**{**values, "warnings": tuple(warnings)})


def _checked(counts: ArrayLike) -> IntArray:
    table = np.asarray(counts)
    if table.ndim != 2 or table.dtype.kind not in "iuf":
        raise InputError("a table of counts has rows and columns of whole numbers", remedy="give counts")
    whole = table.astype(np.int64)
    if (whole != table).any() or (whole < 0).any():
        raise InputError("a count is negative or not a whole number", remedy="give counts, not percentages")
    return whole


def _freeman_halton(table: IntArray) -> float:
    """Return the exact p-value of a 2 x k table: the probability of all tables no likelier than this one.

    With the margins fixed, the first row is a draw without replacement; its tables are enumerated a column at
    a time, and those with the same partial sum kept apart only by their probability. NaN for tables too many.
    """
    from scipy.special import gammaln

    row = table[0] if table[0].sum() <= table[1].sum() else table[1]
    columns = table.sum(axis=0)
    drawn, total = int(row.sum()), int(columns.sum())
    sizes = [min(int(c), drawn) + 1 for c in columns[:-1]]
    if float(np.prod(np.array(sizes, dtype=np.float64))) > _MAX_TABLES:
        return np.nan

    def choose(n: int, k: IntArray) -> FloatArray:
        values: FloatArray = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
        return values

    used, log_p = np.zeros(1, dtype=np.int64), np.zeros(1)
    for size, column in zip(sizes, columns[:-1].tolist()):
        k = np.arange(size, dtype=np.int64)
        used = (used[:, None] + k).reshape(-1)
        log_p = (log_p[:, None] + choose(column, k)).reshape(-1)
        used, log_p = used[used <= drawn], log_p[used <= drawn]
    last = drawn - used
    fits = last <= columns[-1]
    log_p = log_p[fits] + choose(int(columns[-1]), last[fits])
    log_p -= float(choose(total, np.array([drawn]))[0])
    seen = sum(float(choose(int(c), np.array([r]))[0]) for c, r in zip(columns, row))
    seen -= float(choose(total, np.array([drawn]))[0])
    p = np.exp(log_p)
    return float(min(1.0, p[p <= np.exp(seen) * (1 + 1e-7)].sum()))


def odds_ratio(counts: ArrayLike, level: float = 0.95) -> OddsRatio:
    """Return the odds ratio of a 2 x 2 table with its interval.

    The interval is Woolf's (normal on the log scale); where a count is zero, the exact interval that
    conditions on the margins, as in R's ``fisher.test``.

    Parameters
    ----------
    counts
        ``[[a, b], [c, d]]``: the odds of the first column in the first row against the second row.
    level
        Coverage of the interval.
    """
    from scipy.stats import norm
    from scipy.stats.contingency import odds_ratio as conditional

    table = _checked(counts)
    if table.shape != (2, 2):
        return OddsRatio(np.nan, np.nan, np.nan, "", "for 2 x 2 tables only")
    if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        return OddsRatio(np.nan, np.nan, np.nan, "", "a group or a value is empty")
    (a, b), (c, d) = table.astype(np.float64)
    if table.all():
        ratio = a * d / (b * c)
        half = float(norm.ppf(0.5 + level / 2)) * float(np.sqrt(1 / a + 1 / b + 1 / c + 1 / d))
        return OddsRatio(float(ratio), float(ratio * np.exp(-half)), float(ratio * np.exp(half)), "Woolf")
    estimate = 0.0 if a == 0 or d == 0 else np.nan
    reason = "" if estimate == 0 else "the odds ratio is infinite: a count is zero"
    if table.sum() > _MAX_EXACT:
        return OddsRatio(estimate, np.nan, np.nan, "", f"{reason}; no interval".lstrip("; "))
    interval = conditional(table).confidence_interval(level)
    high = float(interval.high) if np.isfinite(interval.high) else np.nan
    return OddsRatio(estimate, float(interval.low), high, "exact conditional", reason)


def proportion_interval(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson for a proportion; NaN when there is nobody."""
    from scipy.stats import beta

    if total == 0:
        return np.nan, np.nan
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, total - count + 1))
    high = 1.0 if count == total else float(beta.ppf(1 - tail, count + 1, total - count))
    return low, high
