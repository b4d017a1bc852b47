"""Which layer is meant by an index, a name or nothing."""

import pytest

from reportgen.cnn.layers import (
    Activation,
    BatchNormalization,
    Convolution,
    Dropout,
    Pooling,
)
from reportgen.cnn.network import Architecture, Network
from reportgen.errors import SectionError


def model(*kinds):
    made = {
        "conv": lambda name, i: Convolution(name, i, 2, (3, 3)),
        "conv_relu": lambda name, i: Convolution(name, i, 2, (3, 3), activation="relu"),
        "act": lambda name, i: Activation(name, i, "relu"),
        "norm": lambda name, i: BatchNormalization(name, i, 1e-3, (1, 0, 8)),
        "pool": lambda name, i: Pooling(name, i, "max", (2, 2), (2, 2)),
        "drop": Dropout,
    }
    layers = tuple(made[kind](f"{kind}_{i}", i) for i, kind in enumerate(kinds))
    return Architecture(layers, channels_first=True)


@pytest.mark.parametrize(
    ("kinds", "index"),
    [
        ("conv act pool conv act pool drop", 4),
        ("conv act pool", 1),
        ("conv norm act pool", 2),
        ("conv norm pool act", 0),
        ("conv pool act", 0),
        ("conv", 0),
        ("conv_relu act", 0),
        ("conv act conv_relu norm", 2),
    ],
)
def test_without_a_wish_it_is_the_last_convolution_with_its_activation(kinds, index):
    found = model(*kinds.split())
    assert found.find_layer() == index
    assert Network(found, {}).find_layer(None) == index


def test_a_model_without_convolutions_has_no_such_layer():
    with pytest.raises(SectionError, match="no convolution") as caught:
        model("pool", "act").find_layer()
    assert caught.value.hint == "layers: 0 pool_0, 1 act_1"


def test_a_layer_is_found_by_index_and_by_name():
    found = model("conv", "act", "pool")
    assert found.find_layer(2) == found.find_layer("pool_2") == 2


def test_an_unknown_name_comes_with_the_nearest():
    with pytest.raises(SectionError, match="did you mean 'pool_2'"):
        model("conv", "act", "pool").find_layer("pol_2")


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_beyond_the_model_lists_the_layers(index):
    with pytest.raises(SectionError, match=f"no layer {index}: the model has 3") as caught:
        model("conv", "act", "pool").find_layer(index)
    assert caught.value.hint == "layers: 0 conv_0, 1 act_1, 2 pool_2"
