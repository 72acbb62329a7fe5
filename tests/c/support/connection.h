/* One command at a time over a plain socket, so that a test can look at the server without the library under
 * test. */
#ifndef KW_TEST_CONNECTION_H
#define KW_TEST_CONNECTION_H

#include <stddef.h>

/* A connection to a Unix socket, or -1. */
int test_connection_open(const char *path);

/* The reply as text, as test_server_command describes it; NULL when the connection is lost. Free it. */
char *test_connection_call(int connection, size_t count, const char *const *arguments, const size_t *lengths);

#endif
