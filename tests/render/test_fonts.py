import re
from base64 import b64decode
from io import BytesIO

from fontTools.ttLib import TTFont

from reportgen.render.fonts import font_faces
from reportgen.style import FONT_FILES

PAGE = "<p>3.6 μm <em>flux</em> — 15″</p>"


def faces(rules):
    """Give the fonts of @font-face rules."""
    return [
        TTFont(BytesIO(b64decode(data))) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", rules)
    ]


def test_faces_have_the_characters_of_the_page_and_few_others():
    found = faces(font_faces(PAGE))
    assert len(found) == len(FONT_FILES)
    for face in found:
        known = set(face.getBestCmap())
        assert set(map(ord, "μ3a")) <= known
        assert ord("ж") not in known


def test_a_page_without_slanted_words_has_no_slanted_face():
    assert len(faces(font_faces("<p>flux</p>"))) < len(FONT_FILES)
