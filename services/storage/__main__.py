"""Run storage: `python -m services.storage`."""

from services.storage.app import open_app
from services.storage.settings import StorageSettings
from shared.service import run

run("storage", StorageSettings, open_app)
