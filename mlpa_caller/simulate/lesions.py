"""Draw what is wrong with each simulated patient: lesions, ploidy and their clone fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpa_caller.datatypes import BoolArray, FloatArray, IntArray, Table, TextArray, text_array
from mlpa_caller.errors import UsageError
from mlpa_caller.panel import Panel, Region
from mlpa_caller.refdata import reference_rows
from mlpa_caller.simulate.settings import SimulationSettings, parameter

__all__ = [
    "Lesions",
    "bare_chromosome",
    "draw_lesions",
    "lesion_copies",
    "lesion_table",
    "main_gene",
    "ploidy_changes",
]

LOSS, GAIN, CHROMOSOME = 0, 1, 2
KINDS = ("loss", "gain", "chromosome")
ALLELES = ("", "1", "2", "both")


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """Lesions of target regions, one entry a lesion.

    Attributes
    ----------
    sample, region
        Indices into the run's samples and the panel's regions.
    first, last
        First and last exon unit of the region that is altered.
    copies_lost
        1 or 2; negative for gained copies.
    fraction
        Fraction of all cells that carry it.
    allele
        Index into ``("", "1", "2", "both")``.
    kind
        Index into ``("loss", "gain", "chromosome")``.
    """

    sample: IntArray
    region: IntArray
    first: IntArray
    last: IntArray
    copies_lost: IntArray
    fraction: FloatArray
    allele: IntArray
    kind: IntArray


def main_gene(panel: Panel, settings: SimulationSettings) -> str:
    """Return the gene in which losses are simulated first.

    Raises
    ------
    UsageError
        If the panel does not have the gene asked for, or no target gene at all.
    """
    genes = panel.genes
    if not genes:
        raise UsageError(f"panel {panel.name} has no target gene", remedy="choose a panel with target probes")
    if not settings.gene:
        return "IKZF1" if "IKZF1" in genes else genes[0]
    if settings.gene not in genes:
        raise UsageError(
            f"panel {panel.name} has no gene {settings.gene}", remedy=f"choose one of {', '.join(genes)}"
        )
    return settings.gene


def _ranges(region: Region, gene: str, spectrum: str) -> tuple[IntArray, IntArray, FloatArray]:
    """First unit, last unit and probability of each exon range of `gene` (empty: of the whole region)."""
    own = [i for i, name in enumerate(region.unit_gene) if not gene or name == gene]
    pairs = [(a, b) for i, a in enumerate(own) for b in own[i:]]
    weight = np.ones(len(pairs))
    listed: dict[tuple[int, int], float] = {}
    if gene and spectrum == "cohort":
        where = {region.unit_label[i]: i for i in own}
        for row in reference_rows("priors/spectrum.csv"):
            ends = (row["first_exon"], row["last_exon"])
            if row["gene"] == gene and ends[0] in where and ends[1] in where:
                pair = (where[ends[0]], where[ends[1]])
                listed[(min(pair), max(pair))] = float(row["probability"])
    if listed:
        rest = max(0.0, 1.0 - sum(listed.values())) / max(1, len(pairs) - len(listed))
        weight = np.array([listed.get(pair, rest) for pair in pairs])
    first, last = np.array(pairs, dtype=np.int64).T
    return first, last, weight / weight.sum()


def _pick(weight: FloatArray, u: FloatArray) -> IntArray:
    """Index drawn with probability `weight` for each even number `u`."""
    edges = np.cumsum(weight)
    drawn = np.searchsorted(edges, u * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, len(weight) - 1), dtype=np.int64)


def _inside(first: IntArray, last: IntArray, u: FloatArray, v: FloatArray) -> tuple[IntArray, IntArray]:
    """A range strictly within first..last (the caller leaves out ranges of one unit)."""
    size = last - first + 1
    a = first + np.floor(u * size).astype(np.int64)
    b = first + np.floor(v * size).astype(np.int64)
    low, high = np.minimum(a, b), np.maximum(a, b)
    whole = (low == first) & (high == last)
    return low, np.where(whole, high - 1, high)


def _region_lesions(
    region: Region,
    number: int,
    *,
    gene: str,
    settings: SimulationSettings,
    lost: BoolArray,
    may_gain: BoolArray,
    fraction: FloatArray,
    u: FloatArray,
) -> list[Lesions]:
    """Lesions of one region; `fraction` is (samples, 2) and `u` (samples, 10) even random numbers."""
    first, last, weight = _ranges(region, gene, settings.spectrum)
    chosen = _pick(weight, u[:, 0])
    a, b = first[chosen], last[chosen]
    if not gene:
        whole = u[:, 1] < parameter("whole_gene_share")
        a, b = np.where(whole, 0, a), np.where(whole, len(region.unit_label) - 1, b)
    both = lost & (u[:, 2] < settings.homozygous_rate)
    nested = lost & ~both & (u[:, 3] < settings.nested_rate) & (b > a)
    a2, b2 = _inside(a, b, u[:, 4], u[:, 5])
    gained = may_gain & ~lost & (u[:, 6] < settings.gain_rate)
    part = np.where(u[:, 7:9] < settings.subclonal_rate, 0.3 + 0.7 * u[:, 9:10], 1.0)
    f = fraction * part
    ones = np.ones(len(lost), dtype=np.int64)
    return [
        _lesions(lost, number, a, b, np.where(both, 2, 1), f[:, 0], np.where(both, 3, 1), LOSS),
        _lesions(nested, number, a2, b2, ones, f[:, 1], 2 * ones, LOSS),
        _lesions(gained, number, a, b, -ones, f[:, 0], 0 * ones, GAIN),
    ]


def _lesions(
    mask: BoolArray,
    region: int,
    first: IntArray,
    last: IntArray,
    copies_lost: IntArray,
    fraction: FloatArray,
    allele: IntArray,
    kind: int,
) -> Lesions:
    sample = np.flatnonzero(mask)
    return Lesions(
        sample=sample,
        region=np.full(len(sample), region, dtype=np.int64),
        first=first[sample],
        last=last[sample],
        copies_lost=copies_lost[sample],
        fraction=fraction[sample],
        allele=allele[sample],
        kind=np.full(len(sample), kind, dtype=np.int64),
    )


def bare_chromosome(name: str) -> str:
    """Return a chromosome's name without ``chr``, in capitals."""
    text = name.strip()
    return (text[3:] if text[:3].lower() == "chr" else text).upper()


