"""Run the hooks service: `python -m services.hooks`."""

from services.hooks.app import open_app
from services.hooks.settings import HooksSettings
from shared.service import run

run("hooks", HooksSettings, open_app)
