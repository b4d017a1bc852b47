"""Models as Keras 0.3, 1 and 2 wrote them, and what they compute, by numpy and scipy alone.

A model is a list of dicts: kind, its numbers, and its weights as the backend uses them (kernels
(out, in, row, column), with channels first). The files are written from it in each release's
layout; `results` computes it in float64, with loops, as the backend's documentation has it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from scipy.signal import convolve2d, correlate2d
from scipy.special import erf

VERSIONS = {
    "0.3": "",
    "1.0": "1.0.8",
    "1.2": "1.2.2",
    "2.0": "2.0.9",
    "2.1": "2.1.6",
    "2.2": "2.2.4",
    "tf": "2.4.0",
}
EPSILON = 1e-3


@dataclass(frozen=True)
class Style:
    """Who wrote the files: a release, on a backend, with an ordering of the channels."""

    release: str
    backend: str
    channels_first: bool

    @property
    def is_second(self) -> bool:
        return self.release in ("2.0", "2.1", "2.2", "tf")

    @property
    def counts_padding(self) -> bool:
        """Whether zeros that Theano padded with count in the mean of a window."""
        return self.release == "2.0" and self.backend == "theano"

    def __str__(self) -> str:
        return f"{self.release}-{self.backend}-{'th' if self.channels_first else 'tf'}"


STYLES = [
    Style(release, backend, first)
    for release in VERSIONS
    for backend in ("theano", "tensorflow")
    for first in (True, False)
    if (release, backend) != ("tf", "theano")
]


def conv(generator, filters, size, channels=1, **keys):
    return {
        **{"kind": "conv", "strides": (1, 1), "padding": "valid", "activation": "linear"},
        "kernel": generator.normal(size=(filters, channels, *size)),
        "bias": generator.normal(size=filters),
        **keys,
    }


def pool(how, size, strides=None, padding="valid"):
    strides = strides or size
    return {"kind": "pool", "how": how, "size": size, "strides": strides, "padding": padding}


def act(function):
    return {"kind": "act", "function": function}


def norm(generator, channels):
    return {
        "kind": "norm",
        "gamma": generator.normal(1, 0.3, channels),
        "beta": generator.normal(size=channels),
        "mean": generator.normal(size=channels),
        "spread": generator.uniform(0.3, 2, channels),
    }


def dense(generator, features, units, activation="linear"):
    kernel = generator.normal(size=(features, units)) / np.sqrt(features)
    bias = generator.normal(size=units)
    return {"kind": "dense", "activation": activation, "kernel": kernel, "bias": bias}


def depthwise(generator, multiplier, size, channels, **keys):
    return conv(generator, multiplier, size, channels, **keys) | {
        "kind": "depthwise",
        "bias": generator.normal(size=multiplier * channels),
    }


def separable(generator, filters, size, channels, multiplier=2, **keys):
    layer = conv(generator, multiplier, size, channels, **keys)
    pointwise = generator.normal(size=(filters, multiplier * channels, 1, 1))
    bias = generator.normal(size=filters)
    return layer | {"kind": "separable", "pointwise": pointwise, "bias": bias}


def plain(kind, compute, **keys):
    """A layer without weights. kind: its class; keys: of its JSON; compute: of channels first."""
    return {"kind": "plain", "class": kind, "keys": keys, "compute": compute}


def prelu(slopes):
    """A PReLU. slopes: (channel, row, column), 1 where they are shared."""
    return {"kind": "prelu", "slopes": slopes}


FLATTEN = {"kind": "flatten"}
DROPOUT = {"kind": "dropout"}


# ---- what it computes ----------------------------------------------------------------------------


def results(model, images, style: Style):
    """Return the result of each layer for images (n, height, width, channels), float64.

    The results have their channels first.
    """
    values = np.moveaxis(images, -1, 1).astype(np.float64)
    found = []
    for layer in model:
        values = _COMPUTE[layer["kind"]](layer, values, style)
        found.append(values)
    return found


def _convolution(layer, images, style):
    out = np.stack(
        [[_one_map(image, kernel, layer, style) for kernel in layer["kernel"]] for image in images]
    )
    if layer["bias"] is not None:
        out = out + layer["bias"][:, None, None]
    return _function(layer["activation"], out, style)


def _depthwise(layer, images, style):
    """Each channel by itself; Keras turned these kernels for Theano, so that it correlates."""
    kernels = layer["kernel"].swapaxes(0, 1)  # (channel, filter, row, column)
    if style.backend == "theano":
        kernels = kernels[..., ::-1, ::-1]
    out = np.stack(
        [
            [
                _one_map(channel[np.newaxis], kernel[np.newaxis], layer, style)
                for channel, of in zip(image, kernels, strict=True)
                for kernel in of
            ]
            for image in images
        ]
    )
    if layer["kind"] == "separable":
        out = np.einsum("nchw,fc->nfhw", out, layer["pointwise"][:, :, 0, 0])
    return _function(layer["activation"], out + layer["bias"][:, None, None], style)


def _one_map(image, kernel, layer, style):
    rows, columns = layer["strides"]
    if style.backend == "theano":
        # All of the convolution, then the middle of it.
        total = sum(convolve2d(c, k, "full") for c, k in zip(image, kernel, strict=True))
        height, width = kernel.shape[1:]
        if layer["padding"] == "same":
            top, left = (height - 1) // 2, (width - 1) // 2
            total = total[top : top + image.shape[1], left : left + image.shape[2]]
        else:
            total = total[height - 1 : image.shape[1], width - 1 : image.shape[2]]
        return total[::rows, ::columns]
    if layer["padding"] == "same":
        pads = [(0, 0)]
        for length, size, stride in zip(
            image.shape[1:], kernel.shape[1:], (rows, columns), strict=True
        ):
            pad = max((int(np.ceil(length / stride)) - 1) * stride + size - length, 0)
            pads.append((pad // 2, pad - pad // 2))
        image = np.pad(image, pads)
    total = sum(correlate2d(c, k, "valid") for c, k in zip(image, kernel, strict=True))
    return total[::rows, ::columns]


def _pooling(layer, images, style):
    windows = []
    for length, size, stride in zip(images.shape[2:], layer["size"], layer["strides"], strict=True):
        if layer["padding"] == "valid":
            count, before = (length - size) // stride + 1, 0
        else:
            count = int(np.ceil(length / stride))
            if style.backend == "theano":
                before = size - 2 if size > 2 and size % 2 == 1 else size - 1
            else:
                before = max((count - 1) * stride + size - length, 0) // 2
        starts = [k * stride - before for k in range(count)]
        windows.append([slice(max(s, 0), min(s + size, length)) for s in starts])
    how, (rows, columns) = np.max if layer["how"] == "max" else np.mean, windows
    if style.counts_padding and layer["padding"] == "same" and layer["how"] == "average":

        def how(window, axis):
            return window.sum(axis) / np.prod(layer["size"])

    found = [[how(images[:, :, r, c], axis=(2, 3)) for c in columns] for r in rows]
    return np.array(found).transpose(2, 3, 0, 1)


def _normalised(layer, values, style):
    shape = [1] * values.ndim
    shape[layer.get("place", 1)] = -1
    gamma, beta, mean, spread = (
        layer[name].reshape(shape) for name in ("gamma", "beta", "mean", "spread")
    )
    divisor = spread + EPSILON if style.release == "0.3" else np.sqrt(spread + EPSILON)
    return gamma * (values - mean) / divisor + beta


def _flattened(_, values, style):
    # Keras 2.2 brings channels last before; all others take the numbers as they lie.
    if not style.channels_first or (style.is_second and style.release != "2.0"):
        values = values.transpose(0, 2, 3, 1)
    return values.reshape(len(values), -1)


def _dense(layer, values, style):
    return _function(layer["activation"], values @ layer["kernel"] + layer["bias"], style)


def _function(name, x, style):
    if name == "softmax":
        # The last axis, as the numbers lay.
        axis = 1 if x.ndim == 4 and not style.channels_first else -1
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)
    return ACTIVATIONS[name](x)


_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": None,  # which depends on the style
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(x)),
    "exponential": np.exp,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
}
_COMPUTE = {
    "conv": _convolution,
    "depthwise": _depthwise,
    "separable": _depthwise,
    "plain": lambda layer, values, style: layer["compute"](values),
    "prelu": lambda layer, values, style: np.where(values > 0, values, layer["slopes"] * values),
    "pool": _pooling,
    "act": lambda layer, values, style: _function(layer["function"], values, style),
    "norm": _normalised,
    "flatten": _flattened,
    "dense": _dense,
    "dropout": lambda layer, values, style: values,
}


# ---- the JSON ------------------------------------------------------------------------------------


def class_name(layer, style: Style) -> str:
    return {
        "conv": "Conv2D" if style.is_second else "Convolution2D",
        "depthwise": "DepthwiseConv2D",
        "separable": "SeparableConv2D" if style.is_second else "SeparableConvolution2D",
        "plain": layer.get("class"),
        "prelu": "PReLU",
        "pool": "MaxPooling2D" if layer.get("how") == "max" else "AveragePooling2D",
        "act": "Activation",
        "norm": "BatchNormalization",
        "flatten": "Flatten",
        "dense": "Dense",
        "dropout": "Dropout",
    }[layer["kind"]]


def names(model, style: Style) -> list[str]:
    """Return the layers' names as the release numbers them."""
    found: list[str] = []
    for layer in model:
        base = class_name(layer, style).lower()
        found.append(f"{base}_{sum(name.startswith(f'{base}_') for name in found) + 1}")
    return found


