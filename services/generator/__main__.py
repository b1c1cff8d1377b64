"""Run the generator: `python -m services.generator`."""

from services.generator.app import open_app
from services.generator.settings import GeneratorSettings
from shared.service import run

run("generator", GeneratorSettings, open_app)
