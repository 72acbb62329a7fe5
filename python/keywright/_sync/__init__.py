# Made by bindings/generate.py from python/keywright/_aio/__init__.py. Change that file and run ./dev gen.
"""The objects of keywright."""
