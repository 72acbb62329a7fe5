# hiredis 1.5.0 is taken from the source distribution of the Python package hiredis 3.5.0, known by its checksum.
#
#   kw_fetch_hiredis(DIRECTORY)            puts the archive into DIRECTORY, unless it is there
#   kw_find_hiredis(OUT DIRECTORY)         sets OUT to an archive that has the right checksum
#
# As a script (cmake -P cmake/FetchHiredis.cmake) it fills third_party/hiredis.

set(KW_HIREDIS_ARCHIVE hiredis-3.5.0.tar.gz)
set(KW_HIREDIS_SHA256 c227592cc56b7df247abe4755c26723965be68972be2149fa441ac33d82131ba)

function(kw_check_hiredis archive)
  file(SHA256 "${archive}" found)
  if(NOT found STREQUAL KW_HIREDIS_SHA256)
    message(FATAL_ERROR "${archive} is not the source distribution of hiredis 3.5.0:\n"
                        "  expected sha256 ${KW_HIREDIS_SHA256}\n  found           ${found}\n"
                        "Delete it, or name the right file by -DKEYWRIGHT_HIREDIS_SDIST=FILE.")
  endif()
endfunction()

function(kw_fetch_hiredis directory)
  set(archive "${directory}/${KW_HIREDIS_ARCHIVE}")
  if(EXISTS "${archive}")
    kw_check_hiredis("${archive}")
    return()
  endif()
  set(python "${Python_EXECUTABLE}")
  if(NOT python)
    find_program(KW_PYTHON NAMES python3 python)
    set(python "${KW_PYTHON}")
  endif()
  if(NOT python)
    message(FATAL_ERROR "hiredis' sources are not here and no Python was found to fetch them. Either install Python "
                        "with pip, or name the source distribution of the Python package hiredis 3.5.0 by "
                        "-DKEYWRIGHT_HIREDIS_SDIST=FILE.")
  endif()
  message(STATUS "Fetching hiredis' sources with ${python} -m pip")
  # A folder of this run's own: two builds may do this at the same time.
  string(RANDOM LENGTH 8 mark)
  set(work "${directory}/fetch-${mark}")
  file(WRITE "${work}/requirements.txt" "hiredis==3.5.0 --hash=sha256:${KW_HIREDIS_SHA256}\n")
  execute_process(
    COMMAND "${python}" -m pip download --quiet --disable-pip-version-check --no-binary hiredis --no-deps
            --require-hashes --requirement "${work}/requirements.txt" --dest "${work}"
    RESULT_VARIABLE failed ERROR_VARIABLE output OUTPUT_VARIABLE output)
  if(failed OR NOT EXISTS "${work}/${KW_HIREDIS_ARCHIVE}")
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR "pip could not fetch hiredis' sources:\n${output}\n"
                        "Without a network, name the source distribution of the Python package hiredis 3.5.0 by "
                        "-DKEYWRIGHT_HIREDIS_SDIST=FILE, or link the system's hiredis by "
                        "-DKEYWRIGHT_SYSTEM_HIREDIS=ON.")
  endif()
  kw_check_hiredis("${work}/${KW_HIREDIS_ARCHIVE}")
  file(RENAME "${work}/${KW_HIREDIS_ARCHIVE}" "${archive}")
  file(REMOVE_RECURSE "${work}")
endfunction()

function(kw_find_hiredis out download_directory)
  set(kept "${CMAKE_CURRENT_SOURCE_DIR}/third_party/hiredis/${KW_HIREDIS_ARCHIVE}")
  if(KEYWRIGHT_HIREDIS_SDIST)
    set(archive "${KEYWRIGHT_HIREDIS_SDIST}")
    if(NOT EXISTS "${archive}")
      message(FATAL_ERROR "KEYWRIGHT_HIREDIS_SDIST names ${archive}, which is not there.")
    endif()
  elseif(EXISTS "${kept}")
    set(archive "${kept}")
  else()
    kw_fetch_hiredis("${download_directory}")
    set(archive "${download_directory}/${KW_HIREDIS_ARCHIVE}")
  endif()
  kw_check_hiredis("${archive}")
  set(${out} "${archive}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  kw_fetch_hiredis("${CMAKE_CURRENT_LIST_DIR}/../third_party/hiredis")
endif()
