<%def name="subject()">Order ${order_id} is ${status_name}</%def>
<html><body>
<p id="order" data-order="${order_id}" data-revision="${revision}" data-status="${status}">Order ${order_id} at ${vendor_name} is ${status_name}.</p>
<table>
% for line in lines:
<tr class="line"><td>${line.quantity}</td><td>${line.name}</td><td>${line.unit_price | cents}</td><td>${line.line_total | cents}</td></tr>
% endfor
</table>
<p id="total">${sub_total | cents} + ${tax | cents} + ${freight | cents} = ${total_due | cents}</p>
</body></html>
