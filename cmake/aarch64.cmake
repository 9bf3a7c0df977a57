# Toolchain for a check that everything compiles for aarch64, from a machine that is not one: Debian's cross compiler, and
# the headers of ICU, cJSON, PCRE2 and SQLite from this machine, which hold for every processor. Libraries and programs that link
# against those cannot be made this way; static libraries can. A section a function, so that a linker can drop those not used.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_C_FLAGS_INIT "-idirafter /usr/include -ffunction-sections")
