"""The Django app whose one model is the table."""
