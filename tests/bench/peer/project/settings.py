"""Settings of both ends; where the database lies comes from the environment."""

import os

SECRET_KEY = "for measuring only"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "morango",
    "journal",
]
ROOT_URLCONF = "urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["PEER_DATABASE"],
        "OPTIONS": {"timeout": 100},
    }
}
AUTH_USER_MODEL = "journal.Teacher"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
CUSTOM_INSTANCE_INFO: dict[str, str] = {}
MIGRATION_MODULES = {"journal": None}  # its tables are made as they stand
