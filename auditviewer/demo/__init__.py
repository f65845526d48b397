"""The demo: a private PostgreSQL cluster with a small CRM in it, shown by the viewer.

Nothing here is needed to run the viewer on a database of your own.
"""
