/*
 * What goes by state (limiter.reset) is sent again on a new link only when the old one is dead. Its first copy may
 * still be on its way to the server: if it arrived behind the second it would wipe out what was done in between.
 */
#include "faults/faults_test.h"

static void make_users(void) {
    static const char *const users[][2] = {
        {"all", "+@all"}, {"nokill", "-client|kill"}, {"noid", "-client|id"}, {"noinfo", "-info"}};
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        free(test_server_command(&server, "ACL", "SETUSER", users[i][0], "on", ">pw", "~*", "&*", "+@all", users[i][1],
                                 (char *)NULL));
    }
}

/* A client of this user, a key with a charge. */
static kw_limiter *ready_as(const char *user) {
    char url[256];
    snprintf(url, sizeof url, "unix://%s:pw@%s", user, proxy.path);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
    kw_limiter *limiter = open_window("api");
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    assert_int_equal(charged("api", "u"), 1);
    return limiter;
}

static void done(kw_limiter *limiter) {
    kw_limiter_free(limiter);
    kw_client_free(client);
}

static void *cut_soon(void *unused) {
    test_sleep(60000);
    test_proxy_delay(&proxy, TEST_TO_SERVER, 0);
    test_proxy_cut(&proxy);
    return unused;
}

/* A reset is held up for 400 ms. After 60 its link is lost; the copy goes on its way all the same. */
static kw_status reset_and_lose_the_link(kw_limiter *limiter) {
    pthread_t thread;
    test_proxy_record(&proxy);
    test_proxy_delay(&proxy, TEST_TO_SERVER, 400000);
    assert_int_equal(pthread_create(&thread, NULL, cut_soon, NULL), 0);
    kw_status status = kw_limiter_reset(limiter, "u", 1, 2000000, &error);
    pthread_join(thread, NULL);
    return status;
}

/* The number of times that a word went over the wire, and whether the last came behind `before`. */
static int sent(const char *text, const char *word, const char *before) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
        count++;
        if (before != NULL) assert_true(strstr(text, before) != NULL && strstr(text, before) < at);
    }
    return count;
}

static void it_is_repeated_behind_the_death_of_the_first(void **state) {
    (void)state;
    kw_limiter *limiter = ready_as("all");
    int64_t kills = runs_of("client|kill"), retries = stats().retries;
    assert_int_equal(reset_and_lose_the_link(limiter), KW_OK);
    char *wire = test_proxy_recorded(&proxy);
    assert_int_equal(sent(wire, "DEL\r\n", "KILL\r\n"), 1); /* the second copy; the first is not there yet */
    free(wire);
    assert_int_equal(runs_of("client|kill"), kills + 1);
    assert_int_equal(charged("api", "u"), 0);

    assert_int_equal(hit(limiter, "u", 0), KW_OK); /* somebody goes on in between */
    test_sleep(600000);
    assert_int_equal(charged("api", "u"), 1); /* the first copy came too late to a dead link */
    assert_int_equal(stats().retries, retries + 1);
    done(limiter);
}

static void *restart_soon(void *unused) {
    test_sleep(30000);
    test_server_restart(&server, 50000);
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, false);
    return unused;
}

/* What is told, and what went over the wire at once and up to the end. */
static void is_not_repeated(const char *user, int copies) {
    kw_limiter *limiter = ready_as(user);
    int64_t retries = stats().retries;
    assert_int_equal(reset_and_lose_the_link(limiter), KW_UNKNOWN);
    assert_int_equal(error.maybe_applied, 1);
    char *wire = test_proxy_recorded(&proxy);
    assert_int_equal(sent(wire, "DEL\r\n", NULL), 0);
    free(wire);
    test_sleep(600000);
    wire = test_proxy_recorded(&proxy);
    assert_int_equal(sent(wire, "DEL\r\n", NULL), copies);
    free(wire);
    assert_int_equal(charged("api", "u"), 1 - copies); /* this is why: the first was still to come */
    assert_int_equal(stats().retries, retries);
    done(limiter);
}

static void who_may_not_kill_does_not_repeat(void **state) {
    (void)state;
    is_not_repeated("nokill", 1);
}

static void who_does_not_know_its_own_link_does_not_repeat(void **state) {
    (void)state;
    is_not_repeated("noid", 1);
}

/* It may have killed a link of the same number on another server. */
static void who_does_not_know_the_server_does_not_repeat(void **state) {
    (void)state;
    is_not_repeated("noinfo", 0);
}

static void another_server_at_the_same_place(void **state) {
    (void)state;
    pthread_t thread;
    open_client("");
    kw_limiter *limiter = open_window("api");
    assert_int_equal(hit(limiter, "u", 0), KW_OK);
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
    assert_int_equal(pthread_create(&thread, NULL, restart_soon, NULL), 0);
    assert_int_equal(kw_limiter_reset(limiter, "u", 1, 5000000, &error), KW_UNKNOWN);
    assert_int_equal(error.maybe_applied, 1);
    pthread_join(thread, NULL);
    assert_int_equal(kw_limiter_reset(limiter, "u", 1, 0, &error), KW_OK);
    done(limiter);
}

static int start(void **state) {
    start_server(state);
    make_users();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(it_is_repeated_behind_the_death_of_the_first),
        fault_test(who_may_not_kill_does_not_repeat),
        fault_test(who_does_not_know_its_own_link_does_not_repeat),
        fault_test(who_does_not_know_the_server_does_not_repeat),
        fault_test(another_server_at_the_same_place),
    };
    return test_run(start, stop_server);
}
