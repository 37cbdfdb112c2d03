<%inherit file="brokerage.html.mako"/>
<%def name="subject()">${street} is no longer for sale</%def>
<%def name="preheader()">Your visit on ${visit_at | weekday} does not take place. Others like it are below.</%def>
<%def name="why()">You get this mail because you were going to see this home on ${visit_at | date}.</%def>
${parent.hero("Off the market", headline, f"{street}, {neighborhood}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Dear ${first_name},</p>
<p>The owners have taken this home off the market, so your visit does not take place. We are sorry.</p>
${parent.when_off(visit_at, f"Cancelled · {street}, {city}")}
% if alternatives:
<p class="heading">Homes like it</p>
<table role="presentation" class="list" width="100%">
% for home in alternatives:
<tr><td>${home.headline}<br><span class="quiet">${home.street}, ${home.neighborhood}<br>${home.bedrooms} bed, ${home.bathrooms | number} bath, ${home.area_sqft | number} sq ft</span></td><td class="number">${home.price | money}</td></tr>
% endfor
</table>
% endif
<p><a class="button" href="mailto:${agent_email}?subject=${('Instead of ' + street) | u}">See one of these instead</a></p>
${parent.agent_card()}
</td></tr></table>
