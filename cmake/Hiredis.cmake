# The target kw_hiredis: the protocol part of hiredis (read.c, sds.c, alloc.c), compiled in under names of our own, or
# the system's library on request. Sources say #include <read.h> or <hiredis/read.h> either way.

if(KEYWRIGHT_SYSTEM_HIREDIS)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(SYSTEM_HIREDIS REQUIRED hiredis>=1.5)
  find_path(SYSTEM_HIREDIS_INCLUDE hiredis/read.h HINTS ${SYSTEM_HIREDIS_INCLUDEDIR} REQUIRED)
  add_library(kw_hiredis INTERFACE)
  target_include_directories(kw_hiredis SYSTEM INTERFACE "${SYSTEM_HIREDIS_INCLUDE}" "${SYSTEM_HIREDIS_INCLUDE}/hiredis")
  target_compile_definitions(kw_hiredis INTERFACE KEYWRIGHT_SYSTEM_HIREDIS=1)
  set(KW_HIREDIS_OBJECTS)
  set(KW_HIREDIS_LIBRARIES ${SYSTEM_HIREDIS_LINK_LIBRARIES})
  return()
endif()

include(FetchHiredis)
kw_find_hiredis(KW_HIREDIS_FOUND "${CMAKE_CURRENT_BINARY_DIR}/hiredis")
set(KW_HIREDIS_TREE "${CMAKE_CURRENT_BINARY_DIR}/hiredis/tree/hiredis-3.5.0/vendor")
if(NOT EXISTS "${KW_HIREDIS_TREE}/hiredis/read.c")
  file(ARCHIVE_EXTRACT INPUT "${KW_HIREDIS_FOUND}" DESTINATION "${CMAKE_CURRENT_BINARY_DIR}/hiredis/tree"
       PATTERNS "*/vendor/hiredis/*")
endif()
set(KW_HIREDIS_LICENSE "${KW_HIREDIS_TREE}/hiredis/COPYING")
set(KW_HIREDIS_NAMES "${CMAKE_CURRENT_SOURCE_DIR}/core/src/redis/hiredis_names.h")

add_library(kw_hiredis OBJECT
  "${KW_HIREDIS_TREE}/hiredis/read.c" "${KW_HIREDIS_TREE}/hiredis/sds.c" "${KW_HIREDIS_TREE}/hiredis/alloc.c")
# It adds to a length of up to 2^63 - 1 that the server names, and goes on with what comes out: let that be defined.
target_compile_options(kw_hiredis PRIVATE -w -fwrapv PUBLIC "SHELL:-include \"${KW_HIREDIS_NAMES}\"")
set_property(TARGET kw_hiredis PROPERTY C_EXTENSIONS ON)
target_include_directories(kw_hiredis SYSTEM INTERFACE "${KW_HIREDIS_TREE}" "${KW_HIREDIS_TREE}/hiredis")
set(KW_HIREDIS_OBJECTS $<TARGET_OBJECTS:kw_hiredis>)
set(KW_HIREDIS_LIBRARIES)
