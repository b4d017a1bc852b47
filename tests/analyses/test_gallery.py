import numpy as np
import pytest
from presenting import check, described, figure, table, values_of
from pydantic import ValidationError
from tables import Table

from reportgen.analyses.gallery import Gallery
from reportgen.config.columns import Images
from reportgen.reduce.base import OfCatalogue
from reportgen.reduce.cutouts import Cutout, Cutouts
from reportgen.reduce.scan import of_other_catalogues, scan
from reportgen.style import house_style

UNITS = {"flux": "mJy", "ra": "deg", "dec": "deg"}
POSITIONS = {"catalogue": "objects", "radius": 1, "ra": "n", "dec": "n"}
NOWHERE = np.nan, np.nan
STACK = Images("cut", "the cut-outs", "Jy / beam")


def gallery(data, others=None, **keys):
    columns = described(data, UNITS)
    catalogues = {name: described(of_it, UNITS) for name, of_it in (others or {}).items()}
    context = {
        "columns": columns,
        "catalogues": {"objects": columns, **catalogues},
        "images": {"cut": STACK},
    }
    own = {"analysis": "gallery", "catalogue": "objects", "title": "Worst", "images": "cut"}
    return Gallery.model_validate({**own, **keys}, context=context)


def made(section, data, others=None, without=()):
    """Compute what a section asks for, and the section with images of it.

    without: places of the rows that have no image.
    """
    wanted, known = dict(section.reductions()), {}
    for name, needed in of_other_catalogues(wanted.values(), True).items():
        values = scan(needed, Table(others[name]), 10**9)
        known |= {OfCatalogue(name, each): value for each, value in values.items()}
    found = scan(wanted.values(), Table(data), 10**9, known=known)
    values = {name: found[reduction] for name, reduction in wanted.items()}
    asked = section.cutouts(**values)
    shown = [k for k in range(len(asked.spots)) if k not in without][: asked.count]
    rng = np.random.default_rng(5)
    cut = [Cutout(k, 7 + k, rng.normal(size=(9, 12)), 1, (4.0, 4.0), NOWHERE, 18.0) for k in shown]
    if cut:
        cut[-1].pixels[:] = np.nan
    with house_style():
        drawn = section.present(cutouts=Cutouts(tuple(cut), len(without), STACK), **values)
    return asked, drawn


FLUX = {"flux": np.array([3.0, -9.0, np.nan, 7.0, 5.0, 7.0]), "n": np.arange(6.0)}


def test_the_rows_with_the_largest_sizes_are_shown_and_told():
    asked, section = made(gallery(FLUX, rank="flux", image="n", shown=3), FLUX, without={1})
    assert [(spot.row, spot.image) for spot in asked.spots] == [
        (1, 1),
        (3, 3),
        (5, 5),
        (4, 4),
        (0, 0),
    ]
    check(section)
    assert section.findings == [
        "flux: the largest by size of 5 rows is −9\u00a0mJy, in row 1; the last of the 3 that are "
        "shown has 5\u00a0mJy."
    ]
    assert values_of(section) == {"extreme": -9, "shown": 3, "without_image": 1}
    assert section.notes == ["Passed over, as no image shows them: 1 row."]
    numbers = table(section, "gallery")
    assert numbers["row"] == [1, 5, 4]
    assert numbers["flux"] == [-9, 7, 5]
    assert numbers["image"] == [7, 9, 10]
    assert np.isnan(numbers["lowest"][2])
    sheet = figure(section, "gallery")
    assert sheet.alt == (
        "Contact sheet of 3 images, the cut-outs, each 18″ wide, by flux: row 1 (−9\u00a0mJy), "
        "row 5 (7\u00a0mJy) and row 4 (5\u00a0mJy)."
    )
    (drawn,) = sheet.drawing.axes
    assert [text.get_text() for text in drawn.texts][:1] == ["1 · −9"]
    values = drawn.images[0].get_array()
    assert (np.nanmin(values), np.nanmax(values)) == pytest.approx((0, 1))


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        ({"order": "largest"}, [3, 5, 4, 0, 1]),
        ({"order": "smallest"}, [1, 0, 4, 3, 5]),
        ({"where": "n < 4"}, [1, 3, 0]),
    ],
)
def test_rows_are_chosen_by_value_and_by_condition(keys, rows):
    asked, _ = made(gallery(FLUX, rank="flux", **keys), FLUX)
    assert [spot.row for spot in asked.spots] == rows


def test_pairs_that_are_farthest_apart_are_shown_with_both_positions():
    ours = {"ra": np.array([10.0, 20.0, 30.0]), "dec": np.array([0.0, 1.0, 2.0])}
    theirs = {"ra": ours["ra"], "dec": ours["dec"] + np.array([1, 3, 9]) / 3600}
    keys = {"match": {"catalogue": "theirs", "radius": "5 arcsec", "ra": "ra", "dec": "dec"}}
    section = gallery(ours, {"theirs": theirs}, ra="ra", dec="dec", size="1 arcmin", **keys)
    assert section.sources == (
        ("catalogues", "objects"),
        ("catalogues", "theirs"),
        ("images", "cut"),
    )
    asked, drawn = made(section, ours, {"theirs": theirs})
    assert [spot.row for spot in asked.spots] == [1, 0]
    assert asked.size == 60
    assert asked.marks == ((20.0, 1 + 3 / 3600), (10.0, 1 / 3600))
    assert drawn.metrics["extreme"].value == pytest.approx(3, abs=1e-6)
    assert drawn.findings[0].startswith(
        "Separation from theirs: the largest of 2 pairs is 3″, in row 1; the last of the 2"
    )


def test_no_rows_and_no_images_are_said_and_break_nothing():
    _, none = made(gallery(FLUX, rank="flux", where="n > 9"), FLUX)
    assert none.findings == ["There are no rows where n > 9: there is nothing to show."]
    _, unseen = made(gallery(FLUX, rank="flux"), FLUX, without=set(range(5)))
    assert unseen.findings == [
        "None of 5 rows that stand out has an image: there is nothing to show."
    ]
    assert np.isnan(unseen.metrics["extreme"].value)


def test_rows_are_called_by_a_column_whose_long_names_are_cut():
    named = {**FLUX, "id": np.array([2.0**40, 1, 2, np.nan, 4, 5])}
    _, section = made(gallery(named, rank="flux", label="id"), named)
    titles = [text.get_text() for text in figure(section, "gallery").drawing.axes[0].texts]
    assert titles[:2] == ["1 · −9", "row 3 · 7"]
    assert titles[4].startswith("1,099,511,6")


def test_what_makes_no_sense_is_refused():
    for keys, said in (
        ({}, "give rank: .* or match:"),
        ({"rank": "flux", "match": POSITIONS}, "one of them"),
        ({"match": POSITIONS}, "own catalogue"),
        ({"match": {**POSITIONS, "dec": "flux"}}, "flux must be in degrees; its unit is mJy"),
        ({"match": POSITIONS}, "which column it is, is not known: name it"),
        ({"rank": "flux", "ra": "flux"}, "flux must be in degrees; its unit is mJy"),
    ):
        with pytest.raises(ValidationError, match=said):
            gallery(FLUX, **keys)
