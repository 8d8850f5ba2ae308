"""The figures of an answers file laid out as text."""

from collections.abc import Mapping

from bot.evaluate import Report
from bot.intervals import Interval


def format_report(report: Report, intervals: Mapping[str, Interval]) -> str:
    """Lay a report out as a table, a metric a line; "-" for what cannot be computed.

    Args:
        report: The figures.
        intervals: Where the true ones lie, by metric; of some.
    """
    rows = [
        (name, _format_score(score), _format_interval(intervals.get(name)))
        for name, score in report.scores().items()
    ]
    name_width, score_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(
        f"{name:<{name_width}}  {score:>{score_width}}  {interval}".rstrip()
        for name, score, interval in rows
    )


def format_groups(column: str, reports: Mapping[str, Report]) -> str:
    """Lay the reports of groups out as a table, a group a line."""
    names = ("n", "f1", "exact_match", "answered", "refused", "recall@1")
    rows = [[column, *names]]
    for value, report in reports.items():
        scores = report.scores()
        rows.append([value, *(_format_score(scores[name]) for name in names)])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        f"{first:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        for first, *rest in rows
    )


def _format_score(score: float | None) -> str:
    if score is None:
        return "-"
    return str(score) if isinstance(score, int) else f"{score:.4f}"


def _format_interval(interval: Interval | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
