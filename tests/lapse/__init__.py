"""Months of traffic and maintenance in minutes: a day is made to take two seconds."""
