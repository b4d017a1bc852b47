"""Parts of a report as one PDF/UA: pages, tags, links, bookmarks and what stands in the margins."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reportgen.render.pdf_parts import ELSEWHERE, saved

if TYPE_CHECKING:
    from pikepdf import Pdf


@dataclass(frozen=True)
class Pages:
    """The pages of a part. starts: the one that each id is on, from 0."""

    count: int
    starts: Mapping[str, int]

    def headings(self, of: Mapping[str, str]) -> list[str]:
        """Give what stands above each page: the first that begins on it, or goes on. of: by id."""
        begun = sorted(((self.starts[name], said) for name, said in of.items()), key=itemgetter(0))
        found = []
        for page in range(self.count):
            here = [said for start, said in begun if start == page]
            before = [said for start, said in begun if start < page]
            found.append((here or before[-1:] or [""])[0])
        return found


def pages_of(part: bytes) -> Pages:
    """Say where on its pages a part has what can be linked to."""
    import pikepdf

    with pikepdf.open(BytesIO(part)) as pdf:
        numbers = {page.objgen: number for number, page in enumerate(pdf.pages)}
        starts = {name: numbers[place[0].objgen] for name, place in _named_places(pdf)}
        return Pages(len(pdf.pages), starts)


def join(
    cover: bytes, parts: Iterable[bytes], margins: bytes, headings: Mapping[str, str]
) -> bytes:
    """Give one PDF of a cover and the parts that follow it.

    cover: what the whole is called and which files it carries is told by it. margins: has a page
    for each page of the whole, which is laid over it. headings: what ids are called, for those who
    hear where a link goes.
    """
    import pikepdf

    with ExitStack() as opened:
        pdf = opened.enter_context(pikepdf.open(BytesIO(cover)))
        joined = _Joined(pdf)
        for part in parts:
            joined.add(opened.enter_context(pikepdf.open(BytesIO(part))))
        joined.finish(headings)
        _stamp(pdf, opened.enter_context(pikepdf.open(BytesIO(margins))))
        return saved(pdf)


class _Joined:
    """A PDF that grows by parts."""

    def __init__(self, pdf: "Pdf") -> None:
        self._pdf = pdf
        self._tree = pdf.Root["/StructTreeRoot"]
        self._document = self._tree["/K"][0]
        self._owners = _flat(self._tree["/ParentTree"]["/Nums"])
        self._places = dict(_named_places(pdf))
        self._headings = [_bookmarks(pdf.Root.get("/Outlines"))]

    def add(self, part: "Pdf") -> None:
        """Add a part after all there is."""
        import pikepdf

        root, first = part.Root, len(self._owners)
        _number_from(part, first)
        # Pages go first: what is copied after them refers to them where they are now.
        self._pdf.pages.extend(part.pages)
        names, places = zip(*_named_places(part), strict=True)
        copied = self._pdf.copy_foreign(
            part.make_indirect(
                pikepdf.Dictionary(
                    Tree=root["/StructTreeRoot"],
                    Places=pikepdf.Array(places),
                    Outlines=root.get("/Outlines", pikepdf.Dictionary()),
                )
            )
        )
        tree = copied["/Tree"]
        for element in tree["/K"][0]["/K"]:
            element["/P"] = self._document
            self._document["/K"].append(element)
        self._owners += _flat(tree["/ParentTree"]["/Nums"])
        for name, place in zip(names, copied["/Places"], strict=True):
            self._places.setdefault(name, place)
        self._headings.append(_bookmarks(copied["/Outlines"]))

    def finish(self, headings: Mapping[str, str]) -> None:
        """Write what belongs to all parts."""
        import pikepdf

        numbered = [each for pair in enumerate(self._owners) for each in pair]
        self._tree["/ParentTree"] = self._pdf.make_indirect(
            pikepdf.Dictionary(Nums=pikepdf.Array(numbered))
        )
        self._tree["/ParentTreeNextKey"] = len(self._owners)
        named = [
            each
            for name in sorted(self._places)
            for each in (pikepdf.String(name), self._places[name])
        ]
        names = self._pdf.Root.get("/Names", pikepdf.Dictionary())
        names["/Dests"] = pikepdf.Dictionary(Names=pikepdf.Array(named))
        self._pdf.Root["/Names"] = names
        for page in self._pdf.pages:
            for note in page.get("/Annots", ()):
                _go_to_part(note, headings)
        with self._pdf.open_outline() as outline:
            cover, *others = self._headings
            outline.root[:] = list(map(_outline_item, cover))
            # As in one document, where headings of sections are below the title of the report.
            below = outline.root[-1].children if outline.root else outline.root
            below += [_outline_item(each) for headings in others for each in headings]


def _flat(numbers: Any) -> list[Any]:
    """Give who owns what a page or an annotation shows, by number, of a number tree of one leaf."""
    return list(numbers)[1::2]


def _number_from(part: "Pdf", first: int) -> None:
    """Number pages and annotations of a part from a number on, in the order they have."""
    for page in part.pages:
        page["/StructParents"] = int(page["/StructParents"]) + first
        for note in page.get("/Annots", ()):
            if "/StructParent" in note:
                note["/StructParent"] = int(note["/StructParent"]) + first


def _named_places(pdf: "Pdf") -> Iterator[tuple[str, Any]]:
    """Give what links can go to, by name."""
    names: Any = pdf.Root.get("/Names", {})
    listed = list(names["/Dests"]["/Names"]) if "/Dests" in names else []
    yield from ((str(name), at) for name, at in zip(listed[::2], listed[1::2], strict=True))


def _go_to_part(note: Any, headings: Mapping[str, str]) -> None:
    """Make a link to another part one that goes there."""
    import pikepdf

    address = str(note["/A"].get("/URI", "")) if "/A" in note else ""
    if address.startswith(ELSEWHERE):
        target = address.removeprefix(ELSEWHERE)
        note["/Dest"] = pikepdf.String(target)
        note["/Contents"] = pikepdf.String(headings.get(target, target))
        del note["/A"]


_Bookmark = tuple[str, Any, list[Any]]


def _bookmarks(outline: Any) -> list[_Bookmark]:
    """Give the bookmarks below one: title, place, and those below."""
    found = []
    item = outline.get("/First") if outline is not None else None
    while item is not None:
        found.append((str(item["/Title"]), item["/Dest"], _bookmarks(item)))
        item = item.get("/Next")
    return found


def _outline_item(bookmark: _Bookmark) -> Any:
    from pikepdf import OutlineItem

    title, place, below = bookmark
    item = OutlineItem(title, place)
    item.children = [_outline_item(each) for each in below]
    return item


def _stamp(pdf: "Pdf", margins: "Pdf") -> None:
    """Lay a page of margins over each page; a screen reader passes over it."""
    for number, (page, margin) in enumerate(zip(pdf.pages, margins.pages, strict=True)):
        form = pdf.copy_foreign(margin.as_form_xobject())
        name = f"/Margins{number}"
        page["/Resources"]["/XObject"][name] = form
        said = f"/Artifact <</Type /Pagination>> BDC q {name} Do Q EMC\n".encode()
        page.contents_add(pdf.make_stream(said), prepend=True)
