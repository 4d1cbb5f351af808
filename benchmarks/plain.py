"""The machine's own limits, and plain normalisation written three ways: ``python -m benchmarks.plain SECONDS``.

Plain normalisation takes from each sample the median, over the reference probes, of its ratio to each reference
sample, and averages over those: no errors, no slope, no altered probe found. It is what spreadsheets and scripts do,
and a bound for anything that reads every height once. Everything is measured on one thread, and printed as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from mlpa_caller.datatypes import FloatArray, IntArray  # noqa: E402

__all__ = ["WAYS", "broadcast", "chunks", "limits", "loops", "plain_rates", "rate"]

CHUNK = 256


def loops(height: FloatArray, probes: IntArray, references: FloatArray) -> FloatArray:
    """Normalise with Python loops over samples, references and probes."""
    rows = height.tolist()
    known = references.tolist()
    chosen = probes.tolist()
    out = []
    for sample in rows:
        total = [0.0] * len(sample)
        for other in known:
            middle = statistics.median(sample[q] / other[q] for q in chosen)
            for p, value in enumerate(sample):
                total[p] += value / other[p] / middle
        out.append([value / len(known) for value in total])
    return np.array(out)


def broadcast(height: FloatArray, probes: IntArray, references: FloatArray) -> FloatArray:
    """Normalise with NumPy, one sample at a time."""
    out = np.empty_like(height)
    for row, sample in enumerate(height):
        ratio = sample / references
        out[row] = (ratio / np.median(ratio[:, probes], axis=1, keepdims=True)).mean(axis=0)
    return out


def chunks(height: FloatArray, probes: IntArray, references: FloatArray) -> FloatArray:
    """Normalise with NumPy, some samples at a time: one small sort, and a matrix product for the mean."""
    count = len(probes)
    inverse = 1.0 / references
    weight = inverse / len(references)
    own = np.ascontiguousarray(inverse[:, probes])
    out = np.empty_like(height)
    space = np.empty((CHUNK, len(references), count))
    for start in range(0, len(height), CHUNK):
        part = height[start : start + CHUNK]
        ratio = space[: len(part)]
        np.multiply(part[:, None, probes], own, out=ratio)
        ratio.sort(axis=2)
        middle = 0.5 * (ratio[:, :, (count - 1) // 2] + ratio[:, :, count // 2])
        np.matmul(1.0 / middle, weight, out=out[start : start + CHUNK])
        out[start : start + CHUNK] *= part
    return out


WAYS: dict[str, Callable[[FloatArray, IntArray, FloatArray], FloatArray]] = {
    "Python loops": loops,
    "NumPy, one sample at a time": broadcast,
    "NumPy, a sort and a matrix product for each 256 samples": chunks,
}


def rate(work: Callable[[], object], amount: float, seconds: float) -> float:
    """Return the best amount a second, over repeats that take about `seconds` altogether."""
    work()  # memory is touched, tables are made
    best, end = 0.0, time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        work()
        now = time.perf_counter()
        best = max(best, amount / (now - start))
        if now > end:
            return best


def plain_rates(seconds: float) -> dict[str, float]:
    """Return samples a second of plain normalisation: 64 probes, 16 of them reference probes, 8 references."""
    rng = np.random.default_rng(1)
    height, references = rng.uniform(500.0, 8000.0, (1 << 15, 64)), rng.uniform(500.0, 8000.0, (8, 64))
    probes = np.arange(16)
    found = {}
    for name, work in WAYS.items():
        part = height if work is chunks else height[:512]
        found[name] = rate(lambda work=work, part=part: work(part, probes, references), len(part), seconds)  # type: ignore[misc]
    return found


def limits(seconds: float) -> dict[str, float]:
    """Return what one processor does: copying, sorting short rows, exponentials, and matrix products."""
    rng = np.random.default_rng(1)
    source = rng.random(1 << 23)
    target = np.empty_like(source)
    rows = rng.random((1 << 14, 16))
    square = rng.random((512, 512))
    few = -rng.random(1 << 14)
    held = np.empty_like(few)

    def sort() -> None:
        np.sort(rows, axis=1)

    return {
        "memcpy_gb_per_s": rate(lambda: np.copyto(target, source), source.nbytes / 1e9, seconds),
        "sort_rows_of_16_million_values_per_s": rate(sort, rows.size / 1e6, seconds),
        "exp_million_values_per_s": rate(lambda: np.exp(few, out=held), few.size / 1e6, seconds),
        "matmul_gflop_per_s": rate(lambda: square @ square, 2 * 512**3 / 1e9, seconds),
    }


if __name__ == "__main__":
    print(json.dumps({"limits": limits(float(sys.argv[1])), "plain": plain_rates(float(sys.argv[1]))}))
