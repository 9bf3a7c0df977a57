# Libraries from the distribution. A missing one names the Debian package that has it.
find_package(PkgConfig REQUIRED)

function(assay_require prefix module package)
  pkg_check_modules(${prefix} IMPORTED_TARGET ${module})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "${module} was not found: apt-get install ${package}")
  endif()
endfunction()

assay_require(ICU icu-uc libicu-dev)
assay_require(CJSON libcjson libcjson-dev)
assay_require(SQLITE sqlite3 libsqlite3-dev)
if(ASSAY_TESTS)
  assay_require(CRITERION criterion libcriterion-dev)
endif()
find_package(Threads REQUIRED)

# CUDA is used where nvcc is found; without it the program builds and says so in `assay doctor`.
set(ASSAY_HAS_CUDA OFF)
if(NOT ASSAY_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(ASSAY_HAS_CUDA ON)
  elseif(ASSAY_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ASSAY_CUDA is ON but nvcc was not found: put it on PATH or set CMAKE_CUDA_COMPILER")
  endif()
endif()
