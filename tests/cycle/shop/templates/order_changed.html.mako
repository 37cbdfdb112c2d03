<%inherit file="/layouts/email.html.mako"/>
<%def name="subject()">Order ${order_id} is ${status}</%def>
<p>Dear ${customer},</p>
% if status == "odd":
<p>${lines[0].colour}</p>
% endif
<table class="rows">
% for line in lines:
<tr><td>${line.product}</td><td>${line.amount | cents}</td></tr>
% endfor
</table>
<p>Total ${total | cents}</p>
