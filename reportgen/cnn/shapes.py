"""How large the result of each layer is, and its parameters."""

from collections.abc import Iterator

from reportgen.cnn.layers import (
    Activation,
    Architecture,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Padding,
    Pooling,
    Shape,
    Unsupported,
)


class TooSmallError(Exception):
    """A window does not fit into the maps that a layer gets."""


def output_shape(layer: Layer, shape: Shape) -> Shape:
    """Give the shape of a layer's result from that of what it gets.

    The rules are those of all Keras releases: ``valid`` windows lie inside the image, ``same``
    gives one number per stride. TooSmallError says which window does not fit.
    """
    match layer:
        case Convolution():
            rows, columns = _windows(layer, shape)
            return (rows, columns, layer.filters)
        case Pooling():
            rows, columns = _windows(layer, shape)
            return (rows, columns, shape[2])
        case Flatten():
            return (product(shape),)
        case Dense():
            return (layer.units,)
        case Activation() | Dropout() | BatchNormalization():
            return shape
        case _:
            raise TypeError(f"{type(layer).__name__} has no shape")


def product(shape: Shape) -> int | None:
    """Give how many numbers a shape holds."""
    total = 1
    for length in shape:
        if length is None:
            return None
        total *= length
    return total


def _windows(layer: Convolution | Pooling, shape: Shape) -> tuple[int | None, int | None]:
    rows, columns = (
        _count(length, size, stride, layer.padding)
        for length, size, stride in zip(shape[:2], layer.size, layer.strides, strict=True)
    )
    if 0 in (rows, columns):
        raise TooSmallError(
            f"layer {layer.name} has windows of {layer.size[0]}×{layer.size[1]} and gets maps of "
            f"{shape[0]}×{shape[1]}"
        )
    return rows, columns


def _count(length: int | None, size: int, stride: int, padding: Padding) -> int | None:
    if length is None:
        return None
    if padding == "same":
        return -(-length // stride)
    return (length - size) // stride + 1 if length >= size else 0


def parameter_shapes(layer: Layer, shape: Shape) -> dict[str, Shape]:
    """Give name and shape of a layer's parameters, as TensorFlow wants them.

    shape: of what the layer gets. Batch normalisation has what its file holds: gamma and beta if
    they were learned, mean and spread.
    """
    found: dict[str, Shape] = {}
    match layer:
        case Convolution():
            found["kernel"] = (*layer.size, shape[2], layer.filters)
            if layer.has_bias:
                found["bias"] = (layer.filters,)
        case Dense():
            found["kernel"] = (shape[0], layer.units)
            if layer.has_bias:
                found["bias"] = (layer.units,)
        case BatchNormalization():
            names = ["gamma"] * layer.has_gamma + ["beta"] * layer.has_beta + ["mean", "spread"]
            found = dict.fromkeys(names, (shape[-1],))
    return found


def rebuildable(architecture: Architecture) -> Iterator[tuple[Layer, Shape]]:
    """Give each layer before the first unsupported one, with the shape of what it gets.

    The shapes are those of the model's own input, as far as it is recorded.
    """
    shape = architecture.input_shape or (None, None, None)
    for layer in architecture.layers:
        if isinstance(layer, Unsupported):
            return
        yield layer, shape
        shape = output_shape(layer, shape)
