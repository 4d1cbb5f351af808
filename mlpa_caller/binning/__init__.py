"""Which peak is which probe: from the peaks of a run to the heights of the panel's probes."""

from mlpa_caller.binning.run import Binned, bin_peaks

__all__ = ["Binned", "bin_peaks"]
