"""Prior times likelihood of every hypothesis of a gene, summed over clone fractions: the arithmetic of the posterior.

A row is a sample in one clone fraction. Rows stand last in every array, so that each step runs over many of them.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np

from mlpa_caller.calling.evidence import Evidence, Model
from mlpa_caller.calling.layout import Layout
from mlpa_caller.calling.likelihood import altered, baseline, expected_ln_ratio
from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["Mass", "Tables", "one_range", "two_ranges"]


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What every hypothesis of a chunk is summed from; a row is a sample in one clone fraction.

    Attributes
    ----------
    gain, slope
        ``(units, copies, rows)`` ln likelihood against two copies, and its derivative along a shift of all
        probes times the root of ``v / (2 (1 + v H))``.
    start
        ``(rows,)`` that derivative under "no change".
    constant
        ``(rows,)`` what is the same for all hypotheses.
    known
        ``(samples, fractions)`` which of them there is a row for; the rows of a sample stand together.
    first
        ``(samples,)`` first row of each sample that has one.

    Notes
    -----
    A shift shared by all probes, with variance v, is integrated out: with score G and curvature H of the ln
    likelihood along it, the integral adds ``v G^2 / (2 (1 + v H))``.
    """

    gain: FloatArray
    slope: FloatArray
    start: FloatArray
    constant: FloatArray
    known: BoolArray
    first: IntArray

    @classmethod
    def of(cls, data: Evidence, model: Model, layout: Layout) -> Tables:
        """Return the tables of some samples, in the clone fractions whose prior is not 0."""
        base = baseline(data.ln_ratio, data.error, model.shape, data.absent_below)
        root = np.sqrt(0.5 * data.level_variance / (1.0 + data.level_variance * base.information))
        start = root * base.score.sum(axis=1)
        known = np.isfinite(data.log_fraction)
        sample, fraction = np.nonzero(known)
        expected = expected_ln_ratio(
            layout.copies[:, None], model.fractions, model.compression, model.shape.floor
        )
        gain, slope = altered(base, sample, expected[None, :, fraction], model.shape)
        if model.space.n_units < len(model.unit):
            gain, slope = _by_unit(gain, model), _by_unit(slope, model)
        slope *= root[sample]
        constant = data.log_fraction[known] - start[sample] ** 2
        return cls(gain, slope, start[sample], constant, known, _first(known.sum(axis=1)))

    def pairs(self, wanted: BoolArray, layout: Layout) -> Tables:
        """Return what hypotheses with two ranges need, in the samples and fractions ``wanted``."""
        rows = np.flatnonzero(wanted[self.known])
        count = wanted.sum(axis=1)
        return Tables(
            self.gain[:, layout.pair_copies, rows],
            self.slope[:, layout.pair_copies, rows],
            self.start[rows],
            self.constant[rows],
            wanted,
            _first(count[count > 0]),
        )


def _first(count: IntArray) -> IntArray:
    """Return where each of several groups begins."""
    return np.cumsum(count) - count


def _by_unit(values: FloatArray, model: Model) -> FloatArray:
    """Sum ``(probes, copies, rows)`` over the probes of each unit."""
    member = (np.arange(model.space.n_units)[:, None] == model.unit).astype(np.float64)
    summed: FloatArray = (member @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
    return summed


def _over_ranges(table: FloatArray, out: FloatArray) -> FloatArray:
    """Sum ``(units, ...)`` over every range of units, in the order of `Layout`."""
    n_units = len(table)
    out[:n_units] = table
    before, at = 0, n_units
    for length in range(2, n_units + 1):
        count = n_units - length + 1
        np.add(out[before : before + count], table[length - 1 :], out=out[at : at + count])
        before, at = at, at + count
    return out


def _over_pairs(table: FloatArray, member: FloatArray, out: FloatArray) -> FloatArray:
    """Sum ``(units, copies, rows)`` over what every pair of ranges takes."""
    return np.matmul(member, table.reshape(member.shape[1], -1), out=out)


class _Scratch(threading.local):
    """Memory of one thread that is used again and again; fresh memory would cost as much as the arithmetic."""

    def __init__(self) -> None:
        self.held: dict[int, FloatArray] = {}
        np.empty(
            4_000_000
        )  # 32 MB freed once: from then on the C library of Linux keeps what is freed for reuse

    def __call__(self, number: int, shape: tuple[int, ...]) -> FloatArray:
        """Return an array with anything in it, good until the next call with this number."""
        size = math.prod(shape)
        if number not in self.held or len(self.held[number]) < size:
            self.held[number] = np.empty(size)
        return self.held[number][:size].reshape(shape)


scratch = _Scratch()


@dataclass(frozen=True, slots=True, eq=False)
class Mass:
    """Prior x likelihood of some hypotheses against "no change", over ``exp(top)``.

    Attributes
    ----------
    mass
        ``(hypotheses, samples)`` summed over the clone fractions.
    by_row
        ``(rows,)`` summed over the hypotheses.
    top
        ``(samples,)``.
    """

    mass: FloatArray
    by_row: FloatArray
    top: FloatArray


def one_range(tables: Tables, layout: Layout) -> Mass:
    """Sum up the likelihoods of the hypotheses with one range."""
    shape = (layout.n_ranges, *tables.gain.shape[1:])
    ln = _over_ranges(tables.gain, scratch(0, shape))
    slope = _over_ranges(tables.slope, scratch(1, shape))
    return _mass(tables, ln, slope, layout.prior, 0.0)


def two_ranges(tables: Tables, layout: Layout, top: FloatArray) -> Mass:
    """Sum up the likelihoods of the hypotheses with two ranges; `top` is that of their samples so far."""
    shape = (len(layout.pair_prior), len(tables.start))
    ln = _over_pairs(tables.gain, layout.pair_member, scratch(0, shape))
    slope = _over_pairs(tables.slope, layout.pair_member, scratch(1, shape))
    return _mass(tables, ln, slope, layout.pair_prior, top)


def _mass(
    tables: Tables, ln: FloatArray, slope: FloatArray, prior: FloatArray, top: FloatArray | float
) -> Mass:
    """Sum up likelihoods; `ln` and `slope` are ``(hypotheses..., rows)`` and are written over."""
    n_rows = len(tables.start)
    if not n_rows:
        return Mass(np.zeros((len(prior), 0)), np.zeros(0), np.zeros(0))
    slope += tables.start
    slope *= slope
    ln += slope
    ln = ln.reshape(-1, n_rows)
    highest = np.maximum(np.maximum.reduceat(ln.max(axis=0) + tables.constant, tables.first), top)
    count = np.diff(tables.first, append=n_rows)
    ln += tables.constant - np.repeat(highest, count)
    np.exp(ln, out=ln)
    mass = np.add.reduceat(ln, tables.first, axis=1)
    mass *= prior[:, None]
    return Mass(mass, prior @ ln, highest)
