/* Looks for the host's files with the compiler's eyes. */
#if __has_include("/etc/passwd") || __has_include("/etc/shadow")
#error reached /etc
#endif
#if __has_include("@SECRET@") || __has_include("@PROJECT@/Makefile")
#error reached the project
#endif
#if __has_include("../../solutions/01-map-file/map_file.c")
#error reached the solutions
#endif
