# Run at build time: writes OUTPUT, a header with the version from git, or FALLBACK outside a repository. The file is left
# alone where nothing changed, so that nothing is built anew.
#   cmake -DSOURCE=DIR -DOUTPUT=FILE -DFALLBACK=1.2.3 -P version.cmake
set(version "${FALLBACK}")
find_program(git git)
if(git AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${git} describe --tags --match "v[0-9]*" --dirty
    WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET RESULT_VARIABLE failed)
  if(failed) # no tag yet: the project's version, commits so far, the commit
    execute_process(COMMAND ${git} rev-list --count HEAD
      WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE count OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${git} describe --always --dirty --exclude "*"
      WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
      RESULT_VARIABLE failed)
    set(described "v${FALLBACK}-${count}-g${commit}")
  endif()
  if(NOT failed)
    string(REGEX REPLACE "^v" "" version "${described}")
  endif()
endif()
set(text "// Made by cmake/version.cmake.\n#define ASSAY_VERSION \"${version}\"\n")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
