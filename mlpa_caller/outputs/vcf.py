"""Calls as a VCF 4.4 with symbolic ``<DEL>`` and ``<DUP>``, bgzipped and indexed.

The altered part that is certain stands in POS, END and SVLEN, and CIPOS and CIEND say how far each end may
reach. An end beyond which nothing was tested reaches to the end of the chromosome and is marked.
FORMAT ``CN`` is the total copy number, the mean over all cells of the sample; ``CNC`` is that of the altered cells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpa_caller.consequence.genes import contigs
from mlpa_caller.consequence.placement import BY_EXTENT, Interval
from mlpa_caller.datatypes import Table
from mlpa_caller.errors import InputError, shown
from mlpa_caller.outputs.vcf_events import CellValue, VcfEvent, vcf_events
from mlpa_caller.version import version

if TYPE_CHECKING:
    from mlpa_caller.panel import Panel
    from mlpa_caller.result import Result

__all__ = ["INDEX_SUFFIX", "sample_from_vcf", "sample_to_vcf", "write_calls_vcf", "write_vcf"]

INDEX_SUFFIX = ".tbi"
BUILD = "GRCh38"
_KINDS = {"loss": "DEL", "gain": "DUP"}
_HEADER_START = ("##fileformat=VCFv4.4", '##FILTER=<ID=PASS,Description="All filters passed">')
_HEADER = (
    '##ALT=<ID=DEL,Description="Deletion">',
    '##ALT=<ID=DUP,Description="Duplication: extra copies, their place is not known">',
    '##INFO=<ID=END,Number=1,Type=Integer,Description="End position of the longest variant described in this '
    'record">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">',
    '##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="Length of structural variant">',
    '##INFO=<ID=SVCLAIM,Number=A,Type=String,Description="Claim made by the structural variant call. Valid '
    'values are D, J, DJ for abundance, adjacency and both respectively">',
    '##INFO=<ID=IMPRECISE,Number=0,Type=Flag,Description="Imprecise structural variation">',
    '##INFO=<ID=CIPOS,Number=.,Type=Integer,Description="Confidence interval around POS for symbolic structural '
    'variants">',
    '##INFO=<ID=CIEND,Number=.,Type=Integer,Description="Confidence interval around END for symbolic structural '
    'variants">',
    '##INFO=<ID=OPEN_START,Number=0,Type=Flag,Description="Nothing unaffected was tested before POS: the lower '
    'bound of CIPOS is the start of the chromosome">',
    '##INFO=<ID=OPEN_END,Number=0,Type=Flag,Description="Nothing unaffected was tested behind END: the upper '
    'bound of CIEND is the end of the chromosome">',
    '##INFO=<ID=PLACED_BY,Number=1,Type=String,Description="What the positions rest on: probes, exon_table '
    '(exons of the reference transcript) or gene_extent (the gene; the event lies in it or beyond)">',
    '##INFO=<ID=GENE,Number=.,Type=String,Description="Genes of the event">',
    '##INFO=<ID=EXONS,Number=.,Type=String,Description="Altered exons of each gene">',
    '##INFO=<ID=CONSEQUENCE,Number=.,Type=String,Description="What the event does to one allele of each gene">',
    '##INFO=<ID=EVIDENCE,Number=.,Type=String,Description="established or predicted, for each gene">',
    '##INFO=<ID=HGVS,Number=.,Type=String,Description="HGVS name for each gene">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype of the altered cells">',
    '##FORMAT=<ID=CN,Number=1,Type=Float,Description="Total copy number, mean over all cells of the sample">',
    '##FORMAT=<ID=CNC,Number=1,Type=Float,Description="Total copy number in the altered cells">',
    '##FORMAT=<ID=CF,Number=1,Type=Float,Description="Fraction of all cells that carry the event">',
    '##FORMAT=<ID=CICF,Number=2,Type=Float,Description="95 % interval of CF">',
    '##FORMAT=<ID=PR,Number=1,Type=Float,Description="Probability of the event">',
)
_FORMAT = "GT:CN:CNC:CF:CICF:PR"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|%(?=[0-9A-Fa-f]{2})")
_RESERVED = re.compile(r"[\x00-\x20\x7f%;=,]")
_ESCAPED = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")


def sample_to_vcf(name: str) -> str:
    """Return a sample name as the VCF's header line can hold it; `sample_from_vcf` gives it back.

    Tabs, line ends and other control characters become percent codes of their UTF-8 bytes, as does a percent
    sign that would read as such a code. Every other name stands unchanged.

    Raises
    ------
    InputError
        If the name is empty.
    """
    if not name:
        raise InputError("a sample without a name cannot stand in a VCF", remedy="name the sample")
    return _CONTROL.sub(lambda found: _percent(found[0]), name)


def sample_from_vcf(name: str) -> str:
    """Return the sample name that `sample_to_vcf` wrote as `name`."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].replace("%", "")).decode("utf-8"), name)


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8"))


