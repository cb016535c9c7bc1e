"""Tables as HTML pages for the report. Whatever stands in a table stays text."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from jinja2 import Environment

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font: 14px/1.45 sans-serif; margin: 1.5em; color: #222; background: white; }
p { max-width: 60em; }
table { border-collapse: collapse; margin: .5em 0 1.5em; }
th, td { text-align: left; padding: .15em 1em .15em 0; border-bottom: 1px solid #ddd; }
th { position: sticky; top: 0; background: white; }
td { max-width: 40em; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% if csv %}
<p><a href="data:text/csv;base64,{{ csv }}" download="{{ title }}.csv">Download as CSV</a></p>
{% endif %}
{% for section in sections %}
{% if section.title %}
<h2>{{ section.title }}</h2>
{% endif %}
{% if section.text %}
<p>{{ section.text }}</p>
{% endif %}
{% if section.rows %}
<table>
<tr>{% for name in section.columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in section.rows %}
<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% elif section.columns %}
<p>None.</p>
{% endif %}
{% endfor %}
</body>
</html>
"""
_TEMPLATE = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)


@dataclass(frozen=True)
class Section:
    """A part of a page: heading, paragraph, table; any of them may be empty.

    missing: what a missing value of the table shows.
    """

    title: str = ""
    text: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    missing: str = ""

    @property
    def columns(self) -> list[str]:
        """Heads of the table's columns."""
        return [str(name) for name in self.table.columns]

    @property
    def rows(self) -> list[list[str]]:
        """The table's values as text."""
        return [[self._shown(value) for value in row] for row in self.table.to_numpy(dtype=object)]

    def _shown(self, value: Any) -> str:
        if pd.isna(value):
            return self.missing
        return f"{value:.4g}" if isinstance(value, float) else str(value)


def render(title: str, sections: list[Section], csv: str = "") -> str:
    """Return a page as HTML that asks for nothing outside it; csv: text to offer as a download."""
    encoded = base64.b64encode(csv.encode()).decode()
    return _TEMPLATE.render(title=title, sections=sections, csv=encoded)
