from time import monotonic

from reportgen.workers.timeline import WIDTH, Span, Timeline, timeline_text


def bar(line):
    """Return the bar of a line, and where in it something is drawn."""
    drawn = line[34 : 34 + WIDTH]
    return drawn, len(drawn) - len(drawn.lstrip()), len(drawn.rstrip())


def test_stages_follow_each_other_from_when_the_command_began():
    timeline = Timeline(started=monotonic() - 5)
    timeline.stage("first")
    timeline.stage("second")
    first, second = timeline.spans
    assert first.begun == timeline.started
    assert first.ended - first.begun >= 5
    assert second.begun == first.ended
    assert 0 <= second.cpu < first.cpu
    assert second.memory > 1_000_000


def test_spans_are_lines_in_the_order_in_which_they_began():
    spans = [
        Span("published", 15, 20, cpu=1.5, memory=120_000_000),
        Span("section a", 14, 18, cpu=2.25, memory=90_000_000, called=12, is_task=True),
        Span("configuration", 10, 12, cpu=1),
        Span("section b", 14.5, 14.5, called=14.5, is_task=True),
    ]
    head, units, *lines, empty, total = timeline_text(spans, started=10).splitlines()
    assert head.split() == ["began", "took", "cpu", "memory", "what"]
    assert units.split() == ["[s]"] * 3
    names = ["configuration", "worker: section a", "worker: section b", "published"]
    assert [line[34 + WIDTH :].strip() for line in lines] == names
    assert lines[1][:33].split() == ["4.00", "4.00", "2.25", "90", "MB"]
    assert lines[2][:26].split() == ["4.50", "0.00"]
    assert empty == ""
    assert total == "10.00 s in all; 4.75 s of processors, imports of workers aside"
    drawn = [bar(line) for line in lines]
    assert drawn[0] == ("▒" * 8 + " " * 32, 0, 8)
    assert drawn[1][0] == " " * 8 + "·" * 8 + "█" * 16 + " " * 8
    assert drawn[2][0].strip() == "█", "what took no time is seen"
    assert drawn[3][0] == " " * 20 + "▒" * 20
