"""The objects of keywright.aio."""
