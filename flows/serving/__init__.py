"""What keeps the flows running for months: schedules, processes, and what an operator sees of them."""
