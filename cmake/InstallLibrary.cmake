# cmake --install: header, libraries, keywright.pc, the CMake package, licences. A wheel takes none of this.
if(SKBUILD)
  set_property(TARGET keywright PROPERTY EXCLUDE_FROM_ALL ON)
  return()
endif()
include(CMakePackageConfigHelpers)

# What running programs need is the component runtime; the rest, unless it says otherwise, is for building them.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
set(KW_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/keywright")
set_target_properties(keywright_static PROPERTIES EXPORT_NAME static)

# Each in a file of its own: only the archive makes its user find OpenSSL.
install(TARGETS keywright EXPORT keywright
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS keywright_static EXPORT keywright_static ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES core/include/keywright.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT keywright NAMESPACE keywright:: FILE keywrightTargets.cmake DESTINATION "${KW_CONFIG_DIR}")
install(EXPORT keywright_static NAMESPACE keywright:: FILE keywrightStaticTargets.cmake DESTINATION "${KW_CONFIG_DIR}")
configure_package_config_file(cmake/keywrightConfig.cmake.in keywrightConfig.cmake
                              INSTALL_DESTINATION "${KW_CONFIG_DIR}")
write_basic_package_version_file(keywrightConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/keywrightConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/keywrightConfigVersion.cmake" DESTINATION "${KW_CONFIG_DIR}")

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT licences)
if(KW_HIREDIS_LICENSE)
  install(FILES "${KW_HIREDIS_LICENSE}" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT licences
          RENAME LICENSE.hiredis)
endif()
if(KEYWRIGHT_OPENSSL_STATIC)
  install(FILES "${KEYWRIGHT_OPENSSL_LICENSE}" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT licences
          RENAME LICENSE.openssl)
endif()

# Links in keywright.pc are relative to itself, so that an installed tree can be moved.
file(RELATIVE_PATH KW_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" KW_PC_PREFIX "${KW_PC_PREFIX}")
set(KW_PC_REQUIRES)
if(KEYWRIGHT_SYSTEM_HIREDIS)
  list(APPEND KW_PC_REQUIRES "hiredis >= 1.5")
endif()
if(KEYWRIGHT_TLS)
  list(APPEND KW_PC_REQUIRES "libssl >= 1.1.1" "libcrypto >= 1.1.1")
endif()
list(JOIN KW_PC_REQUIRES ", " KW_PC_REQUIRES)
set(KW_PC_LIBS ${CMAKE_THREAD_LIBS_INIT})
if(KW_LIBM)
  list(APPEND KW_PC_LIBS -lm)
endif()
list(JOIN KW_PC_LIBS " " KW_PC_LIBS)

function(kw_install_pc name description)
  set(KW_PC_NAME ${name})
  set(KW_PC_DESCRIPTION "${description}")
  configure_file(cmake/keywright.pc.in ${name}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

kw_install_pc(keywright "${PROJECT_DESCRIPTION}")

if(KEYWRIGHT_INSTALL_TEST)
  install(TARGETS keywright_test LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES core/include/keywright_test.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  kw_install_pc(keywright_test "keywright with the echo operations that its own tests use")
endif()
