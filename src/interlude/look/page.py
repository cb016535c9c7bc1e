"""A look as a page of HTML that asks for nothing outside it. Whatever the data hold stays text."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment

from interlude.look.examples import visible
from interlude.look.facts import Look

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ about.name }}</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222;
       background: white; }
h1 { margin-bottom: 0; } h2 { font-size: 1.1em; margin: 2em 0 .5em; }
.grey { color: #666; }
table { border-collapse: collapse; width: 100%; margin: 1em 0 0; table-layout: fixed; }
th, td { text-align: left; padding: .15em .6em; border-bottom: 1px solid #ddd; font-weight: normal;
         overflow-wrap: anywhere; vertical-align: top; }
th:first-child { width: 40%; padding-left: 0; }
.head th { padding-top: 1em; color: #666; }
td { font-variant-numeric: tabular-nums;
     background: linear-gradient(to right, #d5e5f4 var(--share, 0%), transparent 0); }
.bars { display: flex; align-items: flex-end; height: 3.5em; gap: 1px; margin: .6em 0 0;
        border-bottom: 1px solid #999; }
.bars i { flex: 1; background: #7aa6d0; }
.ends { display: flex; justify-content: space-between; font-size: .8em; color: #666; }
.warnings { border-left: .3em solid #c60; padding: .2em 1em; background: #fdf3e7; margin: 1.5em 0; }
.warnings ul { margin: .3em 0; padding-left: 1.2em; }
.example { border: 1px solid #ddd; border-radius: .3em; padding: .6em 1em; margin: .8em 0; }
.example p { margin: .4em 0; overflow-wrap: anywhere; }
bdi { unicode-bidi: isolate; }
code { color: #888; font-size: .85em; }
</style>
</head>
<body>
<h1>{{ about.title }}</h1>
<p>{{ about.description }}<br>
<span class="grey">{{ about.name }}: form {{ about.form }}, metric {{ about.metric }}, model
{{ about.model }}, data {{ about.revision }}</span></p>
{% if warnings %}
<div class="warnings"><b>{{ warnings|length }} warning{{ "s" if warnings|length > 1 }}</b>
<ul>
{% for warning in warnings %}
<li><bdi>{{ warning }}.</bdi></li>
{% endfor %}
</ul></div>
{% else %}
<p>No warnings.</p>
{% endif %}
<table>
<tr><th></th><th>train</th><th>validation</th></tr>
{% for group in groups %}
{% if group.title %}
<tr class="head"><th colspan="3">{{ group.title }}</th></tr>
{% endif %}
{% for name, cells in group.rows.items() %}
<tr><th><bdi>{{ name }}</bdi></th>
{% for cell in cells %}
<td style="--share: {{ percent(cell.share) }}">{{ cell.text }}</td>
{% endfor %}
</tr>
{% endfor %}
{% if group.bins %}
<tr><td colspan="3"><div class="bars">
{% for height in group.bins %}
<i style="height: {{ percent(height) }}"></i>
{% endfor %}
</div>
<div class="ends"><span>0 tokens</span><span>training examples by length</span>
<span>{{ group.most }}</span></div></td></tr>
{% endif %}
{% endfor %}
</table>
{% for note in notes %}
<p><bdi>{{ note }}.</bdi></p>
{% endfor %}
<h2>Examples to train on, as the model sees them</h2>
{% for example in examples %}
<div class="example"><span class="grey">{{ example.name }}, {{ example.tokens }} tokens</span>
{% for sequence in example.sequences %}
<p><bdi>
{% for piece in sequence %}
{% if piece.special %}
<code>{{ piece.text }}</code>
{% else %}
{{ piece.text }}
{% endif %}
{% endfor %}
</bdi></p>
{% endfor %}
{% for name, text in example.asked %}
<p><span class="grey">{{ name }}:</span> <bdi>{{ text }}</bdi></p>
{% endfor %}
</div>
{% endfor %}
</body>
</html>
"""


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


_TEMPLATE = Environment(autoescape=True, trim_blocks=True, finalize=_shown).from_string(_PAGE)


def as_page(look: Look) -> str:
    """Return a look as HTML."""
    return _TEMPLATE.render(**vars(look), percent=_percent)


def _percent(share: float | None) -> str:
    """Return a share, 0 to 1, as CSS has it."""
    return f"{100 * (share or 0):.1f}%"
