"""Quantities in the YAML: a number with a unit that astropy reads."""

import pytest
from pydantic import TypeAdapter, ValidationError

from reportgen.config.types import Angle, AnyQuantity, Area, Frequency, Share

read = {kind: TypeAdapter(kind).validate_python for kind in (Angle, AnyQuantity, Area, Share)}


@pytest.mark.parametrize(
    ("kind", "text", "unit", "value"),
    [
        (Angle, "5 arcsec", "arcsec", 5),
        (Angle, "1.5 arcmin", "arcsec", 90),
        (Angle, 3, "arcsec", 3),
        (Area, "66 deg2", "deg2", 66),
        (Area, "1 sr", "deg2", 3282.80635),
        (Share, "98 percent", "%", 98),
        (Share, "98%", "%", 98),
        (AnyQuantity, "-1e-3 mJy", "uJy", -1),
        (AnyQuantity, "15 mmag", "mag", 0.015),
        (AnyQuantity, "3 solMass", "kg", 5.965e30),
    ],
)
def test_a_quantity_is_in_the_unit_that_is_asked_for(kind, text, unit, value):
    assert read[kind](text).to(unit) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Angle, "5 Jy", "5 Jy should be in ″, or what measures the same"),
        (Angle, "-5 arcsec", "should be more than 0, such as 5 arcsec"),
        (Angle, "five", "should be a number with its unit, such as 5 arcsec"),
        (Angle, True, "should be a number with its unit"),
        (Angle, "1e999 arcsec", "should be a number with its unit"),
        (Area, "3 acres of", "'acres of' is not a unit that astropy knows"),
        (Frequency, "1 s", "1 s should be in MHz"),
    ],
)
def test_what_is_no_such_quantity_is_refused_in_words(kind, text, said):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(text)
    assert said in refused.value.errors()[0]["msg"].replace("\u00a0", " ")
