# Each file of tests/bench/c is a program of its own. It may call keywright and, as the floor that keywright is measured
# against, the whole of hiredis under its own names.
if(KEYWRIGHT_SYSTEM_HIREDIS)
  message(FATAL_ERROR "The benchmarks compile hiredis themselves: switch KEYWRIGHT_SYSTEM_HIREDIS or KEYWRIGHT_BENCH off.")
endif()
set(KW_FLOOR "${KW_HIREDIS_TREE}/hiredis")
add_library(kw_floor STATIC EXCLUDE_FROM_ALL
  "${KW_FLOOR}/alloc.c" "${KW_FLOOR}/async.c" "${KW_FLOOR}/hiredis.c" "${KW_FLOOR}/net.c" "${KW_FLOOR}/read.c"
  "${KW_FLOOR}/sds.c" "${KW_FLOOR}/sockcompat.c")
target_compile_options(kw_floor PRIVATE -w)
target_include_directories(kw_floor SYSTEM PUBLIC "${KW_HIREDIS_TREE}")
set_property(TARGET kw_floor PROPERTY C_EXTENSIONS ON)

file(GLOB KW_BENCH_SUPPORT CONFIGURE_DEPENDS tests/bench/c/support/*.c)
add_library(kw_bench_support STATIC EXCLUDE_FROM_ALL ${KW_BENCH_SUPPORT})
target_include_directories(kw_bench_support PUBLIC tests/bench/c)
target_link_libraries(kw_bench_support PUBLIC Threads::Threads PRIVATE kw_platform kw_warnings)

file(GLOB KW_BENCHES CONFIGURE_DEPENDS tests/bench/c/*.c)
foreach(source IN LISTS KW_BENCHES)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(bench_${name} "${source}")
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY bench)
  target_link_libraries(bench_${name} PRIVATE kw_bench_support keywright_static kw_floor kw_platform kw_warnings)
endforeach()
