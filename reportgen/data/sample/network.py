"""A synthetic network in files like those of Keras 1.0, for the notebook's two trained ones.

Nobody trained it: its filters are drawn from formulae for what trained filters look like, and
scaled so that they answer to the sample's cut-outs. What training does is imitated where the
notebook asks about it: after 10 epochs about a third of the filters of the second convolution
never answer and others repeat each other, after 100 epochs few do.

Theano convolves, so a kernel is stored turned by half a circle: a filter answers most where the
image looks like its pattern, and the kernel in the file is ``pattern[::-1, ::-1]``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reportgen.data.sample.cut_outs import BEAM_MAJOR, BEAM_MINOR, FWHM, NOISE, PIXEL
from reportgen.data.sample.sky import Floats

# The architecture of the notebook's network.
FILTERS = 32
SIDE = 10  # pixels of a kernel; in the second convolution one stands for 5 by 5 of the image
POOL = 5
HIDDEN = 64
PATCH = 80  # pixels; side of the images it was trained on


@dataclass(frozen=True)
class Training:
    """What is to be seen of a training.

    silent: filters of the second convolution that never answer. faint: that answer to the
    brightest sources only. copies: that nearly repeat one of the first few. kinds: what the others
    look for, in turn. spread: pixels, rms distance of their patterns from the middle of the
    kernel, on each axis. left: of the random start, relative to a pattern.
    """

    silent: int
    faint: int
    copies: int
    kinds: tuple[str, ...]
    spread: float
    left: float


VARIED = ("blob", "ring", "edge", "stripes", "ring", "slope", "edge", "stripes")
WEIGHT_FILES = {
    "weights_10epochs.h5": Training(10, 3, 9, ("blob", "ring", "blob", "edge", "dark"), 0.5, 0.4),
    "my_cnn_weights.h5": Training(2, 1, 1, (*VARIED, *VARIED[:-1], "dark"), 2.0, 0.2),
}
COPIED = 4  # filters that the copies are made of
COPY_ERROR = 0.1  # of a kernel's norm

# What a filter of the first convolution answers to a source of 1 Jy/beam. It keeps the weights of
# the order of 1, which training can reach from Glorot's 0.05.
GAIN = 10.0
UNIT = GAIN * NOISE  # rms of what it answers to the noise
BRIGHT_SOURCE = 1e-3  # Jy/beam; one cut-out in 20 has a brighter peak

# Sigma across and along the stripes, wavelength [pixels of the layer] and phase [radians] of what
# filters look for, each from the first value to the second.
NO_STRIPES = (1e9, 1e9)
SHAPES = {
    "spot": ((1.2, 2.5), (1.5, 4), NO_STRIPES, (0, 0)),
    "blob": ((0.7, 1.2), (2, 3.5), NO_STRIPES, (0, 0)),
    "edge": ((1, 2), (1.5, 3.5), (8, 16), (np.pi / 2, np.pi / 2)),
    "stripes": ((1.5, 3), (2, 4), (4, 7), (0, 2 * np.pi)),
    "slope": ((4, 5), (4, 5), (16, 24), (np.pi / 2, np.pi / 2)),
}
RING = ((2.5, 4), (0.7, 1.1), (1, 1.5))  # radius, width [pixels of the layer], stretch north-south

# Filters of the first convolution are of these groups in turn. Dark ones answer where nothing is,
# up to a bias of some noise: to them a source of 20 mJy is not more than one of 0.2 mJy.
GROUPS = BRIGHT, EDGES, STRIPES, DARK = range(4)
GROUP_SHARES = (0.25, 0.2, 0.15, 0.4)  # how often the second convolution looks at each


def gabor(
    middle: Floats, angle: float, sigma: tuple[float, float], wavelength: float, phase: float
) -> Floats:
    """A striped Gaussian, (10, 10), with a norm of 1: blobs, edges, bars and gratings.

    middle: (2,), row and column, pixels from the kernel's. angle: radians, across the stripes, from
    the columns to the rows. sigma: pixels, across and along. wavelength: pixels. phase: radians, 0
    where the middle is brightest. After Jones and Palmer (1987, J. Neurophysiol. 58, 1233).
    """
    row, column = _axes(middle)
    across = column * np.cos(angle) + row * np.sin(angle)
    along = row * np.cos(angle) - column * np.sin(angle)
    envelope = np.exp(-0.5 * ((across / sigma[0]) ** 2 + (along / sigma[1]) ** 2))
    return _unit_norm(envelope * np.cos(2 * np.pi * across / wavelength + phase))


def ring(middle: Floats, radius: float, width: float, stretch: float) -> Floats:
    """A ring around a dark middle, (10, 10), with a norm of 1 and a mean of 0.

    middle: (2,), row and column, pixels from the kernel's. radius, width: pixels, of the crest and
    sigma across it. stretch: of the ring from row to row.
    """
    row, column = _axes(middle)
    distance = np.hypot(column, row / stretch)
    crest = np.exp(-0.5 * ((distance - radius) / width) ** 2)
    inside = np.exp(-0.5 * (distance / (0.5 * radius)) ** 2)
    return _unit_norm(crest - inside * np.sum(crest) / np.sum(inside))


def _axes(middle: Floats) -> Floats:
    """Rows and columns of a kernel's pixels, (2, 10, 10), counted from a point near its middle."""
    return np.asarray(np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2 - middle[:, None, None])


