Bonus of ${amount}.
