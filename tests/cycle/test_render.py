"""Templates: strict, escaped, their CSS in the elements, and nothing that a record holds can break out."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from notify import assets
from notify.errors import RenderError
from notify.render import BODY_LIMIT, Renderer, merge_fields

LAYOUT = """<!DOCTYPE html><html><head><style>
td { padding: 4px; color: #111 }
.price { color: #c00; font-weight: bold }
td.price { text-align: right }
@media (prefers-color-scheme: dark) { td { color: #eee !important } }
a:hover { color: red }
${self.styles()}
</style></head><body>${next.body()}</body></html>
<%def name="styles()"></%def>"""

ORDER = """<%inherit file="/layouts/plain.html.mako"/>
<%def name="subject()">Order ${number} for ${vendor}</%def>
<%def name="styles()">.note { font-style: italic }</%def>
<table>
% for line in lines:
<tr><td>${line.product}</td><td class="price" style="width: 9em">${line.total | cents}</td></tr>
% endfor
</table>
<p class="note">${remark}</p>
"""

ROW: dict[str, Any] = {
    "number": 43,
    "vendor": "Smith & Sons",
    "lines_json": '[{"product":"Nuts <M6>","total":12.3450},{"product":"Bolts","total":900}]',
    "remark": None,
}


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "plain.html.mako").write_text(LAYOUT)
    (tmp_path / "order.html.mako").write_text(ORDER)
    (tmp_path / "order.sms.mako").write_text("Order ${number}: ${vendor}\n")
    return tmp_path


@pytest.fixture
def renderer(templates: Path) -> Renderer:
    return Renderer([templates, assets.templates()])


def fields(**changed: Any) -> dict[str, Any]:
    return merge_fields({**ROW, **changed})


def test_a_json_column_becomes_a_list_with_exact_amounts(renderer: Renderer) -> None:
    lines = fields()["lines"]
    assert lines[0].total == Decimal("12.3450")
    html = renderer.render("email", "order", fields()).html
    assert html is not None
    assert "Nuts &lt;M6&gt;" in html
    assert "$12.35" in html
    assert "$900.00" in html


def test_null_prints_as_nothing(renderer: Renderer) -> None:
    html = renderer.render("email", "order", fields()).html
    assert html is not None
    assert "None" not in html


def test_a_null_json_column_is_an_empty_list() -> None:
    assert fields(lines_json=None)["lines"] == []


def test_the_subject_is_plain_text_on_one_line(renderer: Renderer) -> None:
    rendered = renderer.render("email", "order", fields(vendor="A & B\r\nBcc: everybody@example.com\u2028x"))
    assert rendered.subject == "Order 43 for A & B Bcc: everybody@example.com x"


@pytest.mark.parametrize("name", ["Zoë 😀 Müller", "دار السلام", "שלום"])
def test_any_script_comes_through(renderer: Renderer, name: str) -> None:
    rendered = renderer.render("email", "order", fields(vendor=name))
    assert rendered.subject == f"Order 43 for {name}"


def test_rules_are_inlined_in_the_order_of_the_cascade(renderer: Renderer) -> None:
    html = renderer.render("email", "order", fields()).html
    assert html is not None
    cell = re.search(r'<td class="price"([^>]*)>', html)
    assert cell is not None
    style = dict(part.strip().split(": ", 1) for part in cell[1].split('"')[1].split(";"))
    assert style == {
        "padding": "4px",
        "color": "#c00",
        "font-weight": "bold",
        "text-align": "right",
        "width": "9em",
    }
    assert '<p class="note" style="font-style: italic">' in html


def test_media_queries_and_states_stay_and_what_is_inlined_goes(renderer: Renderer) -> None:
    html = renderer.render("email", "order", fields()).html
    assert html is not None
    css = html.partition("<style>")[2].partition("</style>")[0]
    assert "@media (prefers-color-scheme: dark) { td { color: #eee !important } }" in css
    assert "a:hover { color: red }" in css
    assert "padding" not in css


def test_a_rule_for_what_lies_inside_an_element_is_inlined_too(templates: Path) -> None:
    css = ".lines td { color: blue } .lines .price { color: green }"
    (templates / "layouts" / "plain.html.mako").write_text(LAYOUT.replace("${self.styles()}", css))
    (templates / "order.html.mako").write_text(ORDER.replace("<table>", '<table class="lines">'))
    html = Renderer([templates]).render("email", "order", fields()).html
    assert html is not None
    assert re.search(r'<td style="[^"]*color: blue">Bolts', html)
    assert re.search(r'<td class="price" style="[^"]*color: green', html)


@pytest.mark.parametrize(
    "css",
    [
        # The ancestor stands in the layout, the element in the template: only a whole mail can tell.
        "div td { color: blue }",
        "td > b { color: blue }",
        "td { color: blue !important }",
        "td:first-child { color: blue }",
    ],
)
def test_css_that_the_source_cannot_decide_is_inlined_in_each_mail(templates: Path, css: str) -> None:
    layout = LAYOUT.replace("${self.styles()}", css).replace("${next.body()}", "<div>${next.body()}</div>")
    (templates / "layouts" / "plain.html.mako").write_text(layout)
    (templates / "order.html.mako").write_text(ORDER.replace("${line.product}", "<b>${line.product}</b>"))
    html = Renderer([templates]).render("email", "order", fields()).html
    assert html is not None
    assert re.search(r'<(td|b)[^>]* style="[^"]*color: ?blue', html)


def test_a_table_row_that_two_branches_open_is_inlined_in_each_mail(templates: Path) -> None:
    body = ORDER.replace("<tr><td>", '% if line.total > 100:\n<tr class="big"><td>\n% else:\n<tr><td>\n% endif\n')
    (templates / "order.html.mako").write_text(body)
    layout = LAYOUT.replace("${self.styles()}", ".big td { color: blue }")
    (templates / "layouts" / "plain.html.mako").write_text(layout)
    html = Renderer([templates]).render("email", "order", fields()).html
    assert html is not None
    assert len(re.findall(r"color: ?blue;?[^>]*>", html.partition("</style>")[2])) == 2


def test_a_class_that_a_record_decides_is_inlined_in_each_mail(templates: Path) -> None:
    text = ORDER.replace('<p class="note">', "<p class=\"${'price' if number else 'note'}\">")
    (templates / "order.html.mako").write_text(text)
    html = Renderer([templates]).render("email", "order", fields()).html
    assert html is not None
    assert re.search(r'<p class="price" style="[^"]*color: #c00', html)


def test_a_text_alternative_is_derived(renderer: Renderer) -> None:
    text = renderer.render("email", "order", fields()).text
    assert text is not None
    assert text == "Nuts <M6>  $12.35\nBolts  $900.00"


def test_markup_out_of_an_expression_is_converted_with_each_mail(templates: Path) -> None:
    text = ORDER.replace("${remark}", "${remark | n}")
    (templates / "order.html.mako").write_text(text)
    rendered = Renderer([templates]).render("email", "order", fields(remark="<b>bold</b> &amp; brave"))
    assert rendered.text is not None
    assert "bold & brave" in rendered.text


def test_links_entities_and_hidden_parts_in_the_text_alternative(templates: Path) -> None:
    (templates / "order.html.mako").write_text(
        '<%def name="subject()">x</%def><html><head><title>t</title><style>.pre { display: none }</style></head><body>'
        '<div class="pre">hidden <div>too</div></div><h1>One&nbsp;&amp; two</h1><p>Ring\n  <a href="tel:1">${vendor}</a>,\n'
        '<a href="https://x.example/?o=${number}&amp;p">look</a></p><ul><li>a</li><li>b</li></ul></body></html>'
    )
    rendered = Renderer([templates]).render("email", "order", fields())
    assert rendered.text == "One\xa0& two\n\nRing Smith & Sons, look (https://x.example/?o=43&p)\n\n- a\n- b"


def test_a_mail_link_shows_its_address_and_ornament_is_left_out(templates: Path) -> None:
    (templates / "order.html.mako").write_text(
        '<%def name="subject()">x</%def><p><span aria-hidden="true">RS</span><img aria-hidden="true" src="a.png">'
        "<a href=\"mailto:${address or '?'}?subject=${vendor | u}\">Write to us</a> or to "
        '<a href="mailto:${address}">${address}</a>, or ring <a href="tel:1">555</a></p>'
    )
    rendered = Renderer([templates]).render("email", "order", {"address": "a@example.com", "vendor": "Smith"})
    assert rendered.text == "Write to us (a@example.com) or to a@example.com, or ring 555"


def test_a_row_of_several_cells_reads_on_one_line_in_the_text_alternative(templates: Path) -> None:
    (templates / "order.html.mako").write_text(
        '<%def name="subject()">x</%def><table>\n% for line in lines:\n'
        "<tr><td>${line.product}<br><span>12 May</span><br></td>\n<td>${line.total}<br/><br>each,<br>\nnet</td></tr>\n"
        "% endfor\n</table><table><tr><td>Alone<br>on two lines</td><td aria-hidden='true'>RS</td></tr>"
        "<tr><td><table><tr><td>Within<br>one</td></tr></table></td><td>beside</td></tr></table>"
    )
    rendered = Renderer([templates]).render("email", "order", fields())
    assert rendered.text is not None
    assert rendered.text.split("\n\n") == [
        "Nuts <M6>, 12 May  12.3450, each, net\nBolts, 12 May  900, each, net",
        "Alone\non two lines\nWithin\none",
        "beside",
    ]


def test_a_text_template_goes_before(templates: Path) -> None:
    (templates / "order.text.mako").write_text("Order ${number}, ${vendor}")
    rendered = Renderer([templates]).render("email", "order", fields())
    assert rendered.text == "Order 43, Smith & Sons"


def test_a_field_that_is_not_there_is_named_with_its_nearest(renderer: Renderer) -> None:
    row = fields()
    row["vendr"] = row.pop("vendor")
    with pytest.raises(RenderError, match=r"no column vendor; did you mean vendr"):
        renderer.render("email", "order", row)


def test_a_failing_expression_is_told_with_its_line(renderer: Renderer) -> None:
    with pytest.raises(RenderError, match=r"order\.html\.mako, line 6: .*no member 'total'; there are: product"):
        renderer.render("email", "order", fields(lines_json='[{"product":"x"}]'))


def test_a_list_printed_as_a_whole_is_a_mistake(renderer: Renderer) -> None:
    row = fields()
    with pytest.raises(RenderError, match="loop over it"):
        renderer.render("email", "order", {**row, "vendor": row["lines"]})


def test_a_filter_printed_as_a_field_is_a_mistake(templates: Path) -> None:
    (templates / "order.html.mako").write_text('<%def name="subject()">x</%def>${date}')
    with pytest.raises(RenderError, match="'date' is a filter"):
        Renderer([templates]).render("email", "order", fields())


def test_a_column_that_should_be_json_and_is_not() -> None:
    with pytest.raises(RenderError, match="column lines_json does not hold JSON"):
        fields(lines_json="[1,")


def test_a_body_of_more_than_two_megabytes_is_refused(renderer: Renderer) -> None:
    assert renderer.render("email", "order", fields(remark="x" * (BODY_LIMIT // 2 - 5000))).html
    with pytest.raises(RenderError, match=r"the limit is 2 MB"):
        renderer.render("email", "order", fields(remark="x" * BODY_LIMIT))


def test_a_template_without_a_subject_is_refused(templates: Path) -> None:
    (templates / "bare.html.mako").write_text("<p>hello</p>")
    assert 'no <%def name="subject()">' in str(Renderer([templates]).problem("email", "bare"))


def test_a_template_that_is_not_there_is_named_with_its_nearest(renderer: Renderer) -> None:
    assert "did you mean order?" in str(renderer.problem("email", "ordre"))


@pytest.mark.parametrize("name", ["../order", "/../order", "//../order", "layouts/../../secret"])
def test_a_template_name_cannot_climb_out_of_its_folder(templates: Path, tmp_path: Path, name: str) -> None:
    inner = templates / "inner"
    inner.mkdir()
    (tmp_path / "secret.html.mako").write_text('<%def name="subject()">x</%def>')
    assert Renderer([inner]).problem("email", name) is not None


def test_a_template_that_does_not_compile_is_told(templates: Path) -> None:
    (templates / "broken.html.mako").write_text("% for x in y:\n")
    assert "broken" in str(Renderer([templates]).problem("email", "broken"))


def test_an_edited_template_or_layout_is_read_again(templates: Path, renderer: Renderer) -> None:
    renderer.render("email", "order", fields())
    layout = templates / "layouts" / "plain.html.mako"
    layout.write_text(LAYOUT.replace("<body>", "<body>second edition"))
    renderer.refresh()
    html = renderer.render("email", "order", fields()).html
    assert html is not None
    assert "second edition" in html


def test_an_sms_is_plain_text_with_its_segments(renderer: Renderer) -> None:
    rendered = renderer.render("sms", "order", fields(vendor="Smith & Sons " * 14))
    assert rendered.text is not None
    assert rendered.text.startswith("Order 43: Smith & Sons")
    assert rendered.segments is not None
    assert rendered.segments.number == 2


def test_too_long_an_sms_is_refused(renderer: Renderer) -> None:
    with pytest.raises(RenderError, match=r"takes 14 SMS segments .* the limit is 10"):
        renderer.render("sms", "order", fields(vendor="x" * 2000))


def test_times_of_lists_and_of_columns_print_alike(templates: Path) -> None:
    (templates / "when.html.mako").write_text('<%def name="subject()">${at | date} ${at | time}</%def>x')
    renderer = Renderer([templates])
    for at in (dt.datetime(2026, 11, 24, 15, 30), "2026-11-24T15:30:00", "2026-11-24T15:30:00.1234567"):
        assert renderer.render("email", "when", {"at": at}).subject == "Nov 24, 2026 3:30 PM"


def test_the_shipped_layout_inlines_once() -> None:
    renderer = Renderer([assets.templates()])
    assert renderer.problem("email", "layouts/email") is None
