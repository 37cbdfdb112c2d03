<%inherit file="brokerage.html.mako"/>
<%def name="subject()">${'New time for your visit' if is_moved else 'Your visit'}: ${street}, ${starts_at | weekday} at ${starts_at | time}</%def>
<%def name="preheader()">${agent_name} meets you at the door. ${minutes} minutes, ${neighborhood}.</%def>
<%def name="why()">You get this mail because a visit was ${'changed' if is_moved else 'booked'} in your name.</%def>
${parent.hero("Your visit has a new time" if is_moved else "Your visit is booked", headline, f"{street}, {neighborhood}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Dear ${first_name},</p>
% if is_moved:
<p>Your visit has moved. This is what stands now:</p>
% else:
<p>We look forward to showing you this home. ${agent_name.split(' ')[0]} will meet you at the door.</p>
% endif
${parent.when(starts_at, f"{minutes} minutes · {street}, {city} {postal_code}")}
% if note:
<p class="quiet">Your note: “${note}”</p>
% endif
<p class="price">${price | money}</p>
${parent.facts(bedrooms, bathrooms, area_sqft, None, None)}
% if other_visits:
<p class="heading">Also on your calendar</p>
<table role="presentation" class="list" width="100%">
% for visit in other_visits:
<tr><td>${visit.street}<br><span class="quiet">${visit.neighborhood} · ${visit.price | money}</span></td><td class="number">${weekday(visit.starts_at)[:3]}, ${date(visit.starts_at).rpartition(",")[0]}<br><span class="quiet">${visit.starts_at | time}</span></td></tr>
% endfor
</table>
% endif
${parent.agent_card()}
</td></tr></table>
