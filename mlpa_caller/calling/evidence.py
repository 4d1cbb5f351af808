"""What a gene is called from: its data in some samples, and the model they are held against."""

from __future__ import annotations

from dataclasses import dataclass

from mlpa_caller.calling.events import EventSpace
from mlpa_caller.calling.likelihood import NoiseShape
from mlpa_caller.datatypes import FloatArray, IntArray

__all__ = ["Evidence", "Model"]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The data of one gene in some samples.

    Attributes
    ----------
    ln_ratio, error
        ``(samples, probes)`` ln dosage ratio and its independent standard error; NaN adds nothing.
    absent_below
        ``(samples, probes)`` for probes without a peak: the ln ratio below which none would be seen; else NaN.
    level_variance
        ``(samples,)`` variance of the ln-ratio shift that all probes of the gene share.
    log_fraction
        ``(samples, fractions)`` ln prior of the clone fraction; each row sums to 1 when exponentiated. What is
        minus infinity is not worked out.
    """

    ln_ratio: FloatArray
    error: FloatArray
    absent_below: FloatArray
    level_variance: FloatArray
    log_fraction: FloatArray

    def __len__(self) -> int:
        return len(self.ln_ratio)

    def rows(self, index: IntArray | slice) -> Evidence:
        """Return the samples `index` alone."""
        return Evidence(
            self.ln_ratio[index],
            self.error[index],
            self.absent_below[index],
            self.level_variance[index],
            self.log_fraction[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What the posterior needs besides the data of the samples.

    Attributes
    ----------
    space
        The gene's hypotheses.
    unit
        ``(probes,)`` index of the exon unit of each probe.
    fractions
        ``(fractions,)`` grid of clone fractions.
    compression
        Exponent g of the dosage response.
    shape
        Shape of a probe's noise.
    """

    space: EventSpace
    unit: IntArray
    fractions: FloatArray
    compression: float
    shape: NoiseShape
