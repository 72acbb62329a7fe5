/* The scenarios of tests/vectors, each a test of its own; and that what cannot be right is refused. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/server.h"
#include "support/test.h"
#include "support/vectors/vectors.h"

enum { TESTS_MAX = 4096 };

static struct test_server server;
static vector_problem problem;
static char folder[1024];

static const char *path_of(const char *name) {
    static char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int open_server(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    return 0;
}

static int close_server(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

static int clean(void) {
    void *of_server = &server;
    return test_server_flush(&of_server);
}

static void a_scenario(void **state) {
    test_clock_require_exact(&server);
    assert_int_equal(clean(), 0);
    if (!vector_run(&server, *state, &problem)) fail_msg("%s", problem.text);
}

static void an_empty_folder_is_refused(void **state) {
    (void)state;
    char empty[] = "/tmp/keywright-test-XXXXXX";
    assert_non_null(mkdtemp(empty));
    json_t *found = vector_folder(empty, &problem);
    rmdir(empty);
    assert_null(found);
}

/* A file, up to its first problem. */
static bool is_right(const char *file) {
    json_t *scenarios = vector_file(file, &problem), *scenario;
    bool right = scenarios != NULL;
    size_t i;
    json_array_foreach(scenarios, i, scenario) {
        assert_int_equal(clean(), 0);
        right = right && vector_run(&server, scenario, &problem);
    }
    json_decref(scenarios);
    return right;
}

static void what_cannot_be_right_is_refused(void **state) {
    (void)state;
    test_clock_require_exact(&server);
    int files = 0;
    DIR *refused = opendir(path_of("refused"));
    assert_non_null(refused);
    for (struct dirent *entry; (entry = readdir(refused)) != NULL;) {
        char name[512];
        if (strstr(entry->d_name, ".json") == NULL) continue;
        snprintf(name, sizeof name, "refused/%.400s", entry->d_name);
        if (is_right(path_of(name))) fail_msg("%s was not refused", name);
        if (getenv("KEYWRIGHT_TEST_SHOW") != NULL) print_message("%s: %s\n", name, problem.text);
        files++;
    }
    closedir(refused);
    assert_true(files >= 20);
}

static void every_folder_is_run(void **state) {
    (void)state;
    DIR *all = opendir(folder);
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "refused") == 0) continue;
        json_t *found = vector_folder(path_of(entry->d_name), &problem); /* NULL: no folder of scenarios */
        bool runs = found == NULL;
        json_decref(found);
        for (const vector_words *const *each = vector_modules; !runs && *each != NULL; each++)
            runs = strcmp((*each)->module, entry->d_name) == 0;
        if (!runs) fail_msg("%s is run by nobody", entry->d_name);
    }
    closedir(all);
}

/* A test for each scenario of the modules. The array keeps what the tests point to. */
static size_t add_scenarios(struct CMUnitTest *tests, size_t count, json_t *all) {
    for (const vector_words *const *each = vector_modules; *each != NULL; each++) {
        json_t *scenarios = vector_folder(path_of((*each)->module), &problem), *scenario;
        size_t i;
        if (scenarios == NULL || count + json_array_size(scenarios) > TESTS_MAX) {
            fprintf(stderr, "%s: %s\n", (*each)->module, problem.text);
            return 0;
        }
        json_array_foreach(scenarios, i, scenario) {
            const char *name = json_string_value(json_object_get(scenario, "name"));
            tests[count++] = (struct CMUnitTest){.name = name, .test_func = a_scenario, .initial_state = scenario};
        }
        json_array_append_new(all, scenarios);
    }
    return count;
}

int main(void) {
    static struct CMUnitTest tests[TESTS_MAX] = {
        cmocka_unit_test(an_empty_folder_is_refused),
        cmocka_unit_test(what_cannot_be_right_is_refused),
        cmocka_unit_test(every_folder_is_run),
    };
    const char *given = getenv("KEYWRIGHT_TEST_VECTORS"); /* by hand it runs in the root of the repository */
    snprintf(folder, sizeof folder, "%s", given != NULL ? given : "tests/vectors");
    json_t *all = json_array();
    size_t count = add_scenarios(tests, 3, all);
    int failed = count == 0 ? 1 : _cmocka_run_group_tests("vectors", tests, count, open_server, close_server);
    json_decref(all);
    return failed;
}