def config(layer, style: Style) -> dict:  # noqa: PLR0911, PLR0912 - one for each kind
    """Return a layer's keys as the release calls them."""
    second, first = style.is_second, style.channels_first
    order = {"dim_ordering": "th" if first else "tf"}
    if second:
        order = {"data_format": "channels_first" if first else "channels_last"}
    padding = {("padding" if second else "border_mode"): layer.get("padding")}
    activation = {"activation": layer.get("activation")}
    if style.release != "0.3":
        activation["use_bias" if second else "bias"] = layer.get("bias") is not None
    match layer["kind"]:
        case "conv":
            filters, _, rows, columns = layer["kernel"].shape
            size = {"nb_filter": filters, "nb_row": rows, "nb_col": columns}
            if second:
                size = {"filters": filters, "kernel_size": [rows, columns], "dilation_rate": [1, 1]}
            strides = {("strides" if second else "subsample"): list(layer["strides"])}
            return {**size, **strides, **padding, **order, **activation}
        case "depthwise" | "separable":
            like = {**layer, "kind": "conv", "kernel": layer.get("pointwise", layer["kernel"])}
            multiplier, _, *size = layer["kernel"].shape
            named = dict(zip(("nb_row", "nb_col"), size, strict=True))
            own = {"kernel_size": size} if second else named
            return {**config(like, style), **own, "depth_multiplier": multiplier}
        case "plain":
            return {**layer["keys"], **(order if second else {})}
        case "prelu":
            return {}  # Keras 1 does not record which axes share their slopes
        case "pool":
            size = {"pool_size": list(layer["size"]), "strides": list(layer["strides"])}
            return {**size, **padding, **order}
        case "norm":
            axis = layer.get("axis", 1 if first and not layer.get("flat") else -1)
            more = {"scale": True, "center": True} if second else {"mode": 0}
            return {"axis": [axis] if style.release == "tf" else axis, "epsilon": EPSILON, **more}
        case "dense":
            return {("units" if second else "output_dim"): layer["kernel"].shape[1], **activation}
        case "act":
            return {"activation": layer["function"]}
        case "flatten":
            return order if second and style.release != "2.0" else {}
        case "dropout":
            return {("rate" if second else "p"): 0.25}