def _unit_norm(pattern: Floats) -> Floats:
    return np.asarray(pattern / np.sqrt(np.sum(pattern**2)))


def _draw_pattern(rng: np.random.Generator, kind: str, angle: float, spread: float) -> Floats:
    """What a filter looks for in one layer, (10, 10), with a norm of 1. angle: radians."""
    middle = rng.normal(0, spread, 2)
    if kind == "ring":
        radius, thickness, stretch = (rng.uniform(*limits) for limits in RING)
        return ring(middle, radius, thickness, stretch)
    width, length, wavelength, phase = (rng.uniform(*limits) for limits in SHAPES[kind])
    return gabor(middle, angle, (width, length), wavelength, phase)


def _draw_start(rng: np.random.Generator, *shape: int) -> Floats:
    """What a kernel is before training, but with a norm of 1."""
    return _unit_norm(rng.uniform(-1, 1, shape))


def draw_weights(
    rng: np.random.Generator, training: Training
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weights and biases, float32, of each layer that has some, by the layer's name.

    Of a convolution: (filter, input, row, column), as Theano wants it, and (filter,). Of a dense
    layer: (input, output), small and random, and (output,), zeros. Images are in Jy/beam.
    """
    first, biases = _draw_first(rng, training.left)
    # The mean of noise that a relu has cut is its rms over the root of 2 pi.
    rest = np.maximum(biases + UNIT / np.sqrt(2 * np.pi), 0)
    second, more_biases = _draw_second(rng, rest, training)
    side = ((PATCH - SIDE + 1) // POOL - SIDE + 1) // POOL
    layers = {
        "convolution2d_1": (first[:, None, ::-1, ::-1], biases),
        "convolution2d_2": (second[:, :, ::-1, ::-1], more_biases),
        "dense_1": (_glorot(rng, FILTERS * side**2, HIDDEN), np.zeros(HIDDEN)),
        "dense_2": (_glorot(rng, HIDDEN, 1), np.zeros(1)),
    }
    return {
        name: (weights.astype(np.float32), bias.astype(np.float32))
        for name, (weights, bias) in layers.items()
    }


def _glorot(rng: np.random.Generator, inputs: int, outputs: int) -> Floats:
    """Glorot and Bengio (2010, AISTATS 9, 249), equation 16: uniform, (inputs, outputs)."""
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs))


def _draw_first(rng: np.random.Generator, left: float) -> tuple[Floats, Floats]:
    """Patterns, (32, 10, 10), and biases, (32,), of the first convolution."""
    patterns, biases = np.empty((FILTERS, SIDE, SIDE)), np.empty(FILTERS)
    for k in range(FILTERS):
        turn, group = divmod(k, len(GROUPS))
        angle = (turn + rng.uniform(0, 0.5)) * len(GROUPS) / FILTERS * 2 * np.pi
        striped = "ring" if turn % 2 else "stripes"
        pattern = _draw_pattern(rng, ("spot", "edge", striped, "spot")[group], angle, spread=0.5)
        bias = rng.uniform(-0.5, 0.5)
        if group == STRIPES:
            pattern -= np.mean(pattern)
        if group == DARK:
            pattern, bias = -pattern, rng.uniform(2, 10)
        pattern = pattern + left * _draw_start(rng, SIDE, SIDE)
        patterns[k] = pattern * GAIN / _answer_to_a_source(pattern)
        biases[k] = bias * UNIT
    return patterns, biases


def _answer_to_a_source(pattern: Floats) -> float:
    """The largest answer, of either sign, to a point source of 1 Jy/beam near the pattern."""
    offset = np.arange(-24, 25) * PIXEL * FWHM
    beam = np.exp(-0.5 * ((offset[:, None] / BEAM_MAJOR) ** 2 + (offset / BEAM_MINOR) ** 2))
    windows = sliding_window_view(beam, (SIDE, SIDE))
    return float(np.max(np.abs(np.sum(windows * pattern, axis=(2, 3)))))


def _draw_second(
    rng: np.random.Generator, rest: Floats, training: Training
) -> tuple[Floats, Floats]:
    """Patterns, (32, 32, 10, 10), and biases, (32,), of the second convolution, in any order.

    rest: (32,), what the first convolution gives, on average, where there is no source.
    """
    own = FILTERS - training.silent - training.faint - training.copies
    filters = [
        _draw_filter(rng, rest, training, training.kinds[k % len(training.kinds)])
        for k in range(own)
    ]
    for k in range(training.copies):
        pattern, bias = filters[k % COPIED]
        filters.append((pattern + COPY_ERROR * _draw_start(rng, *pattern.shape), bias))
    for _ in range(training.faint):
        pattern = training.left * _draw_start(rng, FILTERS, SIDE, SIDE)
        pattern = _unit_norm(pattern + _draw_in_group(rng, "spot", BRIGHT, spread=0.5))
        filters.append((pattern, -np.sum(pattern) * GAIN * BRIGHT_SOURCE))
    for _ in range(training.silent):
        # What a relu gives is not negative, so the sum of these is.
        filters.append((-np.abs(_draw_start(rng, FILTERS, SIDE, SIDE)), -rng.uniform(1, 4) * UNIT))
    order = rng.permutation(FILTERS)
    return np.stack([filters[k][0] for k in order]), np.array([filters[k][1] for k in order])


def _draw_filter(
    rng: np.random.Generator, rest: Floats, training: Training, kind: str
) -> tuple[Floats, float]:
    """Pattern, (32, 10, 10), with a norm of 1, and bias: hardly an answer where no source is.

    Dark filters do answer there: to the noise, and not to sources.
    """
    pattern = training.left * _draw_start(rng, FILTERS, SIDE, SIDE)
    if kind == "dark":
        pattern += _draw_in_group(rng, "spot", DARK, training.spread)
    else:
        other = str(rng.choice(list(SHAPES)))
        for strength, shape in ((1.0, kind), (0.6, other)):
            group = int(rng.choice(GROUPS, p=GROUP_SHARES))
            sign = -1 if group == DARK else 1
            pattern += sign * strength * _draw_in_group(rng, shape, group, training.spread)
    pattern = _unit_norm(pattern)
    share = 0.5 if kind == "dark" else 1.0  # of what it answers at rest that the bias takes away
    bias = UNIT * rng.uniform(-2, 3) - share * np.sum(pattern * rest[:, None, None])
    return pattern, float(bias)


def _draw_in_group(rng: np.random.Generator, kind: str, group: int, spread: float) -> Floats:
    """A pattern in what one group of first filters gives, (32, 10, 10), with a norm of 1."""
    weights = np.zeros(FILTERS)
    weights[group :: len(GROUPS)] = rng.exponential(size=FILTERS // len(GROUPS))
    pattern = _draw_pattern(rng, kind, rng.uniform(0, 2 * np.pi), spread)
    return _unit_norm(weights[:, None, None] * pattern)
