"""How point-like each object looks: the stellarity index.

The index is drawn in two steps. A score says how an object compares with the others: what is
resolved scores low, what is not scores high, and the fainter it is the less can be told. Then
ranks are turned into indices so that the histogram is that of the real survey.
"""

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.sky import Floats

# Histograms read off the figures of the original notebook: 20 bins over all objects; 10 over the
# objects that volunteers chose as hosts. The index has steps of 0.01, from 0.00 to 0.99, so bins
# hold 5 and 10 values.
ALL_COUNTS = np.array(
    [
        *[2910, 1650, 1270, 1180, 1000, 880, 860, 770, 770, 770],
        *[910, 1000, 1150, 1310, 1430, 1490, 1790, 2170, 2890, 4630],
    ],
    dtype=float,
)
HOST_COUNTS = np.array([610, 175, 155, 115, 97, 120, 140, 165, 238, 474], dtype=float)
VALUES = 100

# SExtractor's classifier saturates: its extreme values are 0.02 to 0.03 and 0.98, hardly more.
FIRST_FIVE = np.array([0.02, 0.08, 0.32, 0.36, 0.22])
LAST_FIVE = np.array([0.17, 0.19, 0.24, 0.34, 0.06])

# Where stars saturate the 3.6 micron detector, of the order of 10 mJy in SWIRE's 30 s frames (IRAC
# Instrument Handbook): their cores have holes and the classifier takes them for something extended.
SATURATION = 2.0e4  # microjansky
FAINT = 40.0  # microjansky; below this the classifier does little better than guess


def draw_scores(
    rng: np.random.Generator,
    flux: Floats,
    redshift: Floats,
    is_star: NDArray[np.bool_],
    is_active: NDArray[np.bool_],
) -> Floats:
    """Score of each object, (n,), higher when it looks more point-like.

    flux: (n,), microjansky at 3.6 micron. redshift: (n,), of galaxies. is_star, is_active: (n,);
    an active nucleus outshines its galaxy, so it looks like a star.
    """
    clarity = flux / (flux + FAINT)
    # The nearer a galaxy, the larger it looks; beyond redshift 1 the PSF hides most.
    look = np.where(is_star, 1.6, -1.9 + 1.2 * np.minimum(redshift, 1.5))
    look = np.where(is_active, 1.2, look)
    saturated = is_star & (flux > SATURATION * 10 ** rng.normal(0, 0.2, len(flux)))
    look = np.where(saturated, -2.0, look)
    return clarity * look + (1.05 - 0.8 * clarity) * rng.normal(size=len(flux))


def share_by_value(counts: Floats) -> Floats:
    """Share of each value 0.00, 0.01, … 0.99, of which a histogram of them has those counts.

    counts: (bins,), where bins divides 100. Within a bin the shares follow the neighbours' trend.
    """
    width = VALUES // len(counts)
    centres = (np.arange(len(counts)) + 0.5) * width - 0.5
    trend = np.interp(np.arange(VALUES), centres, counts).reshape(len(counts), width)
    trend[0, :5] = FIRST_FIVE * np.sum(trend[0, :5])
    trend[-1, -5:] = LAST_FIVE * np.sum(trend[-1, -5:])
    shares = trend / np.sum(trend, axis=1, keepdims=True) * counts[:, None]
    return np.asarray(shares.ravel() / np.sum(counts))


def stellarities(scores: Floats, is_host: NDArray[np.bool_]) -> Floats:
    """Stellarity index of each object, (n,): hosts and the others each by rank of their score."""
    hosts = share_by_value(HOST_COUNTS) * np.sum(HOST_COUNTS)
    others = np.maximum(share_by_value(ALL_COUNTS) * np.sum(ALL_COUNTS) - hosts, 0)
    index = np.empty(len(scores))
    for members, counts in ((is_host, hosts), (~is_host, others)):
        n = int(np.sum(members))
        rank = np.empty(n)
        rank[np.argsort(scores[members], kind="stable")] = (np.arange(n) + 0.5) / max(n, 1)
        value = np.searchsorted(np.cumsum(counts) / np.sum(counts), rank)
        index[members] = np.minimum(value, VALUES - 1) / 100
    return index
