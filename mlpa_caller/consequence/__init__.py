"""What a call does: consequence, names, germline and somatic variants.

Start at `annotate_calls` for calls and at `mlpa_caller.consequence.variant_report.find_variants` for a VCF. Facts
stand in the reference data.
"""

from mlpa_caller.consequence.annotate import annotate_calls

__all__ = ["annotate_calls"]
