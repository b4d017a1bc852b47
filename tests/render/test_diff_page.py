"""The page of `reportgen diff` as readers meet it."""

from pages import compared_run

from reportgen.quality.diff.compare import compare
from reportgen.quality.diff.sentences import sentences
from reportgen.record import read_summary
from reportgen.render.diff import render_diff


def test_it_says_what_changed_worst_first(diff_page, open_page):
    page = open_page(diff_page).page
    said = page.locator(".changes li").all_inner_texts()
    assert "Sky density: the section could not be computed" in said[0]
    assert "“Median flux: at most 230 <µJy>” failed; it was ok before." in said[1]
    assert page.locator(".verdict").inner_text() == (
        "1 section was lost, 1 verdict became worse, 1 number moved beyond its usual scatter, "
        "2 numbers differ or are missing."
    )
    assert page.locator("tbody tr").count() == 4
    text = page.locator(".numbers").inner_text().replace("\u00a0", " ")
    for part in ("210.00 µJy", "248.00 µJy", "+18 %", "19 times", "moved", "gone", "new"):
        assert part in text
    assert "Scatter <of> 30 nights." in page.locator("main").inner_text()
    assert "+a: 2" in page.locator("pre").inner_text()


def test_figures_of_both_nights_stand_beside_each_other_and_blink(built, copied_run, open_page):
    one, folder = read_summary(built.run), built.run.resolve()
    figure = copied_run / one.sections[1].figures[0].files["svg"]
    figure.write_text(figure.read_text().replace("Stellarity index", "Another label"))
    changes = compare(one, one)
    page = copied_run / "diff.html"
    page.write_bytes(render_diff(one, one, changes, (), "", folders=(folder, copied_run)))
    seen = open_page(page, viewport={"width": 1280, "height": 900})
    pair = seen.page.locator(".pair")
    figures = pair.locator("figure")
    assert figures.count() == 2
    assert "Another label" in figures.nth(1).locator("svg").text_content()
    left, right = (each.bounding_box() for each in figures.all())
    assert (left["y"], left["x"] < right["x"]) == (right["y"], True)
    blink = seen.page.get_by_role("button", name="Blink")
    blink.click()
    assert [each.is_visible() for each in figures.all()] == [False, True]
    figures.nth(0).wait_for(state="visible")
    blink.click()
    assert [each.is_visible() for each in figures.all()] == [True, True]
    assert not seen.complaints


def test_two_runs_that_are_the_same():
    one = compared_run(0, 1.0, "")
    changes = compare(one, compared_run(1, 1.0, ""))
    page = render_diff(one, one, changes, sentences(changes), "").decode()
    assert "Nothing changed." in page
    assert "The numbers of all sections that were computed in both runs are the same." in page


def test_templates_that_are_gone_are_those_of_reportgen(tmp_path):
    one = compared_run(0, 1.0, "")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "diff.html.j2").write_text("Ours: {{ view.headline }}")
    pages = []
    for folder in ("gone", "own"):
        update = {"templates": str(tmp_path / folder)}
        configuration = one.configuration.model_copy(update=update)
        run = one.model_copy(update={"configuration": configuration})
        pages.append(render_diff(one, run, compare(one, run), (), ""))
    assert b"Nothing changed." in pages[0]
    assert pages[1] == b"Ours: Nothing changed."
