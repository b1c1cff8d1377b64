"""Run moderation: `python -m services.safety`."""

from services.safety.app import open_app
from services.safety.settings import SafetySettings
from shared.service import run

run("safety", SafetySettings, open_app)
