"""The scenarios, told in Python: a module of keywright has a builder here (limiter.py) and the tales that use it."""
