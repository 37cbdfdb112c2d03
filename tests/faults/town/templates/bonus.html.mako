<%def name="subject()">Bonus of ${amount} for ${agent_id}</%def><p>Bonus of ${amount}.</p>
