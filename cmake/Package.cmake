# cpack -G DEB makes two Debian packages: the shared library, and what programs are built with. The tree wants
# -DCMAKE_INSTALL_PREFIX=/usr, so that all lies where Debian looks for it.
if(SKBUILD OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  return()
endif()
set(KW_DEB_RUNTIME libkeywright${PROJECT_VERSION_MAJOR})
set(KW_DEB_DEVELOPMENT libkeywright-dev)

# Debian wants the licences of all that is inside in one file. Only a package holds it: cmake --install has them apart.
file(READ LICENSE KW_COPYRIGHT)
foreach(licence IN ITEMS "${KW_HIREDIS_LICENSE}" "${KEYWRIGHT_OPENSSL_LICENSE}")
  if(licence)
    file(READ "${licence}" text)
    string(APPEND KW_COPYRIGHT "\n\nInside is code that comes under these terms:\n\n${text}")
  endif()
endforeach()
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/copyright" "${KW_COPYRIGHT}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/copyright" DESTINATION share/doc/${KW_DEB_RUNTIME}
        COMPONENT runtime EXCLUDE_FROM_ALL)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/copyright" DESTINATION share/doc/${KW_DEB_DEVELOPMENT}
        COMPONENT development EXCLUDE_FROM_ALL)

# pkg-config follows what a private requirement names even where nothing is linked by it.
set(KW_DEB_NEEDED "${KW_DEB_RUNTIME} (= ${PROJECT_VERSION})")
if(KEYWRIGHT_TLS AND NOT KEYWRIGHT_OPENSSL_STATIC)
  string(APPEND KW_DEB_NEEDED ", libssl-dev")
endif()
if(KEYWRIGHT_SYSTEM_HIREDIS)
  string(APPEND KW_DEB_NEEDED ", libhiredis-dev (>= 1.5)")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR keywright)
set(CPACK_PACKAGE_CONTACT "keywright contributors")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}\n This is the shared library.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${KW_DEB_RUNTIME})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "${PROJECT_DESCRIPTION}\n Header, archive, pkg-config file and CMake package: what programs are built with.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME ${KW_DEB_DEVELOPMENT})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${KW_DEB_NEEDED}")
include(CPack)