def _value(text: str) -> str:
    """Return `text` as an INFO value: reserved characters as percent codes, a dot for nothing."""
    return _RESERVED.sub(lambda found: _percent(found[0]), text) or "."


def write_vcf(
    calls: Table,
    path: str | os.PathLike[str],
    *,
    panel: Panel | None = None,
    fasta: str | os.PathLike[str] | None = None,
) -> list[str]:
    """Write the losses and gains in `calls` to a bgzipped VCF at `path` and its index beside it.

    Both files are made anew, so give a place inside a folder that is published as a whole (see
    `mlpa_caller.outputs.atomic`). The same calls give the same bytes.

    Parameters
    ----------
    calls
        Calls, annotated or not.
    path
        Where to write; ends in ``.vcf.gz``. The index is ``path + ".tbi"``.
    panel
        The probes behind the calls; without positions genes are placed by exon table or extent.
    fasta
        GRCh38 sequence for REF; without it REF is N.

    Returns
    -------
    list of str
        Remarks on events that could not be placed and are left out.

    Raises
    ------
    InputError
        If the FASTA cannot be used, or a sample has no name or that of another.
    """
    import pysam

    events, samples, remarks = vcf_events(calls, panel)
    header, target = _header(samples), Path(path)
    order = {chrom: i for i, chrom in enumerate(contigs(BUILD))}
    events.sort(key=lambda event: (order[event.interval.chrom], event.interval, event.status, event.parts))
    bases = _Bases(fasta)
    placed = [(event, bases.at(event.interval.chrom, _pos(event.interval))) for event in events]
    told = pysam.set_verbosity(0)  # the library would print its own line beside the error
    try:
        with pysam.BGZFile(os.fspath(target), "wb") as sink:
            sink.write(header)
            sink.flush()
            filled = 0
            for event, base in placed:
                record = _record(event, base)
                if filled + len(record) > _BLOCK:  # a record starts a block, so that a region is read alone
                    sink.flush()
                    filled = 0
                sink.write(record)
                filled = (filled + len(record)) % _BLOCK
        pysam.tabix_index(os.fspath(target), preset="vcf", force=True)
    finally:
        pysam.set_verbosity(told)
    return remarks


