"""Emits Python: cffi declarations, stubs of the native modules, types, errors, calls, and the sync twins.

What a person sees of `keywright` is written by hand in python/keywright; what is written here is what that stands on,
one file of types and one of calls for each file of the spec.
"""

from __future__ import annotations

from ..model import Model
from . import calls, errors, native, twins, types


def emit(model: Model) -> dict[str, str]:
    files: dict[str, str] = {}
    for emitter in (native, types, errors, calls, twins):
        files.update(emitter.emit(model))
    return files
