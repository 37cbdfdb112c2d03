${office_name}: your visit to ${street} on ${starts_at | weekday} ${starts_at | date} at ${starts_at | time} is cancelled. Another time? ${agent_name}, ${agent_phone}
