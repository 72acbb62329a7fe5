"""Writes the C of a native module from the declarations in a .cdef file.

    python build_native.py MODULE HEADER OUTPUT CDEF...

MODULE is the full name (keywright._native), HEADER what the C includes. The build runs this; nothing of it is
installed.
"""

import sys
from pathlib import Path

import cffi


def main(module: str, header: str, output: str, *declarations: str) -> None:
    ffi = cffi.FFI()
    for declaration in declarations:
        ffi.cdef(Path(declaration).read_text(encoding="utf-8"))
    ffi.set_source(module, f'#include "{header}"\n')
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
