import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

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


def test_the_only_dataset_of_images_needs_no_name(opened, refusal, path):
    assert opened(IMAGES, "images.cutouts.dataset=null").shape == (7, 4, 5, 1)
    with h5py.File(path, "a") as file:
        file["table"] = np.zeros((9, 2))
        file["more"] = IMAGES
    message = refusal(opened, None, "images.cutouts.dataset=null")
    assert message.endswith("atlas.h5: holds 2 datasets of images")


def test_the_unit_of_a_file_serves_where_the_configuration_names_none(opened, path):
    opened(IMAGES)
    with h5py.File(path, "a") as file:
        file["images"].attrs["unit"] = "mJy/beam"
    assert opened().images.unit == "Jy / beam"
    assert opened(None, "images.cutouts.unit=null").images.unit == "mJy / beam"


@pytest.fixture
def of_fits(opened, tmp_path):
    """Open what FITS files hold, as images without a unit and a scale of the configuration."""

    def of_fits(name, *overrides):
        keys = {"file": name, "dataset": "null", "unit": "null", "pixel_scale": "null"}
        sets = [f"images.cutouts.{key}={value}" for key, value in keys.items()]
        return opened(None, *sets, *overrides)

    return of_fits


def write(path, data, **cards):
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    hdu.writeto(path)


def test_each_cut_out_has_the_header_of_its_file(of_fits, tmp_path):
    (tmp_path / "cut").mkdir()
    for place, image in enumerate(IMAGES.astype("f4")):
        cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0 * place}
        cards |= {"CDELT1": -0.001, "CDELT2": 0.001, "BUNIT": "Jy/beam", "HISTORY": "made"}
        write(tmp_path / f"cut/{place}.fits", image, **cards)
    stack = of_fits("cut")
    assert (stack.shape, stack.images.unit, stack.remarks) == ((7, 4, 5, 1), "Jy / beam", ())
    assert np.concatenate(list(stack.batches(3))).tolist() == IMAGES[..., np.newaxis].tolist()
    assert stack.about(2).sky(4, 5).wcs.wcs.crval[0] == 20
    assert "HISTORY" not in stack.about(2).header
    assert of_fits("cut", "images.cutouts.pixel_scale=2").about(2).sky(4, 5) is None
    (tmp_path / "cut/3.fits").unlink()
    with pytest.raises(SourceError, match="there are only 6 left of 7"):
        list(stack.batches(7))


@pytest.mark.parametrize("axis", [1, 3])
def test_colours_of_fits_have_their_channels_last(of_fits, tmp_path, axis):
    colours = np.arange(7 * 8 * 9 * 3, dtype="f4").reshape(7, 8, 9, 3)
    write(tmp_path / "colour.fits", np.moveaxis(colours, 3, axis))
    stack = of_fits("colour.fits")
    assert stack.shape == (7, 8, 9, 3)
    assert np.concatenate(list(stack.batches(2))).tolist() == colours.tolist()


def test_what_is_strange_about_a_header_is_remarked_and_no_error(of_fits, opened, tmp_path):
    cards = {"BUNIT": "furlongs", "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": 0.0}
    write(tmp_path / "odd.fits", IMAGES.astype("f4"), **cards)
    unit, sky = of_fits("odd.fits").remarks
    assert unit == "astropy does not know the unit 'furlongs'; it is shown as it is"
    assert sky.startswith("the WCS of its header makes no sense (")
    settled = of_fits("odd.fits", "images.cutouts.unit=Jy", "images.cutouts.pixel_scale=1")
    assert settled.remarks == ()


def test_files_of_other_formats_hold_no_images(of_fits, refusal, tmp_path):
    Table({"a": [1.0], "b": [2.0]}).write(tmp_path / "table.ecsv")
    assert refusal(of_fits, "table.ecsv").endswith("holds a table of 2 columns, not images")
    message = refusal(of_fits, "nothing.fits")
    assert message.endswith("images.cutouts.file: nothing.fits: there is no such file")
