<%inherit file="brokerage.html.mako"/>
<%def name="subject()">${street} is now ${new_price | money}</%def>
<%def name="preheader()">The price of a home you are going to see went down by ${saving | money}.</%def>
<%def name="why()">You get this mail because you have a visit to this home on ${visit_at | date}.</%def>
${parent.hero("A lower price", headline, f"{street}, {neighborhood}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Dear ${first_name},</p>
<p>The price of a home that you are going to see has come down.</p>
<p class="was">${old_price | money}</p>
<p class="price">${new_price | money}</p>
<p><span class="pill">${saving | money} less</span></p>
${parent.facts(bedrooms, bathrooms, area_sqft, None, None)}
<p class="heading">Your visit stands</p>
${parent.when(visit_at, street)}
${parent.agent_card()}
</td></tr></table>
