import h5py
import numpy as np
import pytest

from reportgen.build.image_tasks import BATCH, _batches
from reportgen.data.images import ImageStack
from reportgen.reduce.maps import CountImages


@pytest.fixture
def stack(tmp_path):
    with h5py.File(tmp_path / "cutouts.h5", "w") as file:
        file["images"] = np.arange(20.0).reshape(20, 1, 1) * np.ones((1, 3, 3))
    return ImageStack("radio", tmp_path / "cutouts.h5", "images", (20, 3, 3, 1))


def places(stack, *spans):
    """Return the places of the images of each batch, by what is in them."""
    batches = list(_batches(stack, [CountImages(None, *span) for span in spans]))
    for batch in batches:
        assert batch.images[0, 0, 0, 0] == batch.first
    return [batch.images[:, 0, 0, 0].astype(int).tolist() for batch in batches]


@pytest.mark.parametrize("others", [[], [(0, 1)], [(0, 20)], [(1, 2), (5, 9)], [(14, 2)]])
def test_images_are_split_in_the_same_way_whatever_else_is_wanted(stack, others):
    """How they are split may change the last digit of a sum."""
    mine = set(range(3, 15))
    batches = places(stack, (3, 12), *others)
    split = [[place for place in batch if place in mine] for batch in batches]
    assert [part for part in split if part] == [[*range(3, BATCH)], [*range(BATCH, 15)]]
    read = [place for batch in batches for place in batch]
    assert len(read) == len(set(read))


def test_images_far_from_those_that_are_wanted_are_not_read(stack):
    assert places(stack, (17, 1)) == [[16, 17, 18, 19]]
    assert places(stack, (0, 2), (16, 9)) == [[*range(8)], [16, 17, 18, 19]]
    assert places(stack) == []
