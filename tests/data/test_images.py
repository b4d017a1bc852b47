import h5py
import numpy as np
import pytest

from reportgen.config.loader import load_report
from reportgen.config.schema import CatalogueSection
from reportgen.data.images import ImageStack, open_images
from reportgen.errors import ExitCode, SourceError

YAML = """\
report: {id: x, title: x}
catalogues:
  any: {file: atlas.h5, dataset: x, columns: {x: {}}}
images:
  cutouts:
    file: atlas.h5
    dataset: /images
    unit: Jy / beam
    pixel_scale: 0.6
sections:
  s: {analysis: any, catalogue: any, title: s}
"""
IMAGES = np.arange(7 * 4 * 5).reshape(7, 4, 5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "atlas.h5"


@pytest.fixture
def opened(tmp_path, path):
    (tmp_path / "cdfs.yaml").write_text(YAML)

    def opened(data=None, *overrides, **options) -> ImageStack:
        if data is not None:
            with h5py.File(path, "w") as file:
                file.create_dataset("images", data=data, **options)
        report = load_report(tmp_path / "cdfs.yaml", {"any": CatalogueSection}, overrides, {})
        return open_images(report, "cutouts")

    return opened


@pytest.fixture
def refusal(tmp_path):
    def refusal(action, *arguments):
        with pytest.raises(SourceError) as caught:
            action(*arguments)
        assert caught.value.exit_code == ExitCode.SOURCE == 5
        return caught.value.message.replace(f"{tmp_path}/", "")

    return refusal


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1", "f2"])
@pytest.mark.parametrize("layout", [{}, {"chunks": (2, 4, 5), "compression": "gzip"}])
def test_images_come_in_order_in_batches(opened, dtype, layout):
    stack = opened(IMAGES.astype(dtype), **layout)
    assert stack.shape == (7, 4, 5, 1)
    assert (stack.images.unit, stack.images.pixel_scale) == ("Jy / beam", 0.6)
    batches = list(stack.batches(3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert {batch.dtype for batch in batches} == {np.dtype("f4")}
    assert np.concatenate(batches).tolist() == IMAGES[..., np.newaxis].tolist()


@pytest.mark.parametrize("axis", [1, 3])
def test_images_in_colour_have_their_channels_last_wherever_they_are_in_the_file(opened, axis):
    colours = np.arange(7 * 4 * 5 * 3).reshape(7, 4, 5, 3)
    stack = opened(np.moveaxis(colours, 3, axis))
    assert stack.shape == (7, 4, 5, 3)
    found = list(stack.batches(3))
    assert np.concatenate(found).tolist() == colours.tolist()


def test_batches_stop_where_asked(opened):
    stack = opened(IMAGES)
    assert [len(batch) for batch in stack.batches(3, stop=4)] == [3, 1]
    assert [len(batch) for batch in stack.batches(3, stop=99)] == [3, 3, 1]
    assert list(stack.batches(3, stop=0)) == []


def test_pixels_beyond_float32_become_infinite_without_a_warning(opened):
    stack = opened(np.array([[[1e300, np.nan], [-1e300, 1]]]))
    (batch,) = stack.batches(1)
    np.testing.assert_array_equal(batch[..., 0], [[[np.inf, np.nan], [-np.inf, 1]]])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros((4, 5, 3, 4)), "has shape (4, 5, 3, 4) of float64"),
        (np.zeros((4, 3, 5, 3)), "has shape (4, 3, 5, 3) of float64"),
        (np.zeros((4, 5)), "has shape (4, 5) of float64"),
        (np.zeros((1, 2, 3), dtype="S1"), "has shape (1, 2, 3) of texts"),
        (np.zeros((1, 2, 3), dtype=[("x", "f4")]), "has shape (1, 2, 3) of texts or others"),
    ],
)
def test_what_is_not_a_stack_of_images_is_named(opened, refusal, data, said):
    message = refusal(opened, data)
    assert message.startswith("cdfs.yaml:5:3: images.cutouts: atlas.h5: /images ")
    assert said in message
    assert message.endswith(", not that of images")


def test_a_missing_dataset_is_named_with_its_line(opened, refusal):
    assert refusal(opened, IMAGES, "images.cutouts.dataset=/image") == (
        "--set images.cutouts.dataset=/image: images.cutouts.dataset: atlas.h5: unknown dataset "
        "'/image'; did you mean '/images'? (known: /images)"
    )


def test_damage_found_while_reading_names_the_images(opened, refusal, path):
    stack = opened(IMAGES, chunks=(2, 4, 5), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\x00" * chunk.size)
    batches = stack.batches(2)
    assert next(batches)[..., 0].tolist() == IMAGES[:2].tolist()
    assert refusal(next, batches).startswith(
        "cdfs.yaml:5:3: images.cutouts: atlas.h5: /images: images 2 to 4 cannot be read: "
    )


def test_images_that_vanish_are_missed(opened, refusal, path):
    stack = opened(IMAGES, maxshape=(None, 4, 5))
    with h5py.File(path, "r+") as file:
        file["images"].resize(3, axis=0)
    assert refusal(list, stack.batches(2)).endswith("there are only 3 left of 7")
