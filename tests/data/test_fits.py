import gzip
import threading
import tracemalloc
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from tables_of_formats import FORMATS, SHARED, read, refused, same
from tables_of_formats import described as described_by

from reportgen.data.fits import FitsTable
from reportgen.data.format import Wanted

FITS = FitsTable()


described = partial(described_by, FITS)


def table_hdu(*columns, **keywords):
    hdu = fits.BinTableHDU.from_columns([fits.Column(*each) for each in columns])
    hdu.header.update(keywords)
    return hdu


def written(path, *hdus):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def by_hand(path, rows, width, *columns, content=b"", kind="BINTABLE", cards=()):
    """Write a table that astropy may refuse to write.

    columns: the cards of each, such as ``TFORM='I'; TNULL=-99``. cards: those of the table.
    """
    head = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "END"]
    body = [f"XTENSION= '{kind}'", "BITPIX  = 8", "NAXIS   = 2", f"NAXIS1  = {width}"]
    body += [f"NAXIS2  = {rows}", "PCOUNT  = 0", "GCOUNT  = 1"]
    body += cards or [f"TFIELDS = {len(columns)}"]
    for number, column in enumerate(columns, 1):
        pairs = (card.partition("=") for card in column.split("; "))
        body += [f"{key}{number}".ljust(8) + f"= {value}" for key, _, value in pairs]
    blocks = ["".join(card.ljust(80) for card in each) for each in (head, [*body, "END"])]
    parts = [(block.encode("latin-1"), b" ") for block in blocks] + [(content, b"\0")]
    padded = [part.ljust(-(-len(part) // 2880) * 2880, filler) for part, filler in parts]
    path.write_bytes(b"".join(padded))
    return path


def test_types_units_and_descriptions_are_as_the_file_has_them(tmp_path):
    table = Table(
        {
            "id": np.array([2**63 - 1, -(2**63), 0]),
            "big": np.array([2**64 - 1, 0, 2**63], "u8"),
            "u4": np.array([2**32 - 1, 0, 2**31], "u4"),
            "u2": np.array([2**16 - 1, 0, 2**15], "u2"),
            "u1": np.array([255, 0, 1], "u1"),
            "i2": np.array([-(2**15), 1, 2], "i2"),
            "f4": np.array([0.1, np.nan, np.inf], "f4"),
            "f8": np.array([0.1, -0.0, 1e-300]),
            "flag": np.array([True, False, True]),
            "name": ["a  ", "", "Ü"],
            "pair": np.arange(6.0).reshape(3, 2),
            "block": np.arange(18, dtype="i2").reshape(3, 2, 3),
        }
    )
    table["name"] = np.char.encode(table["name"], "utf-8")
    table["f4"].unit = "mJy"
    path = tmp_path / "all.fits"
    table.write(path)
    columns, values = described(path), read(FITS, path)
    assert columns["f4"].unit == "mJy"
    assert {name: column.shape for name, column in columns.items() if column.shape} == {
        "pair": (2,),
        "block": (2, 3),
    }
    for name in ("id", "big", "u4", "u2", "u1", "i2", "f4", "f8", "flag"):
        assert np.dtype(columns[name].dtype).kind == values[name].dtype.kind
        assert values[name].dtype.itemsize == table[name].dtype.itemsize
        assert np.dtype(columns[name].dtype).kind == table[name].dtype.kind
        np.testing.assert_array_equal(np.ma.getdata(values[name]), table[name])
        assert not np.ma.getmaskarray(values[name]).any()
    assert values["name"].tolist() == ["a", "", "Ü"]
    assert columns["name"].dtype == "str"
    assert values["pair", 1].tolist() == [1, 3, 5]
    assert "has values of shape (2, 3) in each row" in refused(FITS, path, ("block", 4))


def test_missing_values_and_scales_are_as_the_header_says(tmp_path):
    path = by_hand(
        tmp_path / "scaled.fits",
        3,
        13,
        "TTYPE='n'; TFORM='I'; TNULL=-99",
        "TTYPE='u'; TFORM='1I'; TZERO=32768.0; TNULL=-32768",
        "TTYPE='scaled'; TFORM='I'; TSCAL=0.5; TZERO=10; TNULL=7",
        "TFORM='E'; TUNIT='mag'; TCOMM='how bright'; TUCD='phot.mag'",
        "TTYPE='ok' / was it seen; TFORM='2L'",
        "TTYPE='i1'; TFORM='B'; TZERO=-128",
        content=np.array(
            [
                (1, -32768, 2, 1.5, b"TF", 0),
                (-99, 0, 7, 2.5, b"F\0", 128),
                (3, 1, 8, np.nan, b"?T", 255),
            ],
            ">i2,>i2,>i2,>f4,S2,u1",
        ).tobytes(),
    )
    columns, values = described(path), read(FITS, path)
    assert values["n"].tolist() == [1, None, 3]
    assert values["u"].tolist() == [None, 32768, 32769]
    assert values["u"].dtype.kind == np.dtype(columns["u"].dtype).kind == "u"
    assert values["i1"].tolist() == [-128, 0, 127]
    assert values["i1"].dtype == np.dtype(columns["i1"].dtype) == np.int8
    assert values["scaled"].tolist() == [11.0, None, 14.0]
    assert values["col4"].tolist()[:2] == [1.5, 2.5]
    assert values["ok", 0].tolist() == [True, False, None]
    assert values["ok", 1].tolist() == [False, None, True]
    about = columns["col4"]
    assert (about.unit, about.label, about.ucd) == ("mag", "how bright", "phot.mag")
    assert columns["ok"].label == "was it seen"


def test_columns_that_cannot_be_read_say_why(tmp_path):
    path = by_hand(
        tmp_path / "odd.fits",
        1,
        41,
        *("TTYPE='lists'; TFORM='1PE(5)'", "TTYPE='complex'; TFORM='M'"),
        *("TTYPE='none'; TFORM='0D'", "TTYPE='twice'; TFORM='J'", "TTYPE='twice'; TFORM='J'"),
        *("TTYPE='bits'; TFORM='11X'", "TTYPE='words'; TFORM='6A2'"),
        content=bytes(32) + b"\xa0\x20" + b"ab  cd",
    )
    columns = described(path)
    assert {name: each.unreadable for name, each in columns.items() if each.unreadable} == {
        "lists": "holds lists of different lengths",
        "complex": "holds complex numbers",
        "none": "has a width of 0",
        "twice": "2 columns have its name",
    }
    values = read(FITS, path)
    assert [values["bits", bit][0] for bit in range(11)] == [
        *(True, False, True, False, False, False, False, False, False, False, True),
    ]
    assert [values["words", at][0] for at in range(3)] == ["ab", "", "cd"]
    assert "column twice cannot be read: 2 columns have its name" in refused(FITS, path, "twice")
    for wanted, said in [
        ("bits", "column bits cannot be read: has 11 values in each row: name one with index"),
        (
            ("bits", 11),
            "has 11 values in each row, counted from 0, so there is no",
        ),
        ("bitz", "did you mean 'bits'?"),
    ]:
        assert said in refused(FITS, path, wanted)


def test_a_table_is_found_by_name_version_or_number(tmp_path):
    path = written(
        tmp_path / "many.fits",
        fits.ImageHDU(np.zeros((2, 3)), name="MAP"),
        table_hdu(("a", "J"), EXTNAME="Src"),
        table_hdu(("b", "J"), EXTNAME="Src", EXTVER=2),
        table_hdu(("c", "J"), EXTNAME="lines"),
    )
    assert list(described(path, "src,1")) == list(described(path, "2")) == ["a"]
    assert list(described(path, "SRC, 2")) == list(described(path, "3")) == ["b"]
    assert list(described(path, "Lines")) == ["c"]
    listed = "2 (Src): 0 rows, 1 column; 3 (Src): 0 rows, 1 column"
    image = "an image of 3 × 2, not a table"
    for dataset, said in [
        ("", f"holds 3 tables | name one of them as dataset: {listed}; 4 (lines)"),
        (
            "src",
            f"2 tables that are called src | name one of them by its number as dataset: {listed}",
        ),
        ("map", f"HDU map holds {image} | tables in the file: {listed}; 4 (lines)"),
        ("1", f"HDU 1 holds {image} | tables in the file: {listed}"),
        ("9", "has no HDU 9: the last one is 4 | tables in the file: 2 (Src)"),
        ("line", "unknown table 'line'; did you mean 'lines'?"),
    ]:
        assert said in refused(FITS, path, dataset=dataset)


def test_a_file_without_a_table_says_what_it_holds(tmp_path):
    image = tmp_path / "image.fits"
    fits.PrimaryHDU(np.zeros((20, 30))).writeto(image)
    packed = written(tmp_path / "packed.fits", fits.CompImageHDU(np.zeros((20, 30))))
    empty = written(tmp_path / "empty.fits")
    for path, said in [
        (image, "holds an image of 30 × 20 but no table"),
        (packed, "holds an image of 30 × 20 but no table"),
        (empty, "holds headers but no table"),
    ]:
        assert said in refused(FITS, path)
    table = written(tmp_path / "fpack.fits", table_hdu(("a", "J"), ZTABLE=True))
    assert "a table that fpack has compressed" in refused(FITS, table)


def test_an_ascii_table_keeps_integers_and_blanks_are_missing(tmp_path):
    rows = [
        (" 12", "  1.50D+02", "ab", " -1.5", " 12345"),
        ("   ", "    -NULL-", "  ", "   7.", "    -5"),
        ("-07", "   .25E-01", "c d", "  NaN", "  1.25"),
    ]
    content = "".join(f"{n:3}{d:10} {t:4}{f:5}{i:6}" for n, d, t, f, i in rows).encode()
    path = by_hand(
        tmp_path / "ascii.fits",
        3,
        29,
        "TTYPE='n'; TBCOL=1; TFORM='I3'",
        "TTYPE='d'; TBCOL=4; TFORM='D10.2'; TNULL='-NULL-'",
        "TTYPE='t'; TBCOL=15; TFORM='A4'",
        "TTYPE='f'; TBCOL=19; TFORM='F5.1'; TSCAL=2.0",
        "TTYPE='implied'; TBCOL=24; TFORM='F6.2'; TUNIT='Jy'",
        content=content,
        kind="TABLE",
    )
    values = read(FITS, path)
    assert values["n"].tolist() == [12, None, -7]
    assert values["n"].dtype == np.int64
    assert values["d"].tolist() == [150.0, None, 0.025]
    assert values["t"].tolist() == ["ab", "", "c d"]
    assert values["f"].tolist()[:2] == [-3.0, 14.0]
    assert np.isnan(values["f"][2])
    assert values["implied"].tolist() == [123.45, -0.05, 1.25]
    assert described(path)["implied"].unit == "Jy"
    path.write_bytes(path.read_bytes().replace(b"-07 ", b"-O7 "))
    assert "row 3 of column n holds '-O7', not a number" in refused(FITS, path)


@pytest.mark.parametrize("rows", [1, 5])
def test_one_row_of_arrays_of_all_rows_is_a_table_of_them(tmp_path, rows):
    numbers, names = np.arange(rows * 4.0), np.array([f"n{at:02}" for at in range(rows * 4)])
    path = by_hand(
        tmp_path / "col.fits",
        1,
        rows * 4 * (8 + 3 + 4),
        f"TTYPE='x'; TFORM='{rows * 4}D'",
        f"TTYPE='name'; TFORM='{rows * 12}A'; TDIM='(3,{rows * 4})'",
        f"TTYPE='pair'; TFORM='{rows * 8}I'; TDIM='(2,{rows * 4})'",
        content=numbers.astype(">f8").tobytes()
        + "".join(names).encode()
        + np.arange(rows * 8, dtype=">i2").tobytes(),
    )
    assert FITS.describe(path, "").rows == rows * 4
    values = read(FITS, path)
    assert values["x"].tolist() == numbers.tolist()
    assert values["name"].tolist() == names.tolist()
    assert values["pair", 1].tolist() == list(range(1, rows * 8, 2))
    assert read(FITS, path, "name", rows=(2, 3))["name"].tolist() == ["n02"]


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_a_packed_file_reads_as_the_file_in_it(tmp_path, suffix):
    import bz2
    import lzma

    plain = tmp_path / "a.fits"
    Table({"x": np.arange(5000.0), "n": np.arange(5000)}).write(plain)
    packed = tmp_path / f"a.fits.{suffix}"
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[suffix]
    packed.write_bytes(pack(plain.read_bytes()))
    assert FITS.recognises(packed, packed.read_bytes()[:4096])
    assert replace(FITS.describe(packed, ""), in_order=False) == FITS.describe(plain, "")
    for name, values in read(FITS, packed, rows=(100, 4000)).items():
        np.testing.assert_array_equal(values, read(FITS, plain, rows=(100, 4000))[name])


def test_a_file_packed_by_compress_says_how_to_unpack_it(tmp_path):
    path = tmp_path / "a.fits.Z"
    path.write_bytes(b"\x1f\x9d\x90" + bytes(100))
    assert FITS.recognises(path, path.read_bytes())
    said = "is packed by compress (.Z), which is not read | unpack it with gunzip"
    assert said in refused(FITS, path)


def test_what_stilts_says_in_the_first_hdu_is_added(tmp_path):
    votable = b"""<VOTABLE><RESOURCE><TABLE>
      <FIELD name="x" datatype="double" unit="mJy" ucd="phot.flux"><DESCRIPTION>a long
      text</DESCRIPTION></FIELD><FIELD name="y" datatype="double" unit="deg"/>
    </TABLE></RESOURCE></VOTABLE>"""
    primary = fits.PrimaryHDU(np.frombuffer(votable, "u1"))
    primary.header["VOTMETA"] = True
    table = table_hdu(("x", "D"), ("y", "D", "arcsec"))
    path = tmp_path / "plus.fits"
    fits.HDUList([primary, table]).writeto(path)
    x, y = described(path).values()
    assert (x.unit, x.ucd, x.label) == ("mJy", "phot.flux", "a long text")
    assert y.unit == "arcsec"
    path.write_bytes(path.read_bytes().replace(b"</RESOURCE>", b"</RESSOURCE"))
    assert described(path)["x"].unit == ""


@pytest.mark.parametrize(
    ("column", "cards", "size", "said"),
    [
        ("TFORM='D'", [], (10**18, 8), "is truncated: the data of HDU 1"),
        ("TFORM='999999999999D'", [], (1, 8), "column 1 ends after its rows"),
        ("TFORM='3000000000A'", [], (0, 2 * 10**9), "ends after its rows"),
        ("", ["TFIELDS = 1000000000"], (1, 8), "has 1000000000 columns"),
        ("TFORM='Y'", [], (1, 8), "TFORM1 is 'Y'"),
        ("", ["TFIELDS = 1"], (1, 8), "TFORM1 is ''"),
        ("", ["TFIELDS = -1"], (1, 8), "TFIELDS in the header of HDU 1 is -1"),
        ("", ["COMMENT"], (1, 8), "TFIELDS in the header of HDU 1 is None"),
        ("TFORM='D'; TUNIT='Jy", [], (1, 8), "TUNIT1 in the header of HDU 1"),
        ("TFORM='D'; TSCAL='x'", [], (1, 8), "TSCAL1 is x, not a number"),
    ],
)
def test_a_header_that_makes_no_sense_is_told(tmp_path, column, cards, size, said):
    content = bytes(8) if size == (1, 8) else b""
    columns = [column] if column else []
    path = by_hand(tmp_path / "bad.fits", *size, *columns, content=content, cards=cards)
    tracemalloc.start()
    assert said in refused(FITS, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 10**6


def test_characters_outside_ascii_in_a_header_do_no_harm(tmp_path):
    column = "TFORM='D'; TUNIT='\xb5Jy'"
    path = by_hand(tmp_path / "a.fits", 1, 8, column, content=b"a" * 8)
    assert described(path)["col1"].unit == "?Jy"


def test_a_file_of_more_than_its_header_says_is_told(tmp_path):
    path = tmp_path / "a.fits"
    Table({"x": np.arange(300.0), "n": np.arange(300)}).write(path)
    junk = tmp_path / "junk.fits"
    junk.write_bytes(path.read_bytes() + b"junk" * 1000)
    assert "is damaged: what follows HDU 1 is no other HDU" in refused(FITS, junk)
    fewer = tmp_path / "fewer.fits"
    announced = [b"NAXIS2  =                  %d" % rows for rows in (300, 299)]
    fewer.write_bytes(path.read_bytes().replace(*announced))
    assert "HDU 1 holds more than the rows that it announces" in refused(FITS, fewer)
    padded = tmp_path / "padded.fits"
    padded.write_bytes(path.read_bytes() + bytes(5000))
    assert FITS.describe(padded, "").rows == 300


def test_memory_stays_flat_and_threads_read_the_same_rows(tmp_path):
    path = tmp_path / "wide.fits"
    table = np.arange(20_000 * 200.0).reshape(20_000, 200)
    content = table.astype(">f8").tobytes()
    by_hand(path, 20_000, 1600, *(["TFORM='D'"] * 200), content=content)
    tracemalloc.start()
    with FITS.open(path, "", [Wanted("col8")]) as rows:
        values = rows(0, 20_000)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(values, table[:, 7])
    assert peak < 20 * 10**6  # of 32 MB in the file
    found = {}

    def look(number):
        found[number] = read(FITS, path, f"col{number + 1}", rows=(number, 15_000))

    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        expected = table[number:15_000, number]
        np.testing.assert_array_equal(found[number][f"col{number + 1}"], expected)


REAL = sorted(
    path
    for folder in (FORMATS / "astropy", FORMATS / "astroquery", FORMATS / "vaex", FORMATS / "hats")
    for path in folder.glob("**/*.fits*")
) + sorted([*SHARED.glob("survey/**/*.fits"), *SHARED.glob("cdfs_real/*.fits")])


@pytest.mark.skipif(not REAL, reason="../shared/data has no FITS files")
def test_real_files_have_the_values_that_astropy_reads():
    tables = 0
    for path in REAL:
        assert FITS.recognises(path, path.read_bytes()[:4096])
        with warnings.catch_warnings(), fits.open(path, disable_image_compression=True) as hdus:
            warnings.simplefilter("ignore")
            for number, hdu in enumerate(hdus):
                is_table = isinstance(hdu, fits.BinTableHDU | fits.TableHDU)
                if not is_table or hdu.header.get("ZIMAGE"):
                    said = refused(FITS, path, dataset=str(number))
                    assert "not a table" in said or "but no table" in said
                    continue
                is_ascii = isinstance(hdu, fits.TableHDU)  # which Table does not always read
                _compare(path, number, hdu.data if is_ascii else Table.read(path, hdu=number))
                tables += 1
    assert tables >= 30


def _compare(path, number, expected):
    about = FITS.describe(path, str(number))
    columns = {column.name: column for column in about.columns}
    assert [name.rstrip() for name in expected.dtype.names] == list(columns)
    for name, values in read(FITS, path, dataset=str(number)).items():
        key, index = name if isinstance(name, tuple) else (name, 0)
        other = np.ma.asarray(expected[key])
        other = other.reshape(about.rows, -1)[:, index]
        is_ascii = isinstance(expected, fits.FITS_rec)
        zeros = values.dtype.kind == "b" or (is_ascii and values.dtype.kind == "i")
        # Where such values are missing, astropy has zeros.
        assert same(np.ma.filled(values, 0) if zeros else values, other), (path, key)