def architecture(model, style: Style, size=(12, 13), channels=1) -> dict:
    """Return the JSON, as a dict that a test may change."""
    shape = [channels, *size] if style.channels_first else [*size, channels]
    configs = [
        {"name": name, "trainable": True, **config(layer, style)}
        for name, layer in zip(names(model, style), model, strict=True)
    ]
    kinds = [class_name(layer, style) for layer in model]
    if style.release == "0.3":
        for kind, each in zip(kinds, configs, strict=True):
            each |= {"name": kind, "custom_name": kind.lower()}
        configs[0]["input_shape"] = shape
        return {"name": "Sequential", "layers": configs, "loss": "binary_crossentropy"}
    if style.release != "tf":
        configs[0]["batch_input_shape"] = [None, *shape]
    layers = [
        {"class_name": kind, "config": each} for kind, each in zip(kinds, configs, strict=True)
    ]
    if style.release == "tf":
        told = {"batch_input_shape": [None, *shape], "name": "input_1"}
        layers.insert(0, {"class_name": "InputLayer", "config": told})
    whole = {"name": "sequential_1", "layers": layers} if style.release in ("2.2", "tf") else layers
    found = {"class_name": "Sequential", "config": whole, "keras_version": VERSIONS[style.release]}
    return {**found, "backend": style.backend} if style.is_second else found


