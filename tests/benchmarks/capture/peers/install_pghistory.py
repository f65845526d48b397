"""Tracks the table with django-pghistory: `manage.py migrate`, then `manage.py pgtrigger install`.

The last argument is the level of its triggers; "row" is its default.
"""

import sys
from importlib.metadata import version

import django
import pgtrigger
from django.conf import settings
from django.core.management import call_command
from django.db import connection

conninfo, _, _, level = sys.argv[1:]
parts = dict(part.split("=", 1) for part in conninfo.split())
keys = {"NAME": "dbname", "USER": "user", "HOST": "host", "PORT": "port"}
server = {key: parts[part] for key, part in keys.items()}
settings.configure(
    INSTALLED_APPS=["pgtrigger", "pghistory", "contacts"],
    # Without migrations of its own: migrate makes the tables that are missing.
    MIGRATION_MODULES={"contacts": None},
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **server}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PGHISTORY_LEVEL=pgtrigger.Statement if level == "statement" else pgtrigger.Row,
    USE_TZ=True,
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
call_command("pgtrigger", "install", verbosity=0)
with connection.cursor() as cursor:
    # Its triggers write as the application's role.
    for table in ("contacts_contactevent", "pghistory_context"):
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO PUBLIC")
    cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC")
print(version("django-pghistory"))
