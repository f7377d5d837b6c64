"""The rows of `tests.bench.rows` as Morango's syncable models."""

import os

from django.contrib.auth.models import AbstractUser
from django.db import models
from morango.models.core import SyncableModel


class Teacher(AbstractUser):
    """Stands at the hub alone: who may sign a node's certificate."""

    def has_morango_certificate_scope_permission(self, scope_definition_id, scope_params):  # type: ignore[no-untyped-def]
        return self.is_superuser


class Row(SyncableModel):
    morango_profile = "journal"

    class Meta:
        abstract = True

    def calculate_source_id(self):  # type: ignore[no-untyped-def]
        return None

    def calculate_partition(self):  # type: ignore[no-untyped-def]
        return f"{os.environ['PEER_SCHOOL']}:journal"


class Pupil(Row):
    morango_model_name = "pupil"
    sex = models.CharField(max_length=1)
    birth_year = models.IntegerField()


class Lesson(Row):
    morango_model_name = "lesson"
    group = models.IntegerField()
    day = models.IntegerField()
    period = models.IntegerField()
    attendance_taken = models.IntegerField(default=0)


class Mark(Row):
    morango_model_name = "mark"
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE)
    pupil = models.ForeignKey(Pupil, on_delete=models.CASCADE)
    value = models.IntegerField()
    kind = models.IntegerField(default=1)
    scale = models.IntegerField(default=1)


class Absence(Row):
    morango_model_name = "absence"
    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE)
    pupil = models.ForeignKey(Pupil, on_delete=models.CASCADE)
    status = models.CharField(max_length=8)
    reason = models.CharField(max_length=12)
