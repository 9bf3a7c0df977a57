# How our targets are compiled, in one place.

# assay_compile(target): our warnings, definitions and sanitizers, on this target alone.
function(assay_compile target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes
      -Wstrict-prototypes -Wvla -Wformat=2 -ffp-contract=off -fno-math-errno>
    # Rows of tables leave out what they do not have; gcc, unlike clang, takes that where the table is designated.
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<C_COMPILER_ID:Clang>>:-Wno-missing-field-initializers>)
  if(ASSAY_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Werror>)
  endif()
  if(ASSAY_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-fsanitize=${ASSAY_SANITIZE}
      -fno-omit-frame-pointer -fno-sanitize-recover=undefined>)
    target_link_options(${target} PRIVATE -fsanitize=${ASSAY_SANITIZE})
    if(ASSAY_SANITIZE MATCHES "address")
      target_compile_definitions(${target} PRIVATE ASSAY_ARENA_MALLOC)
    endif()
  endif()
  if(ASSAY_COVERAGE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:--coverage>)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()

# assay_library(name SOURCES ... LINK ...): one folder's library; base/banned.h is forced into every C source.
function(assay_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  assay_compile(${name})
  target_compile_options(${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/base/banned.h>")
  target_link_libraries(${name} PUBLIC ${arg_LINK})
endfunction()

# assay_test(folder [COST seconds] SOURCES ... LINK ...): one Criterion program for a folder's tests. ctest starts those of
# the greatest cost first, so that none of them is left alone at the end; it learns by itself, but not before a first run.
function(assay_test folder)
  cmake_parse_arguments(arg "" "COST" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(test_${folder} ${arg_SOURCES})
  assay_compile(test_${folder})
  target_compile_definitions(test_${folder} PRIVATE
    ASSAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ASSAY_BINARY="$<TARGET_FILE_DIR:assay>/assay")
  target_compile_options(test_${folder} PRIVATE -Wno-pedantic -Wno-missing-prototypes -Wno-shadow)
  target_link_libraries(test_${folder} PRIVATE ${arg_LINK} assay_test_support PkgConfig::CRITERION)
  add_test(NAME ${folder} COMMAND test_${folder} --jobs 2)
  # Tests ask for absurd amounts of memory; they shall get NULL, as without the sanitizer.
  set_tests_properties(${folder} PROPERTIES
    ENVIRONMENT "ASAN_OPTIONS=allocator_may_return_null=1" LABELS criterion)
  if(arg_COST)
    set_tests_properties(${folder} PROPERTIES COST ${arg_COST})
  endif()
endfunction()
