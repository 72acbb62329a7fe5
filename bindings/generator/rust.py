"""Emits nothing yet."""


def emit(model):
    return {}
