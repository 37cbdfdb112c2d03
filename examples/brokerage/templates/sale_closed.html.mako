<%inherit file="brokerage.html.mako"/>
<%def name="subject()">Closed: ${street} for ${price | money}</%def>
<%def name="preheader()">${closed_count} closed this year, ${closed_volume | money} in all. Well done, ${first_name}.</%def>
<%def name="why()">You get this mail because you are the agent of this sale.</%def>
${parent.hero("Closed", f"{street} is sold", f"{neighborhood}, {city}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Congratulations, ${first_name}!</p>
<p>The sale to ${buyer_name} was posted on ${posted_on | date}.</p>
<p class="price">${price | money}</p>
<p class="quiet">Listed at ${list_price | money} · your commission ${commission | cents}</p>
<p class="heading">Your ${total_year} so far</p>
<table role="presentation" class="totals" width="100%"><tr>
<td class="total"><span class="total-number">${closed_count}</span> <span class="fact-word">closed</span></td>
<td class="total"><span class="total-number">${closed_volume | money}</span> <span class="fact-word">volume</span></td>
<td class="total"><span class="total-number">${total_commission | cents}</span> <span class="fact-word">commission</span></td>
</tr></table>
<p class="heading">Latest sales, and your commission</p>
<table role="presentation" class="list" width="100%">
% for sale in recent_sales:
<tr><td>${sale.street}<br><span class="quiet">${sale.posted_on | date}</span></td><td class="number">${sale.price | money}<br><span class="quiet">${sale.commission | cents}</span></td></tr>
% endfor
</table>
</td></tr></table>
