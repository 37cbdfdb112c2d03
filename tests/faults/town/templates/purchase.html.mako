<%def name="subject()">Purchase ${purchase_id} is ${status}</%def><p>Purchase ${purchase_id} is ${status}.</p>
