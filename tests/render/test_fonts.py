import re
from base64 import b64decode
from io import BytesIO

from fontTools.ttLib import TTFont

from reportgen.render.fonts import font_faces
from reportgen.style import FONT_FILES

PAGE = "<p>3.6 μm <em>flux</em> — 15″</p><pre>a: 1</pre>"


def faces(rules):
    """Return the fonts of @font-face rules."""
    return [
        TTFont(BytesIO(b64decode(data))) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", rules)
    ]


def test_a_page_has_every_face_under_the_name_that_style_sheets_use():
    rules = font_faces(PAGE)
    found = faces(rules)
    assert len(found) == len(FONT_FILES)
    for (family, style, weight), face in zip(FONT_FILES, found, strict=True):
        assert f"font-family: '{family}'; font-style: {style}; font-weight: {weight};" in rules
        assert face["name"].getBestFamilyName() == family
        assert face["OS/2"].usWeightClass == weight


def test_a_page_without_code_or_slanted_words_has_no_face_for_them():
    plain = font_faces("<p>flux</p>")
    assert "Mono" not in plain
    assert "italic" not in plain
