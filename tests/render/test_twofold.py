import numpy as np
import pytest
from matplotlib import patheffects
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Circle, Rectangle
from two_drawings import check_drawn_twofold

from reportgen.render import twofold
from reportgen.render.drawings import vector_forms
from reportgen.style import house_style

RANDOM = np.random.default_rng(3)
GRID = RANDOM.random((9, 12))


def text(axes):
    axes.text(0.5, 0.5, "plain µJy − ≤ 10² ☉", ha="center", va="top", rotation=30)
    axes.text(0.2, 0.8, r"$\alpha_{i}^2 = \frac{a}{b}$ and more", ha="right")
    axes.text(0.9, 0.1, "two\nlines, the second of them longer", ha="right", linespacing=1.4)
    axes.text(0.1, 0.1, "in a box", bbox={"boxstyle": "round", "facecolor": "#aabbcc"}, alpha=0.5)
    axes.text(0.5, 0.2, "linked", url="https://example.org/", gid="of-text")
    axes.text(
        0.5, 0.3, "haloed", path_effects=[patheffects.withStroke(linewidth=2, foreground="w")]
    )
    axes.set(title="A title", xlabel=r"x [$\mu$Jy]", ylabel="rotated")


def lines(axes):
    axes.plot(RANDOM.random(2000).cumsum(), color="#aa0000", linestyle=(0, (5, 1, 1, 1)))
    axes.plot([0, 900], [0, 900], marker="o", markevery=1, drawstyle="steps-mid", alpha=0.4)
    axes.plot(np.arange(300.0), np.arange(300.0), "x", markersize=3)
    axes.errorbar([100, 200], [300, 500], yerr=[50, 80], capsize=3, fmt="s", label="errors")
    axes.axhspan(100, 200, alpha=0.3)
    axes.legend(title="A legend")
    axes.grid(visible=True, which="both")


def logarithmic(axes):
    axes.set(xscale="log", yscale="log")
    axes.plot([1, 1e4], [1e-3, 1e7])


def collections(axes):
    places = RANDOM.random((2, 60))
    axes.scatter(*places, c=places[0], s=80 * places[1], alpha=0.5, edgecolors="k")
    axes.scatter(*places[::-1], marker="^", c="#00aa00")
    axes.fill_between([0, 0.5, 1], [0, 0.4, 0.1], hatch="//", alpha=0.4, edgecolor="r")
    axes.hexbin(*RANDOM.random((2, 200)), gridsize=8, alpha=0.3)
    axes.contour(GRID, extent=(0, 1, 0, 1))
    axes.contourf(GRID, extent=(0, 0.5, 0, 0.5), hatches=["/", "."])


def meshes(axes):
    axes.pcolormesh(GRID)
    axes.pcolormesh(np.arange(13) + 12, np.arange(10), GRID, rasterized=True)
    axes.pcolormesh(np.arange(12), np.arange(9) + 10, GRID, shading="gouraud")
    mesh = axes.pcolormesh(np.arange(12) + 12, np.arange(9) + 10, GRID, edgecolors="w")
    axes.figure.colorbar(mesh, ax=axes, label="Objects per cell")


def images(axes):
    axes.imshow(GRID, extent=(0, 1, 0, 1), alpha=0.6)
    axes.imshow(RANDOM.random((40, 40, 3)), extent=(1, 2, 0, 1), interpolation="nearest")
    shown = axes.imshow(GRID, extent=(0, 1, 1, 2), interpolation="bilinear")
    shown.set_clip_path(Circle((0.5, 1.5), 0.4, transform=axes.transData))
    axes.figure.figimage(RANDOM.random((20, 20)), 10, 10)
    axes.set(xlim=(0, 2), ylim=(0, 2))


def patches(axes):
    axes.add_patch(Rectangle((0.1, 0.1), 0.3, 0.3, hatch="xx", facecolor="none", edgecolor="b"))
    circle = axes.add_patch(Circle((0.6, 0.6), 0.2, alpha=0.5, url="https://example.org/"))
    line = axes.plot([0, 1], [1, 0], linewidth=8)[0]
    line.set_clip_path(circle)
    axes.bar([0.1, 0.5], [0.3, 0.9], width=0.2, hatch=["//", ".."], edgecolor="k")


def arrows(axes):
    axes.annotate("here", (0.2, 0.3), (0.7, 0.8), arrowprops={"arrowstyle": "->"})
    curved = {"arrowstyle": "fancy", "connectionstyle": "arc3,rad=0.3", "facecolor": "r"}
    axes.annotate("there", (0.8, 0.2), (0.2, 0.6), arrowprops=curved)
    axes.quiver([0.1, 0.5], [0.9, 0.9], [1, -1], [0, 1])


def rasterized(axes):
    axes.plot(RANDOM.random(50), RANDOM.random(50), rasterized=True)
    axes.text(0.5, 0.5, "text of pixels", rasterized=True)
    axes.plot([0, 1], [0, 1])
    axes.set_rasterization_zorder(2.5)
    axes.text(0.2, 0.5, "text of paths")


def nothing(axes):
    axes.set_axis_off()


ARTISTS = (
    text, lines, logarithmic, collections, meshes, images, patches, arrows, rasterized, nothing
)  # fmt: skip


def drawing_of(*artists):
    with house_style():
        drawing = Drawing(figsize=(3.3, 2.0 * len(artists)), layout="constrained")
        for axes, artist in zip(np.ravel(drawing.subplots(len(artists))), artists, strict=True):
            artist(axes)
    return drawing


@pytest.mark.parametrize("artist", ARTISTS)
def test_one_drawing_gives_what_matplotlib_gives_in_two(artist):
    assert twofold.is_known()
    check_drawn_twofold(drawing_of(artist))


def test_one_drawing_of_all_gives_what_matplotlib_gives_in_two():
    check_drawn_twofold(drawing_of(*ARTISTS))


def test_a_figure_is_drawn_twice_where_matplotlib_is_not_the_one_that_is_known(monkeypatch):
    with house_style():
        once = vector_forms(drawing_of(lines), "Lines")
        monkeypatch.setattr(twofold, "ASKED", twofold.ASKED | {"draw_in_another_way"})
        assert not twofold.is_known()
        twice = vector_forms(drawing_of(lines), "Lines")
    assert twice.keys() == once.keys() == {"svg", "pdf"}
    assert twice["svg"].startswith(b"<?xml")
    assert twice["pdf"].startswith(b"%PDF")
    assert twice["pdf"] != once["pdf"]


class Asking(Rectangle):
    """Asks its renderer for what only those of matplotlib have, or not even these."""

    asked = "check_gc"

    def draw(self, renderer):
        if not hasattr(renderer, "writer"):
            getattr(renderer, self.asked)
        super().draw(renderer)


def test_an_artist_that_asks_for_more_is_drawn_twice():
    with house_style():
        drawing = drawing_of(nothing)
        drawing.add_artist(Asking((0, 0), 1, 1, color="#123456"))
        made = vector_forms(drawing, "Asking")
    assert b"#123456" in made["svg"]
    assert made["pdf"].startswith(b"%PDF")


def test_what_cannot_be_drawn_says_so():
    with house_style():
        drawing = drawing_of(nothing)
        artist = drawing.add_artist(Asking((0, 0), 1, 1))
        artist.asked = "draw_in_another_way"
        with pytest.raises(AttributeError, match="draw_in_another_way"):
            vector_forms(drawing, "Asking")
