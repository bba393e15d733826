"""Random projections to fewer dimensions that keep distances: random signs, and the fast Johnson-Lindenstrauss one.

Both are linear, so each is kept as its matrix. Ailon and Chazelle, "The Fast Johnson-Lindenstrauss Transform", 2009.
"""

from typing import Any

import numpy


def matrix(kind: str, width: int, target: int, generator: Any) -> Any:
    """width x target, float32. kind: sign or fjlt."""
    if kind == "sign":
        return (generator.choice((-1.0, 1.0), (width, target)) / numpy.sqrt(target)).astype(numpy.float32)
    from scipy.linalg import hadamard

    size = 1 << (width - 1).bit_length()
    signs = generator.choice((-1.0, 1.0), width)
    mixed = signs[:, None] * hadamard(size, dtype=float)[:width] / numpy.sqrt(size)
    kept = generator.permutation(size)[:target]  # of a row that is mixed well, every part is alike
    return (mixed[:, kept] * numpy.sqrt(size / target)).astype(numpy.float32)
