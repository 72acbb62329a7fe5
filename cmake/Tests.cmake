# Each tests/c/<module>/<subject>.c is one program, which ctest knows as <module>/<subject>. It sees the internal headers
# and links the objects themselves, so that it may test what no list exports. It runs in the root of the repository.
enable_testing()

find_path(CMOCKA_INCLUDE_DIR cmocka.h)
find_library(CMOCKA_LIBRARY cmocka)
if(NOT CMOCKA_INCLUDE_DIR OR NOT CMOCKA_LIBRARY)
  message(FATAL_ERROR "The C tests need cmocka (Debian: libcmocka-dev, Homebrew: cmocka), or -DKEYWRIGHT_TESTS=OFF.")
endif()
find_path(JANSSON_INCLUDE_DIR jansson.h)
find_library(JANSSON_LIBRARY jansson)
if(NOT JANSSON_INCLUDE_DIR OR NOT JANSSON_LIBRARY)
  message(FATAL_ERROR "The C tests need jansson (Debian: libjansson-dev, Homebrew: jansson), or -DKEYWRIGHT_TESTS=OFF.")
endif()

# The clock that is put under a test server.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  add_library(kwclock MODULE tests/support/clock.c)
  set_target_properties(kwclock PROPERTIES PREFIX "" RUNTIME_OUTPUT_DIRECTORY support LIBRARY_OUTPUT_DIRECTORY support)
  target_link_libraries(kwclock PRIVATE kw_platform kw_warnings ${CMAKE_DL_LIBS})
  # The server that loads it was built without sanitizers.
  if(KEYWRIGHT_SANITIZE)
    target_compile_options(kwclock PRIVATE -fno-sanitize=all)
    target_link_options(kwclock PRIVATE -fno-sanitize=all)
  endif()
  set(KW_CLOCK_LIBRARY $<TARGET_FILE:kwclock>)
endif()

set(KW_TESTS_OF_TLS "/tls[^/]*\\.c$|/certificates\\.c$")
file(GLOB KW_TEST_SUPPORT CONFIGURE_DEPENDS tests/c/support/*.c)
if(NOT KEYWRIGHT_TLS)
  list(FILTER KW_TEST_SUPPORT EXCLUDE REGEX "${KW_TESTS_OF_TLS}")
endif()
add_library(kw_test_support STATIC ${KW_TEST_SUPPORT})
target_include_directories(kw_test_support PUBLIC tests/c)
target_include_directories(kw_test_support SYSTEM PUBLIC "${CMOCKA_INCLUDE_DIR}")
target_link_libraries(kw_test_support PUBLIC kw_platform ${KW_TLS_LIBRARIES} Threads::Threads "${CMOCKA_LIBRARY}"
                      PRIVATE kw_warnings)

file(GLOB KW_TESTS CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}/tests/c" tests/c/*/*.c)
list(FILTER KW_TESTS EXCLUDE REGEX "^support/")
if(NOT KEYWRIGHT_TLS)
  list(FILTER KW_TESTS EXCLUDE REGEX "${KW_TESTS_OF_TLS}")
endif()
foreach(source IN LISTS KW_TESTS)
  string(REGEX REPLACE "\\.c$" "" name "${source}")
  string(REPLACE "/" "_" target "test_${name}")
  add_executable(${target} "tests/c/${source}")
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
  target_include_directories(${target} PRIVATE
    core/include core/src $<TARGET_PROPERTY:kw_core,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_options(${target} PRIVATE $<TARGET_PROPERTY:kw_hiredis,INTERFACE_COMPILE_OPTIONS>)
  target_link_libraries(${target} PRIVATE kw_test_support keywright_test_static kw_warnings)
  add_test(NAME ${name} COMMAND ${target} WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 60
    ENVIRONMENT "KEYWRIGHT_TEST_CLOCK_LIBRARY=${KW_CLOCK_LIBRARY}")
endforeach()

# The program that runs tests/vectors.
file(GLOB KW_TEST_VECTORS CONFIGURE_DEPENDS tests/c/support/vectors/*.c)
target_sources(test_vectors_scenarios PRIVATE ${KW_TEST_VECTORS})
target_include_directories(test_vectors_scenarios SYSTEM PRIVATE "${JANSSON_INCLUDE_DIR}")
target_link_libraries(test_vectors_scenarios PRIVATE "${JANSSON_LIBRARY}")
