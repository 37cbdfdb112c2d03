<%inherit file="brokerage.html.mako"/>
<%def name="subject()">New in ${neighborhood}: ${headline}</%def>
<%def name="preheader()">${price | money}, ${bedrooms} bedrooms, ${street}. It fits what you are looking for.</%def>
<%def name="why()">You get this mail because you saved a search for homes up to ${search_limit | money} with ${search_bedrooms} or more bedrooms.</%def>
${parent.hero("New on the market", headline, f"{street}, {neighborhood}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Dear ${first_name},</p>
<p>A home came on the market today that fits your search.</p>
<p class="price">${price | money}</p>
<p class="quiet">${street}, ${city} ${postal_code}</p>
${parent.facts(bedrooms, bathrooms, area_sqft, year_built, "built")}
<p>${description}</p>
<p><a class="button" href="mailto:${agent_email}?subject=${('Visit to ' + street) | u}">Ask for a visit</a></p>
${parent.agent_card()}
</td></tr></table>
