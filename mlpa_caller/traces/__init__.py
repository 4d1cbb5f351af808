"""Capillary traces: baseline, ladder assignment, sizing, peaks."""

from mlpa_caller.traces.batch import process_file, process_traces, trace_paths
from mlpa_caller.traces.process import METHODS, SizingOptions, process_trace
from mlpa_caller.traces.report import SizingReport, peak_columns, quality_table
from mlpa_caller.traces.standards import SizeStandard, named_standard, size_standards

__all__ = [
    "METHODS",
    "SizeStandard",
    "SizingOptions",
    "SizingReport",
    "named_standard",
    "peak_columns",
    "process_file",
    "process_trace",
    "process_traces",
    "quality_table",
    "size_standards",
    "trace_paths",
]