def ploidy_changes(panel: Panel) -> FloatArray:
    """Copies gained by each probe, one row for hyperdiploid and one for low-hypodiploid clones.

    Probes whose chromosome is unknown are left alone.
    """
    chrom = np.array([bare_chromosome(name) for name in panel.chrom], dtype=object)
    out = np.zeros((2, len(panel.probes)))
    for row in reference_rows("simulation/ploidy.csv"):
        number = ("hyperdiploid", "low_hypodiploid").index(row["class"])
        out[number, chrom == row["chrom"]] = float(row["change"])
    return out


def draw_lesions(
    panel: Panel,
    settings: SimulationSettings,
    *,
    deleted: BoolArray,
    patient: BoolArray,
    ploidy: IntArray,
    fraction: FloatArray,
    rng: np.random.Generator,
) -> Lesions:
    """Draw the lesions of all samples.

    Parameters
    ----------
    panel, settings
        The probes and what to simulate.
    deleted
        ``(samples,)`` True where the main gene is to carry a loss.
    patient
        ``(samples,)`` True for patients; only they have lesions elsewhere.
    ploidy
        ``(samples,)`` 0 for ordinary, 1 hyperdiploid, 2 low-hypodiploid clones.
    fraction
        ``(samples,)`` the clone's fraction of all cells.
    rng
        Source of every random number.

    Returns
    -------
    Lesions
        Sorted by sample, region, first unit.
    """
    gene = main_gene(panel, settings)
    u = rng.random((len(panel.regions), len(deleted), 11))
    low, high = settings.clone_fraction
    own = rng.uniform(low, high, (len(panel.regions), len(deleted), 2))
    own = np.where(settings.shared_clone | ~patient[None, :, None], fraction[None, :, None], own)
    change = ploidy_changes(panel)
    parts: list[Lesions] = []
    for number, region in enumerate(panel.regions):
        # a chromosome counts as gained or lost for a region when all its probes lie on it
        shift = change[:, region.probes]
        level = np.where((shift == shift[:, :1]).all(axis=1), shift[:, 0], 0.0).astype(np.int64)
        of_sample = np.concatenate([[0], level])[ploidy]
        main = gene in region.genes
        lost = deleted if main else patient & (u[number, :, 10] < settings.other_gene_rate)
        parts += _region_lesions(
            region, number, gene=gene if main else "", settings=settings, lost=lost & (of_sample >= 0),
            may_gain=patient & (of_sample == 0), fraction=own[number], u=u[number],
        )  # fmt: skip
        zero = np.zeros(len(deleted), dtype=np.int64)
        parts.append(
            _lesions(of_sample != 0, number, zero, zero + len(region.unit_label) - 1,
                     -of_sample, fraction, zero, CHROMOSOME)
        )  # fmt: skip
    return _joined(parts)


