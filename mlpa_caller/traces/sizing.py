"""From scans to sizes: local Southern, a smooth rising curve, and their uncertainty.

References
----------
Southern EM. Measurement of DNA length by gel electrophoresis. Anal Biochem 1979; 100: 319-323.
Elder JK, Southern EM. Measurement of DNA length by gel electrophoresis II: comparison of methods for relating
mobility to fragment length. Anal Biochem 1983; 128: 227-231.
Elder JK, Southern EM. Computer-aided analysis of one-dimensional restriction fragment gels. In: Nucleic acid and
protein sequence analysis: a practical approach. IRL Press 1987; 165-172.
"""

from __future__ import annotations

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray

__all__ = ["local_southern", "size_errors", "smooth_curve"]

_APEX = 0.41
"""Rounding to the scan (0.29) of a peak and of two rungs around it, in scans."""
_INTERPOLATION = 1.0
"""Of an irregularity of the neighbouring rungs that is seen midway. Measured on GeneScan 600 and 400HD ladders sized
from every other rung: the error of the rungs between is 1.1 times what is stated, root mean square."""
_LOST = 0.01
"""Part of the distance between two rungs that a size between them may be off where a rung is missing."""


def local_southern(scan: FloatArray, rung_scan: FloatArray, rung_size: FloatArray) -> FloatArray:
    """Return sizes by the local Southern method.

    Size and mobility are taken as reciprocal, ``size = c / (scan - scan0) + size0``, through three rungs: once
    through the two rungs below and the one above the peak, once through the one below and the two above; the
    size is the mean of the two. In the first and the last interval of the ladder there is one curve only.

    Parameters
    ----------
    scan
        ``(peaks,)`` scans to size.
    rung_scan, rung_size
        ``(rungs,)`` scans and lengths of at least three rungs, strictly ascending.

    Returns
    -------
    FloatArray
        ``(peaks,)`` nucleotides; NaN outside the ladder: nothing is extrapolated.

    References
    ----------
    Southern 1979; Elder and Southern 1987.
    """
    lower, upper, _ = _two_curves(scan, rung_scan, rung_size)
    size = 0.5 * (lower + upper)
    return np.where((scan >= rung_scan[0]) & (scan <= rung_scan[-1]), size, np.nan)


def _two_curves(
    scan: FloatArray, rung_scan: FloatArray, rung_size: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return sizes on the curve from below and on that from above, and the rung above each scan."""
    inside = np.clip(scan, rung_scan[0], rung_scan[-1])
    above = np.clip(np.searchsorted(rung_scan, inside, side="right"), 1, len(rung_scan) - 1)
    lower = _through_three(inside, rung_scan, rung_size, np.maximum(above - 2, 0))
    upper = _through_three(inside, rung_scan, rung_size, np.minimum(above - 1, len(rung_scan) - 3))
    return lower, upper, above


def _through_three(scan: FloatArray, at: FloatArray, size: FloatArray, start: IntArray) -> FloatArray:
    """Return the sizes on the curve ``c / (scan - scan0) + size0`` through rungs `start`, +1 and +2.

    Written as a cross ratio, which holds as well where the three lie on a line (``scan0`` at infinity).
    """
    m1, m2, m3 = at[start], at[start + 1], at[start + 2]
    l1, l2, l3 = size[start], size[start + 1], size[start + 2]
    over = (scan - m1) * (m2 - m3) * (l2 - l1)
    under = (scan - m3) * (m2 - m1) * (l2 - l3)
    found: FloatArray = (l1 * under - l3 * over) / (under - over)
    return found


def smooth_curve(scan: FloatArray, rung_scan: FloatArray, rung_size: FloatArray) -> FloatArray:
    """Return sizes on one smooth curve near all rungs: a least-squares polynomial that must rise throughout.

    It averages over what is peculiar to single rungs, where local Southern passes through each of them.

    Parameters
    ----------
    scan
        ``(peaks,)`` scans to size.
    rung_scan, rung_size
        ``(rungs,)`` scans and lengths of at least five rungs, strictly ascending.

    Returns
    -------
    FloatArray
        ``(peaks,)`` nucleotides; NaN outside the ladder, and everywhere if the curve does not rise throughout.
    """
    degree = 2 if len(rung_scan) < 8 else 3 if len(rung_scan) < 16 else 4
    curve = np.polynomial.Polynomial.fit(rung_scan, rung_size, degree)
    places = np.linspace(rung_scan[0], rung_scan[-1], 200)
    if np.min(curve.deriv()(places)) <= 0.0:
        return np.full(len(scan), np.nan)
    return np.where((scan >= rung_scan[0]) & (scan <= rung_scan[-1]), curve(scan), np.nan)


def size_errors(
    scan: FloatArray, rung_scan: FloatArray, rung_size: FloatArray, irregularity: FloatArray, lost: BoolArray
) -> FloatArray:
    """Return the standard error of sizes relative to the ladder.

    Four parts add up as squares: the apex is known to the scan (of the peak and of the rungs around it); the
    curves from below and from above disagree; the rungs around the peak lie off the smooth course; and a rung
    between them may be missing.

    Parameters
    ----------
    scan
        ``(peaks,)`` scans that were sized.
    rung_scan, rung_size
        ``(rungs,)`` scans and lengths.
    irregularity
        ``(rungs,)`` how far each rung lies from where the others put it, in nucleotides.
    lost
        ``(rungs - 1,)`` intervals in which a rung is missing.

    Returns
    -------
    FloatArray
        ``(peaks,)`` nucleotides; NaN outside the ladder.
    """
    lower, upper, above = _two_curves(scan, rung_scan, rung_size)
    pace = (rung_size[above] - rung_size[above - 1]) / (rung_scan[above] - rung_scan[above - 1])
    spread = 0.5 * np.abs(upper - lower)
    # between two rungs the error of interpolation is a fraction of what it would be without one of them
    part = (scan - rung_scan[above - 1]) / (rung_scan[above] - rung_scan[above - 1])
    middle = 4.0 * part * (1.0 - part)
    rough = _INTERPOLATION * middle * 0.5 * (np.abs(irregularity[above - 1]) + np.abs(irregularity[above]))
    wide = _LOST * np.where(lost, np.diff(rung_size), 0.0)[above - 1]
    error = np.sqrt((_APEX * pace) ** 2 + spread**2 + rough**2 + wide**2)
    return np.where((scan >= rung_scan[0]) & (scan <= rung_scan[-1]), error, np.nan)
