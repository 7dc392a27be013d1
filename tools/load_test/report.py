"""The report of a load test: one HTML page that needs nothing else. No I/O."""

from collections.abc import Callable, Sequence
from html import escape

from tools.load_test.steps import Step, knee

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 260, 60, 24, 30
Line = tuple[str, str, Callable[[Step], float]]  # name, colour, value
TIMES: tuple[Line, ...] = (
    ("p50", "#2f5bea", lambda step: step.p50),
    ("p95", "#8a5bd6", lambda step: step.p95),
    ("p99", "#c2410c", lambda step: step.p99),
)
RATES: tuple[Line, ...] = (
    ("offered", "#777777", lambda step: step.offered),
    ("accepted", "#2f5bea", lambda step: step.accepted),
    ("received", "#15803d", lambda step: step.received),
)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 780px; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { text-align: right; padding: 2px 8px }
th:first-child, td:first-child { text-align: left } tr.over { background: #fdecea }
svg { width: 100%; height: auto } text { font: 12px system-ui, sans-serif }
"""


def verdict(steps: Sequence[Step], before: Sequence[Step] = ()) -> str:
    """One sentence: the knee, what was lost, and the knee of the run before."""
    held, lost = knee(steps), sum(each.lost for each in steps)
    where = (
        f"holds {held.offered:.0f} texts a second, with a p99 of {held.p99:.0f} ms"
        if held
        else f"does not hold {steps[0].offered:.0f} texts a second"
    )
    beyond = " and more" if held is steps[-1] else ""
    last = knee(before)
    compared = f"; the run before held {last.offered:.0f}" if last else ""
    return f"It {where}{beyond}; {lost or 'no'} accepted texts were lost{compared}."


def page(title: str, steps: Sequence[Step], before: Sequence[Step] = ()) -> str:
    """The report; the run before is drawn dashed."""
    rows = "".join(_row(each, _same(each, before)) for each in steps)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>
<h1>{escape(title)}</h1>
<p>{escape(verdict(steps, before))}</p>
<h2>From due to received, in ms</h2>
{chart(steps, TIMES, before)}
<h2>Texts a second</h2>
{chart(steps, RATES, before)}
<h2>Steps</h2>
<table><tr><th>from s</th><th>offered</th><th>accepted</th><th>received</th><th>p50</th><th>p95</th>
<th>p99 ms</th><th>before</th><th>lost</th></tr>{rows}</table>
<p>A step is held if 95 % of what was offered is accepted and 99 % of that arrive within a second;
others are red. Texts come at their times, whether or not those before were accepted.</p>
</html>
"""


def _row(step: Step, before: Step | None) -> str:
    rates = (step.offered, step.accepted, step.received)
    cells = [f"{step.starts:.0f}", *(f"{rate:.1f}" for rate in rates)]
    cells += [f"{time:.0f}" for time in (step.p50, step.p95, step.p99)]
    numbers = "".join(f"<td>{cell}</td>" for cell in cells)
    then = f"{before.p99:.0f}" if before else ""
    kind = "" if step.held else ' class="over"'
    return f"<tr{kind}>{numbers}<td>{then}</td><td>{step.lost}</td></tr>"


def _same(step: Step, others: Sequence[Step]) -> Step | None:
    """The other run's step with as much offered, where it has one."""
    near = [each for each in others if abs(each.offered - step.offered) <= 0.01 * step.offered]
    return near[0] if near else None


def chart(steps: Sequence[Step], lines: Sequence[Line], before: Sequence[Step] = ()) -> str:
    """An SVG: the values of each step over the time of the run."""
    floor = HEIGHT - BOTTOM
    end = max(each.starts + each.seconds for each in (*steps, *before))
    top = max(of(each) for each in steps for _, _, of in lines) * 1.05 or 1.0

    def points(of: Callable[[Step], float], run: Sequence[Step]) -> str:
        return " ".join(
            f"{LEFT + (WIDTH - LEFT) * (each.starts + each.seconds / 2) / end:.1f},"
            f"{TOP + (floor - TOP) * (1 - min(1.0, of(each) / top)):.1f}"
            for each in run
        )

    drawn = []  # the names stand above the lines
    for number, (name, colour, of) in enumerate(lines):
        drawn.append(_line(points(of, steps), colour))
        if before:
            drawn.append(_line(points(of, before), colour, 'stroke-dasharray="4 4" opacity="0.5"'))
        drawn.append(f'<text x="{LEFT + 10 + 90 * number}" y="14" fill="{colour}">{name}</text>')
    axis = (
        f'<path d="M{LEFT} {TOP}V{floor}H{WIDTH}" fill="none" stroke="#999"/>'
        f'<text x="4" y="{TOP + 12}">{top:.0f}</text><text x="4" y="{floor}">0</text>'
        f'<text x="{WIDTH - 40}" y="{HEIGHT - 8}">{end:.0f} s</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{axis}{"".join(drawn)}</svg>'


def _line(points: str, colour: str, more: str = "") -> str:
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" {more}/>'
