<%def name="subject()">Booking ${booking_id} is cancelled</%def><p>Booking ${booking_id} is cancelled.</p>
