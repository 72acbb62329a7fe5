# How our own sources are compiled. What comes from elsewhere (hiredis, generated cffi code) does not take the warnings.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(THREADS_PREFER_PTHREAD_FLAG OFF)
find_package(Threads REQUIRED)

add_library(kw_warnings INTERFACE)
target_compile_options(kw_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
  -Wundef -Wformat=2
  # What an initializer leaves out is zero: that is meant.
  -Wno-missing-field-initializers)
if(KEYWRIGHT_WERROR)
  target_compile_options(kw_warnings INTERFACE -Werror)
endif()

# POSIX and what the systems add to it: strict C11 would hide both.
add_library(kw_platform INTERFACE)
target_compile_definitions(kw_platform INTERFACE $<IF:$<PLATFORM_ID:Darwin>,_DARWIN_C_SOURCE,_GNU_SOURCE>)

if(KEYWRIGHT_SANITIZE)
  add_compile_options(-fsanitize=${KEYWRIGHT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${KEYWRIGHT_SANITIZE})
endif()
