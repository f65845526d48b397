"""The table as a Django model, tracked as the quick start of django-pghistory says.

Its default are the new rows of inserts and updates; the old rows of deletes are asked for here.
"""

import pghistory
from django.db import models


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    exclude=["updated_at"],
)
class Contact(models.Model):
    """A row of the table."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()
    email = models.TextField()
    phone = models.TextField(null=True)
    company_id = models.BigIntegerField(null=True)
    owner_id = models.BigIntegerField(null=True)
    stage = models.TextField()
    city = models.TextField()
    score = models.DecimalField(max_digits=12, decimal_places=2)
    is_active = models.BooleanField()
    notes = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """Names the table, which is there already."""

        db_table = "contact"
