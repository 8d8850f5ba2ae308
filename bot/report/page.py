"""A report as one page that needs nothing else, and its plots as files beside it."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from bot.plots import recall_plot, reliability_plot, risk_coverage_plot, seconds_plot
from bot.reader.calibration import calibration_error
from bot.report.contents import Contents, Figure, Verdict
from corpus.errors import ObserverError

PAGE = "index.html"
_GROUP_METRICS = ("n_asked", "f1", "exact_match", "answered", "refused", "recall@1")
_LABELS = {
    "n_asked": "questions",
    "n": "scored",
    "n_answerable": "answerable",
    "n_unanswerable": "unanswerable",
    "n_evidence": "with evidence",
    "exact_match": "exact match",
    "f1": "F1",
    "answerable_exact_match": "exact match, answerable",
    "answerable_f1": "F1, answerable",
    "answered": "answerable answered",
    "refused": "unanswerable refused",
    "auroc": "AUROC of confidence",
    "mrr": "MRR",
    "seconds_median": "seconds, median",
    "seconds_p95": "seconds, 95th percentile",
}
_WORDS: dict[Verdict, str] = {
    "wrong": "wrong",
    "unfounded": "unfounded",
    "missed": "missed",
    "partly": "partly right",
    "right": "right",
    "refused": "rightly silent",
    "unscored": "not scored",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in two versions.

    Attributes:
        name: Of its file, without the suffix.
        title: What it shows.
        caption: How to read it.
        draw: Draws it as a PNG file, for a dark page or a light one.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[bool], bytes]


def write_report(folder: Path, title: str, contents: Contents) -> Path:
    """Write the page and its plots into a folder, over those of an earlier report.

    Args:
        folder: Made where it is missing.
        title: What the report is of.
        contents: What it says.

    Returns:
        The page.

    Raises:
        ObserverError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = []
        for plot in plots(contents):
            light, dark = plot.draw(False), plot.draw(True)
            (folder / f"{plot.name}.png").write_bytes(light)
            drawn.append(
                {
                    "title": plot.title,
                    "caption": plot.caption,
                    "light": _data_uri(light),
                    "dark": _data_uri(dark),
                }
            )
        page = folder / PAGE
        page.write_text(render(title, contents, drawn), encoding="utf-8")
    except OSError as error:
        raise ObserverError(
            f"{folder}: cannot be written: {error.strerror}; name another folder"
        ) from error
    return page


def plots(contents: Contents) -> list[Plot]:
    """Return the plots that can be drawn of a report."""
    found = []
    confidences, right = contents.confidences, contents.right
    if len(confidences):
        order = np.argsort(-confidences, kind="stable")
        counts = np.arange(1, len(order) + 1)
        coverage, risk = counts / contents.n_scored, np.cumsum(~right[order]) / counts
        point = (float(coverage[-1]), float(risk[-1]))
        found += [
            Plot(
                "risk-coverage",
                "Risk and coverage",
                "How many answers are wrong if only the surest are given. The curve ends at the "
                "threshold of this run: what was not answered was not judged.",
                lambda dark: risk_coverage_plot(coverage, risk, point, dark=dark),
            ),
            Plot(
                "reliability",
                "Reliability",
                "How often answers of a confidence are right; on the dotted line confidence tells "
                "the truth, above it is too modest. Large points stand for many answers. Expected "
                f"calibration error: {calibration_error(confidences, right):.3f}.",
                lambda dark: reliability_plot(confidences, right, dark=dark),
            ),
        ]
    if contents.recalls:
        found.append(
            Plot(
                "recall",
                "Recall by k",
                "For which share of the questions with evidence one of the first k passages "
                "overlaps it.",
                lambda dark: recall_plot(contents.recalls, dark=dark),
            )
        )
    if contents.seconds:
        found.append(
            Plot(
                "seconds",
                "Seconds a question",
                "From question to answer, on the machine of the run.",
                lambda dark: seconds_plot(contents.seconds, dark=dark),
            )
        )
    return found


def render(title: str, contents: Contents, drawn: Sequence[dict[str, str]]) -> str:
    """Render the page; all that comes from documents and questions is escaped.

    Args:
        title: What the report is of.
        contents: What it says.
        drawn: Of each plot its title, its caption and, as URIs, its two versions.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    files = resources.files("bot.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "label": _label,
        "value": _value,
        "interval": _interval,
        "thousands": "{:,}".format,
        "by_name": _by_name,
    }
    counts = Counter(entry.verdict for entry in contents.entries)
    return environment.from_string((files / "page.html").read_text("utf-8")).render(
        title=title,
        css=Markup((files / "page.css").read_text("utf-8")),
        contents=contents,
        plots=drawn,
        group_metrics=_GROUP_METRICS,
        words=_WORDS,
        counts=[(verdict, counts[verdict]) for verdict in _WORDS if counts[verdict]],
    )


def _label(name: str) -> str:
    return _LABELS.get(name, name)


def _by_name(figures: Sequence[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


def _value(figure: Figure) -> str:
    return f"{figure.value:,}" if isinstance(figure.value, int) else f"{figure.value:.3f}"


def _interval(figure: Figure) -> str:
    low, high = figure.interval or (0.0, 0.0)
    return f"{low:.2f} to {high:.2f}"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
