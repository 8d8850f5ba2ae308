"""Plots: as PNG files by matplotlib, which is an extra, or in characters."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bot.reader.calibration import reliability
from corpus.errors import ObserverError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_ROWS, _COLUMNS = 10, 60
_LIGHT = ("#23201b", "#fffdf8", "#0f5b5c")
_DARK = ("#ece6da", "#1f1c18", "#82cbc5")


def check_drawable(file: Path | None = None) -> None:
    """Check, before anything slow, that plots can be made, and that a file can be written.

    Raises:
        ObserverError: matplotlib is missing, or the folder of the file.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ObserverError(
            "drawing plots needs an extra: pip install 'silent-observer[report]'"
        ) from error
    if file and not file.parent.is_dir():
        raise ObserverError(f"{file}: expected a file in an existing folder; make the folder first")


def draw_curve(coverage: FloatArray, risk: FloatArray, point: tuple[float, float]) -> Iterator[str]:
    """Draw a risk-coverage curve in characters, a line at a time.

    Args:
        coverage: Share of questions answered, rising, shape (n,).
        risk: Share of wrong answers among them, shape (n,).
        point: Coverage and risk at the threshold, marked.
    """
    top = max(0.1, float(np.ceil(max(risk.max(), point[1]) * 10) / 10))
    columns = np.minimum((coverage * _COLUMNS).astype(int), _COLUMNS - 1)
    grid = np.full((_ROWS + 1, _COLUMNS), " ")

    def row(value: float) -> int:
        return _ROWS - round(value / top * _ROWS)

    for column in range(_COLUMNS):
        inside = columns == column
        if inside.any():
            grid[row(float(risk[inside].mean())), column] = "·"
    grid[row(point[1]), min(int(point[0] * _COLUMNS), _COLUMNS - 1)] = "O"
    yield "wrong, share of the answers"
    for number, cells in enumerate(grid):
        label = f"{top * (1 - number / _ROWS):5.0%}" if number % 5 == 0 else " " * 5
        yield f"{label} │{''.join(cells)}".rstrip()
    yield f"      └{'─' * _COLUMNS}"
    yield f"       0 %{'answered, share of the questions':^{_COLUMNS - 8}}100 %"
    yield "O the threshold, on held-out questions"


def risk_coverage_plot(
    coverage: FloatArray, risk: FloatArray, point: tuple[float, float] | None, *, dark: bool = False
) -> bytes:
    """Draw a risk-coverage curve as a PNG file; the arguments are those of `draw_curve`."""

    def draw(axes: "Axes", colour: str) -> None:
        axes.plot(coverage, risk, color=colour)
        if point:
            axes.plot(*point, "o", color=colour, markersize=9)
            axes.annotate(
                "threshold", point, xytext=(-8, 10), textcoords="offset points", ha="right"
            )
        axes.set(
            xlabel="questions answered, share of all",
            ylabel="answers that are wrong, share",
            xlim=(0, 1.02),
            ylim=(0, None),
        )

    return _png(draw, dark=dark)


def reliability_plot(confidences: FloatArray, right: BoolArray, *, dark: bool = False) -> bytes:
    """Draw how often answers of like confidence are right, as a PNG file.

    Args:
        confidences: Of the answers, in [0, 1], shape (n,).
        right: Whether each of them is right, shape (n,).
        dark: For a dark page.
    """
    bins = list(reliability(confidences, right))

    def draw(axes: "Axes", colour: str) -> None:
        axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
        axes.scatter(
            [sure for sure, _, _ in bins],
            [share for _, share, _ in bins],
            s=[30 + 600 * weight for _, _, weight in bins],
            color=colour,
            alpha=0.8,
        )
        axes.plot([sure for sure, _, _ in bins], [share for _, share, _ in bins], color=colour)
        axes.set(
            xlabel="confidence",
            ylabel="answers that are right, share",
            xlim=(0, 1.02),
            ylim=(-0.02, 1.05),
        )

    return _png(draw, dark=dark)


def recall_plot(recalls: Sequence[float], *, dark: bool = False) -> bytes:
    """Draw recall@1, recall@2 and so on, as a PNG file."""

    def draw(axes: "Axes", colour: str) -> None:
        ranks = range(1, len(recalls) + 1)
        axes.plot(ranks, recalls, "o-", color=colour)
        axes.set(
            xlabel="passages looked at (k)", ylabel="recall@k", ylim=(0, 1.05), xticks=list(ranks)
        )

    return _png(draw, dark=dark)


def seconds_plot(seconds: Sequence[float], *, dark: bool = False) -> bytes:
    """Draw how many questions took how long, as a PNG file."""
    from matplotlib.ticker import MaxNLocator

    def draw(axes: "Axes", colour: str) -> None:
        axes.hist(seconds, bins=min(30, max(5, len(seconds) // 5)), color=colour)
        axes.set(xlabel="seconds a question", ylabel="questions", xlim=(0, None))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))

    return _png(draw, dark=dark)


def _png(
    draw: "Callable[[Axes, str], None]", *, dark: bool, size: tuple[float, float] = (6.0, 3.8)
) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, paper, accent = _DARK if dark else _LIGHT
    with rc_context(
        {
            "text.color": ink,
            "axes.labelcolor": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "axes.edgecolor": ink,
            "axes.facecolor": paper,
            "figure.facecolor": paper,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 11,
        }
    ):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw(axes, accent)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=144, metadata={"Software": None})
    return stream.getvalue()