def _header(samples: Sequence[str]) -> bytes:
    """Return the header lines.

    Raises
    ------
    InputError
        If a sample has no name, or two have the same.
    """
    names = [sample_to_vcf(name) for name in samples]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(samples) if name in samples[:i])
        raise InputError(f"two samples would be named {shown(twice)} in the VCF", remedy="rename one of them")
    lines = [
        *_HEADER_START,
        f"##source=mlpa-caller {version()}",
        f"##reference={BUILD}",
        *(
            f"##contig=<ID={contig.chrom},length={contig.length},assembly={BUILD}>"
            for contig in contigs(BUILD).values()
        ),
        *_HEADER,
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _pos(at: Interval) -> int:
    """Return POS: the base before the altered part."""
    return max(at.start - 1, 1)


def _record(event: VcfEvent, base: str) -> bytes:
    at = event.interval
    pos = _pos(at)
    kind = _KINDS[event.status]
    fields = [
        at.chrom, str(pos), ".", base, f"<{kind}>", ".", ".", _info(event, kind, pos), _FORMAT,
    ]  # fmt: skip
    pieces = ["\t".join(fields).encode()]
    others = _WITHOUT[event.normal.astype(np.int64)].tobytes()
    start = 0
    for sample, value in sorted(event.cells.items()):
        pieces += [others[start * _WIDTH : sample * _WIDTH], b"\t", _cell(value).encode()]
        start = sample + 1
    return b"".join([*pieces, others[start * _WIDTH :], b"\n"])


_WITHOUT = np.array([b"\t./.:.:.:.:.:.", b"\t0/0:2:.:.:.:."])
"""The cells of samples without the event: not known, and two copies."""
_WIDTH = _WITHOUT.itemsize
_BLOCK = 0xFF00
"""Bytes of text in a block of a bgzipped file."""


def _info(event: VcfEvent, kind: str, pos: int) -> str:
    at = event.interval
    low, high = _reach(at, pos)
    parts = [
        f"END={at.end}",
        f"SVTYPE={kind}",
        f"SVLEN={at.end - at.start + 1}",
        "SVCLAIM=D",
        "IMPRECISE",
        f"CIPOS={low[0]},{low[1]}",
        f"CIEND={high[0]},{high[1]}",
    ]
    parts += ["OPEN_START"] if not at.before else []
    parts += ["OPEN_END"] if not at.after else []
    parts.append(f"PLACED_BY={at.basis}")
    lists = {
        "GENE": [gene for gene, _ in event.parts],
        "EXONS": [exons for _, exons in event.parts],
        "CONSEQUENCE": event.consequence,
        "EVIDENCE": event.evidence,
        "HGVS": event.hgvs,
    }
    parts += [f"{key}={','.join(map(_value, values))}" for key, values in lists.items() if any(values)]
    return ";".join(parts)


def _reach(at: Interval, pos: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return CIPOS and CIEND: where the ends may lie, relative to POS and END."""
    length = contigs(BUILD)[at.chrom].length
    low = (at.before if at.before else 1) - pos
    high = (at.after - 1 if at.after else length) - at.end
    if at.basis == BY_EXTENT:  # the event lies in the gene or beyond, so either end may lie within the gene
        return (low, at.end - pos), (at.start - at.end, high)
    return (low, 0), (0, high)


def _cell(value: CellValue) -> str:
    low, high = _float(value.low), _float(value.high)
    interval = "." if low == high == "." else f"{low},{high}"
    return ":".join([
        value.genotype, _float(value.mean), _float(value.copies), _float(value.fraction), interval,
        _float(value.probability),
    ])  # fmt: skip


def _float(value: float) -> str:
    return f"{value:.6g}" if value == value else "."


class _Bases:
    """Reference bases from a FASTA; N without one."""

    def __init__(self, fasta: str | os.PathLike[str] | None) -> None:
        self._fasta: Any = None
        self._name = "" if fasta is None else os.fspath(fasta)
        if fasta is None:
            return
        import pysam

        try:
            self._fasta = pysam.FastaFile(self._name)
        except (OSError, ValueError) as error:
            raise InputError(f"the sequence cannot be used ({error})", file=self._name,
                             remedy="give a FASTA, plain or bgzipped, in a folder where its index is or can be "
                             "made") from None  # fmt: skip

    def at(self, chrom: str, pos: int) -> str:
        """Return the base at a position counted from 1."""
        if self._fasta is None:
            return "N"
        contig = contigs(BUILD)[chrom]
        name = next((name for name in contig.names if name in self._fasta.references), None)
        if name is None:
            raise InputError(f"the sequence has no chromosome {chrom}", file=self._name,
                             remedy="give the whole GRCh38 sequence")  # fmt: skip
        length = self._fasta.get_reference_length(name)
        if length != contig.length:
            raise InputError(f"chromosome {shown(name)} has {length} bases, in {BUILD} it has {contig.length}",
                             remedy=f"give the {BUILD} sequence", file=self._name)  # fmt: skip
        base = str(self._fasta.fetch(name, pos - 1, pos)).upper()
        return base if base in ("A", "C", "G", "T") else "N"


def write_calls_vcf(result: Result, folder: Path) -> None:
    """Write ``calls.vcf.gz`` and its index to `folder` where the panel says where its probes lie."""
    placed = result.panel.is_role("target") & (result.panel.start > 0)
    if placed.any():
        write_vcf(result.tables["calls"], folder / "calls.vcf.gz", panel=result.panel)
