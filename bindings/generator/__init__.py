"""Spec to bindings: one checked model (model.py), one emitter a language."""
