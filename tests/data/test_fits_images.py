import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_formats import SHARED, damaged

from reportgen.data.dataset import ColumnPlace
from reportgen.data.images import image_facts
from reportgen.data.opening import describe_here, open_stack
from reportgen.errors import SourceError

IMAGE = np.random.default_rng(1).normal(size=(6, 9)).astype("f4")
SKY = {
    **{"CTYPE1": "RA---TAN", "CRVAL1": 10.0, "CRPIX1": 5.0, "CDELT1": -1 / 3600},
    **{"CTYPE2": "DEC--TAN", "CRVAL2": -30.0, "CRPIX2": 3.5, "CDELT2": 1 / 3600},
}
REAL = [path for path in sorted(SHARED.rglob("*.fits*")) if path.is_file()]


def write(path, data, *more, **cards):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = fits.PrimaryHDU(data)
        first.header.update(cards)
        fits.HDUList([first, *more]).writeto(path)
    return path


def packed(data, how, **cards):
    return fits.CompImageHDU(data, fits.Header(cards), compression_type=how)


def described(path, dataset=""):
    found = describe_here((path, dataset), images=True)
    if isinstance(found, SourceError):
        raise found
    return found


def read(path, dataset="", start=0, stop=None):
    """Return images as they are read, without a warning of a library."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stop = described(path, dataset).rows if stop is None else stop
        with open_stack(ColumnPlace(path, dataset)) as images:
            return images(start, stop)


def refusal(path, dataset=""):
    with pytest.raises(SourceError) as caught:
        read(path, dataset)
    said = caught.value.message.replace(f"{path.parent}/", "")
    return f"{said} | {caught.value.hint}"


@pytest.mark.parametrize(
    ("data", "cards"),
    [
        (IMAGE, {}),
        (IMAGE.astype("f8") * np.where(IMAGE > 1, np.nan, 1), {}),
        ((IMAGE * 100).astype("i2"), {}),
        ((IMAGE * 100).astype("i2"), {"BSCALE": 0.5, "BZERO": 10.0, "BLANK": 3}),
        ((IMAGE * 100 + 2000).astype("u2"), {}),
        ((IMAGE * 1e6).astype("i4"), {"BLANK": 0}),
        (np.arange(54, dtype="i8").reshape(6, 9) << 40, {}),
        (np.arange(54, dtype="u1").reshape(6, 9), {}),
    ],
)
def test_pixels_are_those_that_astropy_reads(tmp_path, data, cards):
    path = write(tmp_path / "image.fits", data, **cards)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = fits.getdata(path)
    np.testing.assert_array_equal(read(path), wanted[np.newaxis])
    packed = path.with_suffix(".fits.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read(packed), wanted[np.newaxis])


@pytest.mark.parametrize("how", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_images_that_are_packed_in_tiles_are_read_by_planes(tmp_path, how):
    planes = np.abs(np.random.default_rng(1).normal(50, 9, (5, 6, 9))).astype("i4")
    if how == "HCOMPRESS_1":
        planes = planes[:1]
    path = write(tmp_path / "stack.fits", None, packed(planes, how, BUNIT="Jy/beam", **SKY))
    assert described(path).columns[0].unit == "Jy / beam"
    assert image_facts(described(path)).pixel_scale == pytest.approx(1)
    np.testing.assert_array_equal(read(path), planes)
    np.testing.assert_array_equal(read(path, start=2, stop=4), planes[2:4])


@pytest.mark.parametrize(
    ("shape", "stack"),
    [
        ((6, 9), (1, 6, 9)),
        ((1, 1, 6, 9), (1, 6, 9)),
        ((4, 6, 9), (4, 6, 9)),
        ((1, 4, 6, 9), (4, 6, 9)),
        ((4, 1, 6, 9), (4, 6, 9)),
        ((4, 3, 6, 9), (4, 3, 6, 9)),
        ((2, 6, 9, 3), (2, 6, 9, 3)),
        ((1, 6, 9, 3), (1, 6, 9, 3)),
        ((2, 1, 4, 1, 6, 9), (2, 4, 6, 9)),
    ],
)
def test_axes_of_one_step_are_left_out(tmp_path, shape, stack):
    data = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    path = write(tmp_path / "image.fits", data)
    found = described(path)
    assert (found.rows, *found.columns[0].shape) == stack
    np.testing.assert_array_equal(read(path), data.reshape(stack))
    np.testing.assert_array_equal(read(path, start=1, stop=2), data.reshape(stack)[1:2])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), st.integers(0, 9))
def test_any_range_of_a_cube_is_read(tmp_path_factory, start, more):
    path = tmp_path_factory.getbasetemp() / "cube.fits"
    cube = np.arange(540, dtype="f4").reshape(1, 10, 6, 9)
    if not path.exists():
        write(path, cube)
    np.testing.assert_array_equal(
        read(path, "", start, start + more), cube[0, start : start + more]
    )


def test_an_image_is_found_by_name_or_number(tmp_path):
    hdus = [
        fits.ImageHDU(IMAGE, name="SCI"),
        fits.ImageHDU(IMAGE + 1, name="ERR"),
        fits.BinTableHDU(Table({"a": [1]}), name="LIST"),
    ]
    path = write(tmp_path / "several.fits", None, *hdus)
    assert read(path, "err").tolist() == read(path, "2").tolist() == [(IMAGE + 1).tolist()]
    listed = "1 (SCI): 9 × 6; 2 (ERR): 9 × 6"
    assert refusal(path) == (
        f"several.fits: holds 2 images | name one of them as dataset: {listed}"
    )
    for dataset, said in [
        ("0", "HDU 0 holds no data, not an image | images in the file"),
        ("list", "HDU list holds a table, not an image | images in the file"),
        ("sc", "unknown image 'sc'; did you mean 'SCI'?"),
        ("7", "has no HDU 7: the last one is 3"),
    ]:
        assert said in refusal(path, dataset)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "image.fits: holds headers but no image | name a file with an image"),
        (IMAGE[0], "image.fits: holds a list of 9 numbers but no image"),
        (np.zeros((4, 6, 6, 9)), "image.fits: HDU 0 has 9 × 6 × 6 × 4 values, in more axes"),
        (np.zeros((2, 3, 4, 5, 6)), "image.fits: HDU 0 has 6 × 5 × 4 × 3 × 2 values, in more axes"),
    ],
)
def test_what_is_no_image_is_said(tmp_path, data, said):
    assert refusal(write(tmp_path / "image.fits", data)).startswith(said)


def test_a_table_is_no_image_and_an_image_no_table(tmp_path):
    table = tmp_path / "table.fits"
    Table({"a": [1, 2]}).write(table)
    assert refusal(table) == (
        "table.fits: holds a table but no image | name a file with an image; a table is named "
        "under catalogues"
    )
    found = describe_here((write(tmp_path / "image.fits", IMAGE), ""))
    assert found.message.endswith("holds an image of 9 × 6 but no table")
    assert found.hint == "name a file with a table; an image is named under images"


def test_damaged_files_are_refused_in_words(tmp_path):
    image = write(tmp_path / "image.fits", IMAGE, **SKY)
    tiles = write(tmp_path / "tiles.fits", None, packed((IMAGE * 99).astype("i4"), "RICE_1"))
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in (image, tiles):
        for copy in damaged(path, folder, seed=3):
            found = describe_here((copy, ""), images=True)
            if not isinstance(found, SourceError):
                try:
                    read(copy)
                except SourceError as error:
                    found = error
            if isinstance(found, SourceError):
                assert found.message.startswith(f"{copy}: ")
                assert "\n" not in found.message


def cut_outs(folder, *shapes, **cards):
    folder.mkdir()
    for place, shape in enumerate(shapes):
        write(folder / f"c{place}.fits", np.full(shape, place, "f4"), **cards)
    (folder / "README.txt").write_text("hello")
    (folder / ".c9.fits").write_text("hidden")
    return folder


@pytest.mark.parametrize("end", ["", "c*.fits"])
def test_cut_outs_of_a_folder_or_a_pattern_are_a_stack_in_the_order_of_names(tmp_path, end):
    folder = cut_outs(tmp_path / "cut", (1, 6, 9), (6, 9), (1, 1, 6, 9), BUNIT="JY/BEAM")
    found = described(folder / end)
    assert (found.rows, found.columns[0].shape, found.columns[0].unit) == (3, (6, 9), "Jy / beam")
    assert read(folder / end)[:, 0, 0].tolist() == [0, 1, 2]
    assert read(folder / end, start=1, stop=2)[:, 0, 0].tolist() == [1]


def test_planes_of_cut_outs_are_their_channels(tmp_path):
    folder = cut_outs(tmp_path / "cut", (3, 6, 9), (3, 6, 9))
    assert described(folder).columns[0].shape == (3, 6, 9)
    assert read(folder).shape == (2, 3, 6, 9)


def test_cut_outs_that_differ_are_named(tmp_path):
    folder = cut_outs(tmp_path / "cut", (6, 9), (6, 8))
    assert refusal(folder) == (
        "cut/c1.fits: has 8 × 6 pixels, and c0.fits 9 × 6 pixels | name images of one shape and "
        "unit alone"
    )
    fits.setval(folder / "c0.fits", "BUNIT", value="Jy")
    write(folder / "c2.fits", IMAGE)
    assert "and c0.fits 9 × 6 pixels [Jy]" in refusal(folder / "c[02].fits")
    (folder / "c1.fits").write_bytes(b"SIMPLE  =")
    assert refusal(folder).startswith("cut/c1.fits: is truncated")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refusal(empty) == "empty: holds no FITS file | name the folder with the images"
    assert "c*.fts: no file matches" in refusal(folder / "c*.fts")


@pytest.mark.skipif(not REAL, reason="../shared/data has no FITS files")
def test_real_images_have_the_pixels_that_astropy_reads():
    images = 0
    for path in REAL:
        found = describe_here((path, ""), images=True)
        if isinstance(found, SourceError):
            assert "but no image" in found.message or "name one of them" in found.hint
            continue
        with warnings.catch_warnings(), fits.open(path) as hdus:
            warnings.simplefilter("ignore")
            wanted = next(
                np.asarray(hdu.data) for hdu in hdus if hdu.is_image and len(hdu.shape) > 1
            )
        np.testing.assert_array_equal(read(path).reshape(wanted.shape), wanted)
        image_facts(found)
        images += 1
    assert images > 12


def test_memory_grows_with_the_images_that_are_wanted_alone(tmp_path):
    import tracemalloc

    path = write(tmp_path / "stack.fits", np.zeros((400, 100, 100), "f4"))  # 16 MB
    tracemalloc.start()
    try:
        assert read(path, "", 300, 308).shape == (8, 100, 100)
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
    assert Path(path).stat().st_size > 16e6
