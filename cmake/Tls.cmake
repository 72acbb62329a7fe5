# OpenSSL for rediss:// and valkeys://. KW_TLS_LIBRARIES is what is linked for it, KW_TLS_UNUSED matches the sources of the
# other build.
if(NOT KEYWRIGHT_TLS)
  set(KW_TLS_LIBRARIES)
  set(KW_TLS_UNUSED "/redis/tls_(openssl|authorities)[^/]*$")
  return()
endif()

# Homebrew keeps it out of the way of the system's.
if(APPLE AND NOT OPENSSL_ROOT_DIR)
  execute_process(COMMAND brew --prefix openssl@3 OUTPUT_VARIABLE OPENSSL_ROOT_DIR ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
set(OPENSSL_USE_STATIC_LIBS ${KEYWRIGHT_OPENSSL_STATIC})
find_package(OpenSSL 1.1.1 QUIET COMPONENTS SSL Crypto)
if(NOT OpenSSL_FOUND)
  set(KW_TLS_WANTED "headers and libraries")
  if(KEYWRIGHT_OPENSSL_STATIC)
    set(KW_TLS_WANTED "headers and static libraries (libssl.a, libcrypto.a)")
  endif()
  message(FATAL_ERROR "TLS needs the ${KW_TLS_WANTED} of OpenSSL 1.1.1 or newer, which were not found.\n"
                      "Install them (Debian, Ubuntu: apt-get install libssl-dev; Red Hat, Fedora: dnf install openssl-devel; "
                      "Alpine: apk add openssl-dev; macOS: brew install openssl@3), say where they are by "
                      "-DOPENSSL_ROOT_DIR=FOLDER, or build without TLS by -DKEYWRIGHT_TLS=OFF "
                      "(pip: -C cmake.define.KEYWRIGHT_TLS=OFF).")
endif()
message(STATUS "OpenSSL ${OPENSSL_VERSION}: ${OPENSSL_SSL_LIBRARY}")
set(KW_TLS_LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
set(KW_TLS_UNUSED "/redis/tls_none\\.c$")

# What is taken in brings its licence along.
if(KEYWRIGHT_OPENSSL_STATIC)
  get_filename_component(KW_OPENSSL_PREFIX "${OPENSSL_INCLUDE_DIR}" DIRECTORY)
  find_file(KEYWRIGHT_OPENSSL_LICENSE NAMES LICENSE.txt LICENSE copyright NO_DEFAULT_PATH
            DOC "The licence of the OpenSSL that is taken into the library"
            PATHS "${KW_OPENSSL_PREFIX}" "${KW_OPENSSL_PREFIX}/share/doc/openssl" /usr/share/licenses/openssl-devel
                  /usr/share/licenses/openssl /usr/share/licenses/openssl-libs /usr/share/doc/libssl-dev)
  if(NOT KEYWRIGHT_OPENSSL_LICENSE)
    message(FATAL_ERROR "The licence of OpenSSL was not found: name it by -DKEYWRIGHT_OPENSSL_LICENSE=FILE.")
  endif()
  # Debian's file says where the terms lie on a Debian; who gets a wheel may have none.
  set(KW_APACHE_TERMS /usr/share/common-licenses/Apache-2.0)
  file(READ "${KEYWRIGHT_OPENSSL_LICENSE}" KW_OPENSSL_TERMS)
  if(KW_OPENSSL_TERMS MATCHES "${KW_APACHE_TERMS}" AND EXISTS "${KW_APACHE_TERMS}")
    file(READ "${KW_APACHE_TERMS}" KW_APACHE_TEXT)
    set(KEYWRIGHT_OPENSSL_LICENSE "${CMAKE_CURRENT_BINARY_DIR}/LICENSE.openssl")
    file(WRITE "${KEYWRIGHT_OPENSSL_LICENSE}" "${KW_OPENSSL_TERMS}\n\n${KW_APACHE_TEXT}")
  endif()
endif()
