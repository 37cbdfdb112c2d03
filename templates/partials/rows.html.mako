## Rows of a label and a value, for order lines and key facts.
<%def name="row(label, value)">
<tr><td class="label">${label}</td><td class="value">${value}</td></tr>
</%def>
<%def name="total(label, value)">
<tr><td class="total" style="text-align: left">${label}</td><td class="total">${value}</td></tr>
</%def>
<%def name="button(label, address)">
<a class="button" href="${address}">${label}</a>
</%def>
