${office_name}: your visit to ${street} on ${starts_at | weekday} ${date(starts_at).rpartition(',')[0]} at ${starts_at | time} is cancelled. Another time? ${agent_name}, ${agent_phone}
