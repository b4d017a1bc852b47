"""Cut the fonts of reports from the originals in this folder, and from one of matplotlib's.

Run by `make fonts`, and only when characters are added: what it writes is committed. The licence of
the originals asks that what is made of them has another name.
"""

from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib import get_data_path

HERE = Path(__file__).parent
TARGET = HERE.parent / "reportgen" / "fonts"
NAMES = {"Source Sans 3": "Reportgen Sans", "Source Serif 4": "Reportgen Serif"}
SIGNS_NAME = "Reportgen Signs"
SIGNS_FROM = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
CODE_NAME = "Reportgen Mono"
CODE_FROM = Path(get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")

FEATURES = ["kern", "liga", "lnum", "tnum"]  # of OpenType
# The face of figures has no pairs of letters that move together: matplotlib takes four times as
# long to put those into a PDF, and WeasyPrint sets words in SVG letter by letter.
OF_FIGURES, FEATURES_OF_FIGURES = "SourceSans3-Regular", ["lnum", "tnum"]
# Numbers of OpenType: what names the family, and what is kept besides, such as the licence.
NAMES_OF_FAMILY = (1, 3, 4, 6, 16)
NAMES_KEPT = [*range(15), 16, 17]


def between(*ends: tuple[int, int]) -> set[int]:
    """Return the code points from each first to each last one."""
    return {code for first, last in ends for code in range(first, last + 1)}


LETTERS = between((0x20, 0x7E), (0xA0, 0x17F), (0x384, 0x3CE))  # Latin and Greek
MORE_LETTERS = between((0x180, 0x2FF), (0x370, 0x52F), (0x1E00, 0x1EFF))  # Vietnamese, Cyrillic
MORE_SIGNS = between(
    (0x2000, 0x20BF),  # punctuation, primes, raised and lowered digits, currencies
    (0x2100, 0x22FF),  # letter-like signs, fractions, arrows, mathematical operators
    (0x2500, 0x27BF),  # lines, blocks, shapes, the Sun and the planets, check marks
)
# What pages carry of it: raised and lowered digits and letters, and what is often written.
SIGNS = between((0x2007, 0x203A), (0x2070, 0x209C), (0x2190, 0x2195))
SIGNS |= set(map(ord, "ʰϑϕϵ€ℏℓÅ∂∅∆∇∈∉−∓∕∘∙√∝∞∠∥∩∪∫∼≃≅≈≠≡≤≥≪≫⊂⊃⊕⊗⊙⊥⋅■□▲△▼▽◆◇●○★☆�"))
CODE = between((0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3C9)) | set(map(ord, "–—‘’“”…′″−≤≥×"))
SIGNS |= set(map(ord, "☉☊☋☽☾☿♀♁♂♃♄♅♆♇⚠✓✗"))


def cut(original: Path, name: str, characters: Iterable[int], path: Path) -> None:
    """Write some characters of a font, without instructions for coarse screens."""
    font = TTFont(original, recalcTimestamp=False)
    features = FEATURES_OF_FIGURES if original.stem == OF_FIGURES else FEATURES
    options = Options(
        layout_features=features, hinting=False, notdef_outline=True, name_IDs=NAMES_KEPT
    )
    options.drop_tables += ["FFTM", "MATH", "BASE", "DSIG", "kern"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    rename(font, name)
    font.flavor = path.suffix.removeprefix(".") if path.suffix == ".woff2" else None
    font.save(path)
    print(f"{path.name}: {len(font.getBestCmap())} characters, {path.stat().st_size:,} bytes")


def rename(font: TTFont, name: str) -> None:
    """Give a font another family name; who made it and its licence stay."""
    before = font["name"].getBestFamilyName()
    for record in font["name"].names:
        if record.nameID in NAMES_OF_FAMILY:
            text = record.toUnicode().replace(before, name)
            text = text.replace(before.replace(" ", ""), name.replace(" ", ""))
            record.string = text


def main() -> None:
    """Write all fonts of reports: for figures and PDF as TrueType, for pages as WOFF2."""
    for original in sorted(HERE.glob("*.ttf")):
        family = TTFont(original)["name"].getBestFamilyName()
        name = NAMES[family]
        stem = original.stem.replace(family.replace(" ", ""), name.replace(" ", ""))
        all_of_it = LETTERS | MORE_LETTERS | SIGNS | MORE_SIGNS
        cut(original, name, all_of_it, TARGET / f"{stem}.ttf")
        cut(original, name, LETTERS | SIGNS, TARGET / f"{stem}.woff2")
    # Pango may take the space between a sign and a letter of another script from the sign's font.
    signs = SIGNS | {0x20, 0xA0}
    cut(SIGNS_FROM, SIGNS_NAME, signs | MORE_SIGNS, TARGET / "ReportgenSigns.ttf")
    cut(SIGNS_FROM, SIGNS_NAME, signs, TARGET / "ReportgenSigns.woff2")
    cut(CODE_FROM, CODE_NAME, CODE, TARGET / "ReportgenMono.ttf")
    cut(CODE_FROM, CODE_NAME, CODE, TARGET / "ReportgenMono.woff2")


if __name__ == "__main__":
    main()
