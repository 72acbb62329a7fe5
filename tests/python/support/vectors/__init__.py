"""Runs the scenarios of tests/vectors, in the form that tests/vectors/README.md tells."""

from .read import FOLDER, MODULES, of_file, scenarios
from .run import Runner
from .words import Wrong

__all__ = ["FOLDER", "MODULES", "Runner", "Wrong", "of_file", "scenarios"]
