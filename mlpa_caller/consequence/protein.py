"""Translation, and protein changes as HGVS names them."""

from __future__ import annotations

__all__ = ["AMINO_ACIDS", "codon_name", "protein_change", "residue", "translate"]

_BASES = "TCAG"
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_CODONS = {
    a + b + c: _CODE[16 * i + 4 * j + k]
    for i, a in enumerate(_BASES)
    for j, b in enumerate(_BASES)
    for k, c in enumerate(_BASES)
}
AMINO_ACIDS = {
    "A": "Ala", "C": "Cys", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "I": "Ile",
    "K": "Lys", "L": "Leu", "M": "Met", "N": "Asn", "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser",
    "T": "Thr", "V": "Val", "W": "Trp", "Y": "Tyr", "*": "Ter",
}  # fmt: skip


def translate(sequence: str) -> str:
    """Return the protein of a coding sequence in one-letter code, the first stop included as ``*``.

    Bases after the first stop, and one or two bases left at the end, are not translated.
    """
    protein = []
    for i in range(0, len(sequence) - 2, 3):
        letter = _CODONS[sequence[i : i + 3]]
        protein.append(letter)
        if letter == "*":
            break
    return "".join(protein)


def codon_name(codon: str) -> str:
    """Return the three-letter name of what a codon stands for."""
    return AMINO_ACIDS[_CODONS[codon]]


def residue(protein: str, number: int) -> str:
    """Return a residue as HGVS names it: three-letter code and number, counted from 1."""
    return f"{AMINO_ACIDS[protein[number - 1]]}{number}"


def protein_change(normal: str, changed: str) -> str:
    """Return the name of a predicted change that keeps the reading frame, as ``p.(Ala54_Leu283del)``.

    Parameters
    ----------
    normal, changed
        Both proteins in one-letter code, the stop included as ``*``.

    Notes
    -----
    The change is placed as far towards the C-terminus as it fits (the 3' rule of HGVS).
    """
    if normal == changed:
        return "p.(=)"
    head = 0
    while head < min(len(normal), len(changed)) and normal[head] == changed[head]:
        head += 1
    tail = 0
    while tail < min(len(normal), len(changed)) - head and normal[-1 - tail] == changed[-1 - tail]:
        tail += 1
    lost, gained = normal[head : len(normal) - tail], changed[head : len(changed) - tail]
    first = head + 1
    if changed[head : head + 1] == "*":
        return f"p.({residue(normal, first)}Ter)"
    span = residue(normal, first) if len(lost) == 1 else ""
    if len(lost) > 1:
        span = f"{residue(normal, first)}_{residue(normal, head + len(lost))}"
    new = "".join(AMINO_ACIDS[letter] for letter in gained)
    if not lost:
        if gained == normal[head - len(gained) : head]:
            start = first - len(gained)
            copy = residue(normal, start)
            return f"p.({copy if len(gained) == 1 else f'{copy}_{residue(normal, head)}'}dup)"
        return f"p.({residue(normal, head)}_{residue(normal, first)}ins{new})"
    if not gained:
        return f"p.({span}del)"
    if len(lost) == len(gained) == 1:
        return f"p.({span}{new})"
    return f"p.({span}delins{new})"
