# The native module of the Python package: cffi's C around the archive, of which only the module's own entry is visible.
# Built by scikit-build-core it goes into the wheel; built by ./dev it lands beside the package's sources.
if(CMAKE_VERSION VERSION_LESS 3.26)
  message(FATAL_ERROR "The Python module needs CMake 3.26 or newer (pip install cmake brings one).")
endif()

# One module for every CPython from 3.10, except for a free-threaded one, which has no limited API: then
# scikit-build-core leaves SKBUILD_SABI_COMPONENT empty.
if(SKBUILD)
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
  set(KW_PYTHON_ABI "${SKBUILD_SABI_VERSION}")
else()
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module Development.SABIModule)
  set(KW_PYTHON_ABI 3.10)
endif()

set(KW_PYTHON_PACKAGE "${CMAKE_CURRENT_SOURCE_DIR}/python/keywright")
set(KW_BUILD_NATIVE "${CMAKE_CURRENT_SOURCE_DIR}/python/build_native.py")

# kw_python_module(NAME ARCHIVE HEADER CDEF...): keywright.NAME
function(kw_python_module name archive header)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/python/${name}.c")
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/python")
  list(TRANSFORM ARGN PREPEND "${KW_PYTHON_PACKAGE}/" OUTPUT_VARIABLE declarations)
  # cffi leaves a file alone that it would write again unchanged: the time stamp is set here.
  add_custom_command(OUTPUT "${generated}"
    COMMAND Python::Interpreter "${KW_BUILD_NATIVE}" keywright.${name} ${header} "${generated}" ${declarations}
    COMMAND ${CMAKE_COMMAND} -E touch "${generated}"
    DEPENDS "${KW_BUILD_NATIVE}" ${declarations} VERBATIM)
  if(KW_PYTHON_ABI)
    python_add_library(${name} MODULE WITH_SOABI USE_SABI ${KW_PYTHON_ABI} "${generated}")
  else()
    python_add_library(${name} MODULE WITH_SOABI "${generated}")
    target_compile_definitions(${name} PRIVATE _CFFI_NO_LIMITED_API)
  endif()
  set_property(TARGET ${name} PROPERTY C_EXTENSIONS ON)
  target_compile_options(${name} PRIVATE -w)
  target_link_libraries(${name} PRIVATE ${archive})
  if(APPLE)
    target_link_options(${name} PRIVATE "LINKER:-exported_symbol,_PyInit_${name}")
  else()
    target_link_options(${name} PRIVATE "LINKER:--exclude-libs,ALL" "LINKER:-z,nodelete")
  endif()
  if(SKBUILD)
    install(TARGETS ${name} LIBRARY DESTINATION keywright)
  else()
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${KW_PYTHON_PACKAGE}")
  endif()
endfunction()

kw_python_module(_native keywright_static keywright.h _native.cdef)
if(KEYWRIGHT_PYTHON_TEST)
  kw_python_module(_test keywright_test_static keywright_test.h _native.cdef _test.cdef)
endif()
if(SKBUILD AND KW_HIREDIS_LICENSE)
  install(FILES "${KW_HIREDIS_LICENSE}" DESTINATION "${SKBUILD_METADATA_DIR}/licenses" RENAME LICENSE.hiredis)
endif()
if(SKBUILD AND KEYWRIGHT_OPENSSL_STATIC)
  install(FILES "${KEYWRIGHT_OPENSSL_LICENSE}" DESTINATION "${SKBUILD_METADATA_DIR}/licenses" RENAME LICENSE.openssl)
endif()
