"""The parts that plots are drawn of, as SVG."""

from collections.abc import Iterable
from html import escape


def drawing(width: int, height: int, parts: Iterable[str]) -> str:
    """Return a drawing on white ground."""
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
    )
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([start, ground, *parts, "</svg>", ""])


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Return words at a place."""
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {at} fill="#333">{escape(words)}</text>'
