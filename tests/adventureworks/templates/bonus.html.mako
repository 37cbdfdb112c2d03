<%def name="subject()">Your bonus: ${bonus | cents}</%def>
<html><body><p id="bonus">${bonus | cents}</p><p id="total">${total | cents}</p></body></html>
