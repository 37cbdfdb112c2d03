<%def name="subject()">Order ${order_id} is cancelled</%def>
<html><body><p id="order" data-order="${order_id}">Order ${order_id} at ${vendor_name} over ${total_due | cents} is cancelled.</p></body></html>
