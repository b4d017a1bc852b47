"""The notebook's network as Keras 1.0.8 wrote it: architecture in JSON, weights in HDF5."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.sample.network import FILTERS, HIDDEN, PATCH, POOL, SIDE

if TYPE_CHECKING:
    import h5py

VERSION = "1.0.8"

# What Keras wrote of every layer with weights, whatever its use.
UNCONSTRAINED = {
    "W_regularizer": None,
    "b_regularizer": None,
    "activity_regularizer": None,
    "W_constraint": None,
    "b_constraint": None,
    "bias": True,
}
CONVOLUTION = {
    "nb_filter": FILTERS,
    "nb_row": SIDE,
    "nb_col": SIDE,
    "init": "glorot_uniform",
    "activation": "linear",
    "border_mode": "valid",
    "subsample": [1, 1],
    "dim_ordering": "th",
    **UNCONSTRAINED,
}
POOLING = {
    "pool_size": [POOL, POOL],
    "border_mode": "valid",
    "strides": [POOL, POOL],
    "dim_ordering": "th",
}
DENSE = {"init": "glorot_uniform", "activation": "linear", **UNCONSTRAINED, "input_dim": None}
LAYERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Convolution2D", "convolution2d_1", CONVOLUTION),
    ("Activation", "activation_1", {"activation": "relu"}),
    ("MaxPooling2D", "maxpooling2d_1", POOLING),
    ("Convolution2D", "convolution2d_2", CONVOLUTION),
    ("Activation", "activation_2", {"activation": "relu"}),
    ("MaxPooling2D", "maxpooling2d_2", POOLING),
    ("Dropout", "dropout_1", {"p": 0.25}),
    ("Flatten", "flatten_1", {}),
    ("Dense", "dense_1", {"output_dim": HIDDEN, **DENSE}),
    ("Activation", "activation_3", {"activation": "sigmoid"}),
    ("Dense", "dense_2", {"output_dim": 1, **DENSE}),
    ("Activation", "activation_4", {"activation": "sigmoid"}),
)
INPUT = {"batch_input_shape": [None, 1, PATCH, PATCH], "input_dtype": "float32"}


def architecture() -> dict[str, Any]:
    """The content of the JSON file, keys in Keras's order."""
    layers = [
        {
            "class_name": kind,
            # The first layer says also what goes in.
            "config": {"name": name, "trainable": True, **({} if k else INPUT), **settings},
        }
        for k, (kind, name, settings) in enumerate(LAYERS)
    ]
    return {"class_name": "Sequential", "config": layers, "keras_version": VERSION}


def write_weights(
    file: "h5py.File", weights: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> None:
    """Write weights and biases of layers, by name, in the layout of ``save_weights``."""
    file.attrs["layer_names"] = np.array([name.encode() for _, name, _ in LAYERS])
    for _, name, _ in LAYERS:
        group = file.create_group(name)
        arrays = dict(zip((f"{name}_W", f"{name}_b"), weights.get(name, ()), strict=False))
        # Keras gave h5py a list: one that is empty became an array of float64.
        group.attrs["weight_names"] = np.array([key.encode() for key in arrays])
        for key, array in arrays.items():
            group.create_dataset(key, data=array)
