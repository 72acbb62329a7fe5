# The libraries. keywright is what is released; keywright_test is everything in it and the echo operations that prove
# the engine in every language.

file(GLOB_RECURSE KW_CORE_SOURCES CONFIGURE_DEPENDS
  core/src/base/*.c core/src/redis/*.c core/src/engine/*.c core/src/primitives/*.c core/src/abi/*.c)
list(FILTER KW_CORE_SOURCES EXCLUDE REGEX "/testing/")
list(FILTER KW_CORE_SOURCES EXCLUDE REGEX "${KW_TLS_UNUSED}")
file(GLOB_RECURSE KW_TESTING_SOURCES CONFIGURE_DEPENDS core/src/testing/*.c core/src/abi/testing/*.c)

# Sources that keywright_test replaces by its own.
set(KW_RELEASED_ONLY core/src/redis/no_extra_scheme.c)
list(TRANSFORM KW_RELEASED_ONLY PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
list(REMOVE_ITEM KW_CORE_SOURCES ${KW_RELEASED_ONLY})

function(kw_objects target)
  add_library(${target} OBJECT ${ARGN})
  target_include_directories(${target} PUBLIC core/include core/src)
  target_link_libraries(${target} PUBLIC kw_platform PRIVATE kw_warnings ${KW_TLS_LIBRARIES})
  # Its include folder and options, not its objects: those are named where a library is made.
  target_include_directories(${target} SYSTEM PUBLIC $<TARGET_PROPERTY:kw_hiredis,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_options(${target} PUBLIC $<TARGET_PROPERTY:kw_hiredis,INTERFACE_COMPILE_OPTIONS>)
  target_compile_definitions(${target} PUBLIC $<TARGET_PROPERTY:kw_hiredis,INTERFACE_COMPILE_DEFINITIONS>)
endfunction()

kw_objects(kw_core ${KW_CORE_SOURCES})
kw_objects(kw_released ${KW_RELEASED_ONLY})
set(KW_RELEASED_OBJECTS $<TARGET_OBJECTS:kw_core> $<TARGET_OBJECTS:kw_released> ${KW_HIREDIS_OBJECTS})

# What every program that links the objects needs besides; keywright.pc says the same.
set(KW_PRIVATE_LIBRARIES ${KW_TLS_LIBRARIES} Threads::Threads ${KW_HIREDIS_LIBRARIES})
find_library(KW_LIBM m)
if(KW_LIBM)
  list(APPEND KW_PRIVATE_LIBRARIES m)
endif()

# A shared library exports what its list names, can never be unloaded (its threads would run on), and is complete.
function(kw_shared target list)
  add_library(${target} SHARED ${ARGN})
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_link_libraries(${target} PRIVATE ${KW_PRIVATE_LIBRARIES})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/core/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(APPLE)
    set(exports "${CMAKE_CURRENT_SOURCE_DIR}/core/${list}.exports")
    target_link_options(${target} PRIVATE "LINKER:-exported_symbols_list,${exports}")
  else()
    set(exports "${CMAKE_CURRENT_SOURCE_DIR}/core/${list}.map")
    target_link_options(${target} PRIVATE "LINKER:--version-script=${exports}" "LINKER:-z,nodelete"
                        "LINKER:--exclude-libs,ALL")
    if(NOT KEYWRIGHT_SANITIZE)
      target_link_options(${target} PRIVATE "LINKER:-z,defs")
    endif()
  endif()
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${exports}")
endfunction()

function(kw_archive target name)
  add_library(${target} STATIC ${ARGN})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
  target_link_libraries(${target} PUBLIC ${KW_PRIVATE_LIBRARIES})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/core/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

kw_shared(keywright keywright ${KW_RELEASED_OBJECTS})
kw_archive(keywright_static keywright ${KW_RELEASED_OBJECTS})

if(KEYWRIGHT_TESTS OR KEYWRIGHT_INSTALL_TEST OR KEYWRIGHT_PYTHON_TEST)
  kw_objects(kw_testing ${KW_TESTING_SOURCES})
  set(KW_TEST_OBJECTS $<TARGET_OBJECTS:kw_core> $<TARGET_OBJECTS:kw_testing> ${KW_HIREDIS_OBJECTS})
  kw_shared(keywright_test keywright_test ${KW_TEST_OBJECTS})
  kw_archive(keywright_test_static keywright_test ${KW_TEST_OBJECTS})
endif()
