Booking ${booking_id} is cancelled.
