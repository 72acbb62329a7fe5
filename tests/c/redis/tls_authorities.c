/* Where CA certificates are looked for when nobody names them: the places of a system that is made up here. */
#include "redis/tls_authorities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/test.h"

static char root[64];
static kw_error error;
static kw__authorities found;

static const char *below(const char *name) {
    static char paths[8][128];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void make_file(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static int start(void **state) {
    (void)state;
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    strcpy(root, "/tmp/keywright-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    mkdir(below("stocked"), 0700);
    mkdir(below("empty"), 0700);
    mkdir(below("names"), 0700);
    make_file(below("stocked/0a1b2c3d.0"));
    const char *const others[] = {"names/ca.pem",     "names/0a1b2c3d",  "names/0a1b2c3d.", "names/0a1b2c3d.r0",
                                  "names/0A1B2C3D.0", "names/a1b2c3d.0", "bundle.pem",      "other.pem"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        make_file(below(others[i]));
    return 0;
}

static int stop(void **state) {
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static kw_status find(const char *ca, kw__authorities_place own, const kw__authorities_place *places) {
    const kw__authorities_place none = {NULL, NULL};
    kw__url url = {.ca_file = (char *)(uintptr_t)ca};
    return kw__authorities_find(&url, own, places != NULL ? places : &none, &found, &error);
}

static void the_first_place_that_has_any(void **state) {
    (void)state;
    const kw__authorities_place nothing = {"/nowhere.pem", "/nowhere"};
    const kw__authorities_place places[] = {{"/not/there.pem", NULL},
                                            {NULL, below("empty")},
                                            {below("bundle.pem"), NULL},
                                            {below("other.pem"), NULL},
                                            {NULL, NULL}};
    assert_int_equal(find(NULL, nothing, places), KW_OK);
    assert_string_equal(found.file, below("bundle.pem"));
    assert_null(found.directory);
    assert_string_equal(found.told, below("bundle.pem"));
}

static void those_that_openssl_was_built_for_come_first(void **state) {
    (void)state;
    const kw__authorities_place own = {below("other.pem"), NULL};
    const kw__authorities_place places[] = {{below("bundle.pem"), NULL}, {NULL, NULL}};
    assert_int_equal(find(NULL, own, places), KW_OK);
    assert_string_equal(found.file, below("other.pem"));
}

static void a_directory_before_a_file_of_the_same_place(void **state) {
    (void)state;
    assert_int_equal(find(NULL, (kw__authorities_place){below("bundle.pem"), below("stocked")}, NULL), KW_OK);
    assert_string_equal(found.directory, below("stocked"));
    assert_null(found.file);
    /* One that OpenSSL would find nothing in does not count. */
    assert_int_equal(find(NULL, (kw__authorities_place){below("bundle.pem"), below("names")}, NULL), KW_OK);
    assert_string_equal(found.file, below("bundle.pem"));
    assert_null(found.directory);
}

static void what_was_tried_is_told(void **state) {
    (void)state;
    const kw__authorities_place places[] = {{"/a/b.pem", NULL}, {"/c/d.pem", "/e"}, {NULL, NULL}};
    assert_int_equal(find(NULL, (kw__authorities_place){"/f/g.pem", "/h"}, places), KW_TLS);
    assert_int_equal(error.reason, KW_REASON_TLS_FILE);
    assert_non_null(strstr(error.message, "tried /f/g.pem, /h, /a/b.pem, /c/d.pem, /e"));
    assert_non_null(strstr(error.message, "install ca-certificates, or name a file by ca="));
}

/* All the known places fit into the message. */
static void every_known_place_is_told(void **state) {
    (void)state;
    size_t length = 0;
    for (const kw__authorities_place *place = kw__authorities_places; place->file != NULL; place++) {
        length += strlen(place->file) + 2 + (place->directory != NULL ? strlen(place->directory) + 2 : 0);
    }
    assert_true(length > 0 && length < sizeof error.message - 80);
}

static void what_is_named_comes_before_all(void **state) {
    (void)state;
    const kw__authorities_place own = {below("other.pem"), below("stocked")};
    assert_int_equal(find(below("bundle.pem"), own, NULL), KW_OK);
    assert_string_equal(found.file, below("bundle.pem"));
    assert_null(found.directory);
    assert_int_equal(find(below("stocked"), own, NULL), KW_OK);
    assert_string_equal(found.directory, below("stocked"));
    assert_null(found.file);
    assert_int_equal(find(below("names"), own, NULL), KW_TLS);
    assert_non_null(strstr(error.message, "openssl rehash"));
    assert_int_equal(find("/nowhere", own, NULL), KW_TLS); /* and nothing stands in for it */
    assert_non_null(strstr(error.message, "ca names /nowhere"));
}

static void the_environment_comes_before_the_system(void **state) {
    (void)state;
    const kw__authorities_place own = {below("other.pem"), NULL};
    char list[160];
    snprintf(list, sizeof list, "%s:%s", below("empty"), below("stocked"));
    setenv("SSL_CERT_FILE", below("bundle.pem"), 1);
    assert_int_equal(find(NULL, own, NULL), KW_OK);
    assert_string_equal(found.file, below("bundle.pem"));
    assert_null(found.directory);
    setenv("SSL_CERT_DIR", list, 1);
    assert_int_equal(find(NULL, own, NULL), KW_OK);
    assert_string_equal(found.file, below("bundle.pem"));
    assert_string_equal(found.directory, list);
    assert_int_equal(find(below("other.pem"), own, NULL), KW_OK);
    assert_string_equal(found.file, below("other.pem"));
    assert_null(found.directory);
    setenv("SSL_CERT_FILE", "", 1); /* as if it were not there */
    assert_int_equal(find(NULL, own, NULL), KW_OK);
    assert_null(found.file);
    setenv("SSL_CERT_DIR", below("empty"), 1);
    kw_status status = find(NULL, own, NULL);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    assert_int_equal(status, KW_TLS);
    assert_non_null(strstr(error.message, "SSL_CERT_DIR="));
}

static void an_allocation_may_fail(void **state) {
    (void)state;
    const kw__authorities_place places[] = {{"/a", "/b"}, {NULL, NULL}};
    kw__memory_fail_at(1, true);
    kw_status status = find(NULL, (kw__authorities_place){"/c", NULL}, places);
    kw__memory_fail_at(0, false);
    assert_int_equal(status, KW_NO_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_place_that_has_any),
        cmocka_unit_test(those_that_openssl_was_built_for_come_first),
        cmocka_unit_test(a_directory_before_a_file_of_the_same_place),
        cmocka_unit_test(what_was_tried_is_told),
        cmocka_unit_test(every_known_place_is_told),
        cmocka_unit_test(what_is_named_comes_before_all),
        cmocka_unit_test(the_environment_comes_before_the_system),
        cmocka_unit_test(an_allocation_may_fail),
    };
    return test_run(start, stop);
}
