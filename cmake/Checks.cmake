# Checks on what is built, run by ctest like any other test: the header alone, and the names that the libraries define.
enable_testing()

function(kw_check_header name header)
  add_test(NAME ${name} COMMAND ${ARGN} -pedantic -Wall -Wextra -Werror -fsyntax-only
           "${CMAKE_CURRENT_SOURCE_DIR}/core/include/${header}")
  set_tests_properties(${name} PROPERTIES TIMEOUT 60)
endfunction()

include(CheckLanguage)
check_language(CXX)
foreach(header IN ITEMS keywright keywright_test)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/core/include/${header}.h")
    kw_check_header(header/${header}_c99 ${header}.h ${CMAKE_C_COMPILER} -std=c99 -x c)
    if(CMAKE_CXX_COMPILER)
      kw_check_header(header/${header}_cxx11 ${header}.h ${CMAKE_CXX_COMPILER} -std=c++11 -x c++)
    endif()
  endif()
endforeach()

# Sanitizers put names of their own into everything.
if(CMAKE_NM AND NOT KEYWRIGHT_SANITIZE)
  function(kw_check_symbols name library)
    add_test(NAME symbols/${name} COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:${library}> ${ARGN}
             -P "${CMAKE_CURRENT_SOURCE_DIR}/cmake/CheckSymbols.cmake")
    set_tests_properties(symbols/${name} PROPERTIES TIMEOUT 60)
  endfunction()
  kw_check_symbols(shared keywright -DLIST=${CMAKE_CURRENT_SOURCE_DIR}/core/symbols.txt)
  kw_check_symbols(static keywright_static)
endif()
