<%inherit file="brokerage.html.mako"/>
<%def name="subject()">Cancelled: your visit to ${street} on ${starts_at | weekday}</%def>
<%def name="preheader()">This visit no longer takes place. ${agent_name} is glad to find another time.</%def>
<%def name="why()">You get this mail because a visit in your name was cancelled.</%def>
${parent.hero("Visit cancelled", headline, f"{street}, {neighborhood}")}
<table role="presentation" width="100%"><tr><td class="inner">
<p>Dear ${first_name},</p>
<p>This visit no longer takes place:</p>
${parent.when_off(starts_at, f"Cancelled · {street}, {city}")}
<p>If you still want to see the home, ${agent_name.split(' ')[0]} is glad to find another time.</p>
<p><a class="button" href="mailto:${agent_email}?subject=${('Another time for ' + street) | u}">Find another time</a></p>
${parent.agent_card()}
</td></tr></table>
