"""Layers of old networks in Keras 3 on TensorFlow, channels last.

Where Theano padded in another way than TensorFlow, as it did. Its ways are those of
``backend/theano_backend.py`` in Keras 0.3.3 to 2.3.1: ``conv2d`` with ``same`` pads half a kernel
on both sides and cuts what is too much at the end; ``pool2d`` with ``same`` pads size - 1, or
size - 2 for odd sizes above 2, on both sides and cuts.
"""

from typing import Any

import numpy as np

from reportgen.cnn import layers
from reportgen.cnn.network import Network


class Rebuilder:
    """Adds one layer after another to a Keras model of a network."""

    def __init__(self, keras: Any, network: Network) -> None:
        self._keras = keras
        self._network = network
        self._is_theano = network.trained_with == "theano"

    def add(  # noqa: PLR0912 - one for each kind
        self, layer: layers.Layer, tensor: Any, shape: layers.Shape
    ) -> Any:
        """Return the tensor after a layer; shape: of the one before, without images."""
        ops = self._keras.ops
        match layer:
            case layers.Convolution():
                tensor = self._convolution(layer, tensor, shape)
            case layers.Pooling():
                tensor = self._pooling(layer, tensor, shape)
            case layers.GlobalPooling(kind=kind):
                reduce = ops.max if kind == "max" else ops.mean
                tensor = reduce(tensor, axis=(1, 2), keepdims=layer.keeps_axes)
            case layers.ZeroPadding():
                tensor = ops.pad(tensor, ((0, 0), layer.rows, layer.columns, (0, 0)))
            case layers.Cropping(rows=(top, _), columns=(left, _)):
                rows, columns, _ = layer.output_shape(shape)
                tensor = tensor[:, top:, left:][:, :rows, :columns]
            case layers.UpSampling():
                how = "bilinear" if layer.is_bilinear else "nearest"
                tensor = self._keras.layers.UpSampling2D(layer.size, interpolation=how)(tensor)
            case layers.Flatten():
                if layer.channels_first:
                    tensor = ops.transpose(tensor, (0, 3, 1, 2))
                tensor = self._keras.layers.Flatten()(tensor)
            case layers.Dense():
                made = self._keras.layers.Dense(layer.units, use_bias=layer.has_bias)
                tensor = self._activation(
                    layer.activation, self._weighted(made, layer, tensor, shape)
                )
            case layers.BatchNormalization():
                others = [1] * len(shape)
                others[layer.axis] = -1
                found = self._network.parameters[layer.index]
                scale, shift = (found[name].reshape(others) for name in ("scale", "shift"))
                tensor = tensor * scale + shift
            case layers.Activation():
                tensor = self._activation(layer.function, tensor)
            case layers.Softmax(axis=axis):
                tensor = ops.softmax(tensor, axis=axis + 1)
            case layers.Rectifier():
                tensor = self._rectified(layer, tensor)
            case layers.ParametricRectifier():
                slopes = self._network.parameters[layer.index]["slopes"]
                tensor = ops.relu(tensor) - ops.relu(-tensor) * slopes
            case layers.ExponentialUnit(alpha=alpha):
                tensor = ops.relu(tensor) + alpha * ops.elu(-ops.relu(-tensor))
        return tensor  # of an Identity as it was

    def _weighted(self, made: Any, layer: layers.Layer, tensor: Any, shape: layers.Shape) -> Any:
        result = made(tensor)
        found = self._network.parameters[layer.index]
        made.set_weights([found[name] for name in layer.parameter_shapes(shape)])
        return result

    def _convolution(self, layer: layers.Convolution, tensor: Any, shape: layers.Shape) -> Any:
        pads_as_theano = self._is_theano and layer.padding == "same"
        if pads_as_theano:
            tensor = self._padded(tensor, (layer.size[0] // 2, layer.size[1] // 2), 0.0)
        how: dict[str, Any] = {
            "strides": layer.strides,
            "padding": "valid" if pads_as_theano else layer.padding,
            "use_bias": layer.has_bias,
        }
        keras = self._keras.layers
        match layer:
            case layers.DepthwiseConvolution():
                made = keras.DepthwiseConv2D(layer.size, depth_multiplier=layer.filters, **how)
            case layers.SeparableConvolution():
                how["depth_multiplier"] = layer.multiplier
                made = keras.SeparableConv2D(layer.filters, layer.size, **how)
            case _:
                made = keras.Conv2D(layer.filters, layer.size, **how)
        result = self._weighted(made, layer, tensor, shape)
        if pads_as_theano:
            rows, columns, _ = layer.output_shape(shape)
            result = result[:, :rows, :columns]
        return self._activation(layer.activation, result)

    def _pooling(self, layer: layers.Pooling, tensor: Any, shape: layers.Shape) -> Any:
        keras = self._keras.layers
        kind = keras.MaxPooling2D if layer.kind == "max" else keras.AveragePooling2D
        if not (self._is_theano and layer.padding == "same"):
            return kind(layer.size, strides=layer.strides, padding=layer.padding)(tensor)
        pads = tuple(size - 2 if size > 2 and size % 2 else size - 1 for size in layer.size)
        # Theano leaves the padding out of the largest number, and mostly of the mean.
        nothing = -np.inf if layer.kind == "max" else 0.0
        tensor = self._padded(tensor, (pads[0], pads[1]), nothing)
        rows, columns, _ = layer.output_shape(shape)
        result = kind(layer.size, strides=layer.strides)(tensor)[:, :rows, :columns]
        if layer.kind == "max" or layer.counts_padding:
            return result
        axes = zip(shape[:2], layer.size, layer.strides, pads, strict=True)
        share = np.multiply.outer(*(_share_inside(*axis) for axis in axes))
        return result / share.astype(np.float32)[:, :, np.newaxis]

    def _padded(self, tensor: Any, pads: layers.Pair, value: float) -> Any:
        rows, columns = pads
        around = (0, 0), (rows, rows), (columns, columns), (0, 0)
        return self._keras.ops.pad(tensor, around, mode="constant", constant_values=value)

    def _activation(self, name: str, tensor: Any) -> Any:
        if name == "linear":
            return tensor
        if name == "softmax" and len(tensor.shape) == 4:
            # Keras 2 took the last axis, which for channels-first maps is that of the columns.
            axis = 2 if self._network.architecture.channels_first else 3
            return self._keras.ops.softmax(tensor, axis=axis)
        ops = self._keras.ops
        match name:
            case "hard_sigmoid":  # Keras 3 has another slope
                return ops.clip(0.2 * tensor + 0.5, 0.0, 1.0)
            case "gelu":
                return ops.gelu(tensor, approximate=False)
            case "mish":
                return tensor * ops.tanh(ops.softplus(tensor))
        return getattr(ops, {"exponential": "exp", "swish": "silu"}.get(name, name))(tensor)

    def _rectified(self, layer: layers.Rectifier, tensor: Any) -> Any:
        """As ``relu`` in ``backend/tensorflow_backend.py`` of Keras 2.2.4."""
        ops = self._keras.ops
        above = ops.relu(tensor)
        if layer.threshold != 0:
            above = ops.where(tensor > layer.threshold, tensor, 0.0)
        if layer.most is not None:
            above = ops.clip(above, 0.0, layer.most)
        if layer.slope == 0:
            return above
        return above - layer.slope * ops.relu(layer.threshold - tensor)


def _share_inside(length: Any, size: int, stride: int, pad: int) -> Any:
    """Return which share of each window of a padded axis lies in the image."""
    starts = np.arange(-(-length // stride)) * stride - pad
    inside = np.minimum(starts + size, length) - np.maximum(starts, 0)
    return inside / size