# ---- the weights ---------------------------------------------------------------------------------


def weights(layer, style: Style) -> dict[str, np.ndarray]:
    """Return a layer's weights with the names and the orientation in the file."""
    if layer["kind"] == "norm":
        mean, spread = "running_mean", "running_std"
        if style.is_second:
            mean, spread = "moving_mean", "moving_variance"
        both = {name: layer[name] for name in ("gamma", "beta")}
        return {**both, mean: layer["mean"], spread: layer["spread"]}
    if layer["kind"] == "prelu":
        slopes = layer["slopes"]
        return {"alpha": slopes if style.channels_first else slopes.transpose(1, 2, 0)}
    if "kernel" not in layer:
        return {}
    kernels = [layer[name] for name in ("kernel", "pointwise") if name in layer]
    if layer["kind"] != "dense" and (style.is_second or not style.channels_first):
        kernels = [kernel.transpose(2, 3, 1, 0) for kernel in kernels]
    both = dict(zip(("kernel" if style.is_second else "W", "pointwise"), kernels, strict=False))
    if layer["bias"] is not None:
        both["bias" if style.is_second else "b"] = layer["bias"]
    return both


def write_weights(path: Path, model, style: Style, *, full=False, text=False) -> Path:
    """Write the weights; full: with the JSON; text: names as str."""
    with h5py.File(path, "w") as file:
        group = file
        if full:
            group = file.create_group("model_weights")
            whole = architecture(model, style)
            told = {key: whole[key] for key in ("class_name", "config")}
            file.attrs["model_config"] = json.dumps(told).encode()
            file.attrs["keras_version"] = VERSIONS[style.release].encode()
        if style.release == "0.3":
            _write_numbered(group, model, style)
            return path
        if style.is_second:
            for each in {group, file}:
                each.attrs["backend"] = style.backend.encode()
                each.attrs["keras_version"] = VERSIONS[style.release].encode()
        called = names(model, style)
        _write_names(group, "layer_names", called, text)
        for name, layer in zip(called, model, strict=True):
            inner = group.create_group(name)
            separator, end = ("/", ":0") if style.is_second else ("_", "")
            found = {f"{name}{separator}{key}{end}": v for key, v in weights(layer, style).items()}
            _write_names(inner, "weight_names", list(found), text)
            for key, values in found.items():
                inner[key] = values.astype(np.float32)
    return path


def _write_names(group, key, found, text):
    # Of fixed length, as in the files of 2016; text of any length is what newer h5py makes.
    group.attrs[key] = found if text or not found else np.array([name.encode() for name in found])


def _write_numbered(group, model, style):
    group.attrs["nb_layers"] = len(model)
    for number, layer in enumerate(model):
        inner = group.create_group(f"layer_{number}")
        found = list(weights(layer, style).values())
        inner.attrs["nb_params"] = len(found)
        for k, values in enumerate(found):
            inner[f"param_{k}"] = values.astype(np.float32)


def write(
    folder: Path, model, style: Style, size=(12, 13), channels=1, **options
) -> tuple[Path, Path]:
    """Write both files; gives the paths of JSON and weights."""
    path = folder / "model.json"
    path.write_text(json.dumps(architecture(model, style, size, channels)))
    return path, write_weights(folder / "weights.h5", model, style, **options)
