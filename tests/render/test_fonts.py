import re
import subprocess
import sys
from base64 import b64decode
from io import BytesIO

from fontTools.ttLib import TTFont

from reportgen.render import fonts
from reportgen.render.fonts import font_faces
from reportgen.store import Store
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


def test_kept_faces_are_those_that_would_be_cut(tmp_path):
    store = Store(tmp_path)
    fresh = font_faces(PAGE)
    assert font_faces(PAGE, store) == fresh
    assert font_faces(PAGE, store) == fresh
    assert font_faces(PAGE + "ж", store) == font_faces(PAGE + "ж") != fresh


def test_faces_of_another_release_of_the_font_are_cut_anew(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    plain = font_faces("<p>flux</p>", store)
    for name in FONT_FILES.values():  # with the shapes of the slanted ones
        other = next(file for (_, style, _), file in FONT_FILES.items() if style != "normal")
        (tmp_path / name).write_bytes(fonts.font_path(other).read_bytes())
    monkeypatch.setattr(fonts, "font_path", lambda name: tmp_path / name)
    fonts._subset.cache_clear()
    try:
        assert font_faces("<p>flux</p>", store) == font_faces("<p>flux</p>") != plain
    finally:
        fonts._subset.cache_clear()


def test_nothing_is_imported_to_cut_fonts_that_are_kept(tmp_path):
    font_faces(PAGE, Store(tmp_path))
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from reportgen.render.fonts import font_faces\nfrom reportgen.store import Store\n"
        f"print(len(font_faces({PAGE!r}, Store(Path({str(tmp_path)!r})))))\n"
        "print('uharfbuzz' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [str(len(font_faces(PAGE))), "False"]
