${office_name}: ${"new time for your visit," if is_moved else "your visit is booked,"} ${street}, ${starts_at | weekday} ${starts_at | date} at ${starts_at | time}. ${agent_name}, ${agent_phone}
