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

if(KEYWRIGHT_OPENSSL_STATIC)
  include(TlsStatic)
endif()