def _joined(parts: list[Lesions]) -> Lesions:
    """All lesions in one, sorted by sample, region, first and last unit."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in Lesions.__dataclass_fields__
    }
    order = np.lexsort(
        (columns["allele"], columns["last"], columns["first"], columns["region"], columns["sample"])
    )
    return Lesions(**{name: values[order] for name, values in columns.items()})


def lesion_copies(panel: Panel, lesions: Lesions, n_samples: int, *, chromosomes: bool) -> FloatArray:
    """Return the mean copies gained (negative: lost) through `lesions`, ``(samples, probes)``.

    Parameters
    ----------
    panel, lesions, n_samples
        The run.
    chromosomes
        Whether to count gains and losses of whole chromosomes too.
    """
    out = np.zeros((n_samples, len(panel.probes)))
    for number, region in enumerate(panel.regions):
        chosen = (lesions.region == number) & (chromosomes | (lesions.kind != CHROMOSOME))
        unit = region.unit[None, :]
        inside = (unit >= lesions.first[chosen, None]) & (unit <= lesions.last[chosen, None])
        lost = (lesions.copies_lost[chosen] * lesions.fraction[chosen])[:, None] * inside
        np.subtract.at(out, (lesions.sample[chosen, None], region.probes[None, :]), lost)
    return out


def lesion_table(panel: Panel, lesions: Lesions, samples: TextArray) -> Table:
    """Return the truth: one row for each lesion and each gene that it alters.

    Columns: ``sample, gene, first_exon, last_exon`` (labels of the units, or the probe's name where the
    sheet has no exon), ``copies_lost`` (negative for gains), ``clone_fraction`` (of all cells), ``allele``
    (``1``, ``2``, ``both``, empty where it does not apply), ``kind`` (``loss``, ``gain``, ``chromosome``)
    and ``lesion`` (number of the lesion within the run, shared by the genes of one lesion).
    """
    rows: list[tuple[int, int, str, str, str]] = []
    order = 0
    for number, region in enumerate(panel.regions):
        here = np.flatnonzero(lesions.region == number)
        for gene in region.genes:
            own = np.array([i for i, name in enumerate(region.unit_gene) if name == gene])
            a = np.searchsorted(own, lesions.first[here])
            b = np.searchsorted(own, lesions.last[here], side="right") - 1
            rows += [
                (int(i), order, gene, region.unit_label[own[x]], region.unit_label[own[y]])
                for i, x, y in zip(here, a, b)
                if x <= y
            ]
            order += 1
    rows.sort(key=lambda row: row[:2])
    index = np.array([row[0] for row in rows], dtype=np.int64)
    return Table(
        {
            "sample": samples[lesions.sample[index]],
            "gene": text_array(row[2] for row in rows),
            "first_exon": text_array(row[3] for row in rows),
            "last_exon": text_array(row[4] for row in rows),
            "copies_lost": lesions.copies_lost[index],
            "clone_fraction": lesions.fraction[index],
            "allele": text_array(ALLELES[code] for code in lesions.allele[index]),
            "kind": text_array(KINDS[code] for code in lesions.kind[index]),
            "lesion": index + 1,
        }
    )
