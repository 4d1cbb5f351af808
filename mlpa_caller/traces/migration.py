"""How fragments migrate: scan as a smooth function of length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import FloatArray

__all__ = ["Migration", "migration"]


@dataclass(frozen=True, slots=True, eq=False)
class Migration:
    """A polynomial through the rungs of a ladder.

    Attributes
    ----------
    off
        ``(rungs,)`` how far each rung lies from the curve, in nucleotides.
    left_out
        ``(rungs,)`` the same from the curve through all other rungs. The first and the last rung lie outside
        the others; theirs is an extrapolation.
    speed
        ``(rungs,)`` scans per nucleotide.
    first, last
        Length of the first and the last rung.
    coefficients
        Of the polynomial in a length scaled to -1 at `first` and 1 at `last`.
    """

    off: FloatArray
    left_out: FloatArray
    speed: FloatArray
    first: float
    last: float
    coefficients: FloatArray

    def scan_of(self, size: FloatArray) -> FloatArray:
        """Return the scans at which fragments of these lengths are expected."""
        x = (2.0 * size - self.first - self.last) / (self.last - self.first)
        expected: FloatArray = x[:, None] ** np.arange(len(self.coefficients)) @ self.coefficients
        return expected


def migration(size: FloatArray, scan: FloatArray) -> Migration:
    """Return how smoothly rungs migrate.

    Parameters
    ----------
    size
        ``(rungs,)`` apparent lengths, ascending; at least four.
    scan
        ``(rungs,)`` apices, ascending.

    Returns
    -------
    Migration
        From a least-squares parabola for up to 7 rungs, a cubic for up to 15, a quartic for more.
    """
    count = len(size)
    degree = 2 if count < 8 else 3 if count < 16 else 4
    length = size[-1] - size[0]
    x = (2.0 * size - size[0] - size[-1]) / length
    design = x[:, None] ** np.arange(degree + 1)
    q, r = np.linalg.qr(design)
    part = q.T @ scan
    coefficients = np.linalg.solve(r, part)
    steps = np.arange(1, degree + 1)
    speed = (design[:, :-1] @ (coefficients[1:] * steps)) * (2.0 / length)
    speed = np.maximum(speed, 1e-3 * (scan[-1] - scan[0]) / length)
    off = (scan - q @ part) / speed
    leverage = np.einsum("ij,ij->i", q, q)
    left_out = off / np.maximum(1.0 - leverage, 1e-6)
    return Migration(off, left_out, speed, float(size[0]), float(size[-1]), coefficients)
