"""What stands on an Overview, read from its HTML as a person reads it."""

import html
import re
from collections import defaultdict


def plain(markup: str) -> str:
    """Its text, as if each element had space around it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def between(text: str, start: str, end: str) -> str:
    """From the first `start` to the next `end`; empty where there is none."""
    _, found, rest = text.partition(start)
    return rest.partition(end)[0] if found else ""


class OverviewPage:
    def __init__(self, text: str) -> None:
        self._text = text
        self.notice = plain(
            between(text, '<div class="notice warn" role="status">', "</div></div>")
        )
        self.compared_with = plain(between(text, "Against ", "</p>"))
        self.at_risk = plain(between(text, 'id="at-risk">', "</p>"))

    def tile(self, heading: str) -> str:
        """The text of a tile below its heading."""
        return plain(between(self._text, f"<h2>{heading}</h2>", "</div>"))

    def titles(self, heading: str) -> list[str]:
        """What a tile says when it is pointed at."""
        tile = between(self._text, f"<h2>{heading}</h2>", "</div>")
        return [html.unescape(title) for title in re.findall(r'title="([^"]*)"', tile)]

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Each series and its amount."""
        return [
            (plain(name), plain(amount))
            for name, amount in re.findall(
                r'<bdi class="name">(.*?)</bdi> <span class="muted number">(.*?)</span>',
                between(self._text, 'class="legend"', "</ul>"),
            )
        ]

    @property
    def bars(self) -> dict[tuple[str, str], str]:
        """The chart's data: first and last of each bar, and its total."""
        table = between(self._text, '<details class="data">', "</details>")
        return {
            (first, last or first): plain(re.findall(r"<td[^>]*>([^<]*)", row)[-1])
            for first, last, row in re.findall(
                r'<tr data-from="([^"]*)"(?: data-to="([^"]*)")?(.*?)(?=<tr|</tbody)',
                table,
                re.DOTALL,
            )
        }

    @property
    def drivers(self) -> list[tuple[str, str, str, str]]:
        """(amount, dimension, value, the rest of the sentence) of each."""
        found = re.findall(
            r"<strong [^>]*>(.*?)</strong> because (\w+) (.*?</bdi>(?:</a>)?) (.*?)</p>",
            between(self._text, '<ul class="drivers">', "</ul>"),
            re.DOTALL,
        )
        return [(plain(a), name, plain(value), plain(rest)) for a, name, value, rest in found]

    def table(self, by: str) -> dict[str, list[str]]:
        """The cells of each row of the breakdown, but for drawings."""
        rows: dict[str, list[str]] = defaultdict(list)
        body = between(self._text, f"<h2>By {by}</h2>", "</section>")
        for name, row in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', body, re.DOTALL):
            cells = [plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)(?=<td|$)", row, re.DOTALL)]
            label = re.search(r"<bdi>(.*?)</bdi>", name)
            rows[plain(label[1] if label else name)] += [*cells[:2], *cells[3:]]
        return rows

    @property
    def text(self) -> str:
        """All of it below the header."""
        return plain(between(self._text, "<main", "</main>"))
