"""The distribution of the largest gap between two samples of one population."""

import math

_MIDDLE = 1.18  # where both series need three terms
_SMALLEST = 0.04  # below, what is left of the first series is 0 in double precision
_TERMS = range(1, 6)


def kolmogorov(gap: float) -> float:
    """Give the probability of a scaled gap √(n·m/(n+m))·D as large as this or larger.

    It is that of large samples: 2 Σ (−1)^(k−1) exp(−2k²x²), summed over k from 1, or for small x
    1 − √(2π)/x Σ exp(−(2k−1)²π²/(8x²)), which is the same (Kolmogorov 1933, Giornale dell'Istituto
    Italiano degli Attuari 4, 83; Feller 1948, Annals of Mathematical Statistics 19, 177).
    SciPy has it too, and takes a twentieth of the time of a build to be imported.
    """
    if gap < _SMALLEST:
        return 1.0
    if gap < _MIDDLE:
        terms = (math.exp(-(((2 * k - 1) * math.pi / gap) ** 2) / 8) for k in _TERMS)
        return 1.0 - math.sqrt(2 * math.pi) / gap * math.fsum(terms)
    signed = ((-1) ** (k - 1) * math.exp(-2 * (k * gap) ** 2) for k in _TERMS)
    return 2.0 * math.fsum(signed)
