/* Arguments that cannot be: a code, a reason and a message for each, and nothing sent. */
#include "limiter/limiter_test.h"
#include "support/refusal.h"

static void names_and_limits_of_open(void **state) {
    (void)state;
    kw_limiter *limiter = (kw_limiter *)(void *)&error;
    char name[KW_MAX_NAME + 1];
    memset(name, 'n', sizeof name);
    INVALID(kw_limiter_open(NULL, "a", 1, "1/s", NULL, &limiter, &error), KW_REASON_NULL_HANDLE, "client");
    assert_null(limiter);
    INVALID(kw_limiter_open(client, "a", 1, "1/s", NULL, NULL, &error), KW_REASON_NULL_ARGUMENT, "limiter");
    INVALID(kw_limiter_open(client, "a", 1, NULL, NULL, &limiter, &error), KW_REASON_NULL_ARGUMENT, "limits");
    INVALID(kw_limiter_open(client, NULL, 1, "1/s", NULL, &limiter, &error), KW_REASON_NULL_ARGUMENT, "name");
    INVALID(kw_limiter_open(client, "", 0, "1/s", NULL, &limiter, &error), KW_REASON_NAME_LENGTH, "name");
    INVALID(kw_limiter_open(client, name, sizeof name, "1/s", NULL, &limiter, &error), KW_REASON_NAME_LENGTH, "255");
    INVALID(kw_limiter_open(client, "a", 1, "1/fortnight", NULL, &limiter, &error), KW_REASON_LIMIT_SYNTAX, "minute");
    assert_int_equal(error.position, 2);
    INVALID(kw_limiter_open(client, "a", 1, "0/s", NULL, &limiter, &error), KW_REASON_LIMIT_RANGE, "between 1 and");
    assert_int_equal(error.position, 0);
    INVALID(kw_limiter_open(client, "a", 1, "1/year burst 145", NULL, &limiter, &error), KW_REASON_LIMIT_SIZE, "burst");
    assert_int_equal(error.position, 13);
    INVALID(kw_limiter_open(client, "a", 1, "1001/us", NULL, &limiter, &error), KW_REASON_LIMIT_RANGE, "1000 per us");
    assert_null(limiter);
    assert_int_equal(kw_limiter_open(client, name, KW_MAX_NAME, "1/s", NULL, &limiter, &error), KW_OK);
    kw_limiter_free(limiter);
}

static void limits_that_cannot_stand_together(void **state) {
    (void)state;
    kw_limiter *limiter = NULL;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"10/s; 5/s", "both known as 1000000"},
        {"10/s as a; 5/m as a", "limits 1 and 2 of the text are both known as a"},
        {"1 concurrent as a; 2 concurrent as b", "2 concurrent limits"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        INVALID(kw_limiter_open(client, "a", 1, bad[i].text, NULL, &limiter, &error), KW_REASON_LIMIT_RANGE,
                bad[i].says);
        assert_null(limiter);
    }
}

static kw_status open_with(kw_limiter_options options, const char *limit) {
    kw_limiter *limiter = NULL;
    kw_status status = kw_limiter_open(client, "a", 1, limit, &options, &limiter, &error);
    assert_true((status == KW_OK) == (limiter != NULL));
    kw_limiter_free(limiter);
    return status;
}

static void options_of_open(void **state) {
    (void)state;
    kw_limiter_options good = {.size = sizeof good}, bad;
    assert_int_equal(open_with(good, "1/s"), KW_OK);
    bad = good, bad.size = 0;
    INVALID(open_with(bad, "1/s"), KW_REASON_STRUCT_SIZE, "size");
    bad = good, bad.flags = 1;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "flags");
    bad = good, bad.algorithm = 5;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "algorithm is 5");
    bad = good, bad.algorithm = -1;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "algorithm is -1");
    bad = good, bad.reservations = 2;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "reservations");
    bad = good, bad.max_wait_us = -1;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "max_wait_us is -1");
    bad = good, bad.max_wait_us = DAY + 1;
    INVALID(open_with(bad, "1/s"), KW_REASON_OPTION, "max_wait_us");
    bad = good, bad.algorithm = KW_ALGORITHM_FIXED_WINDOW;
    INVALID(open_with(bad, "1/s burst 2"), KW_REASON_OPTION, "only GCRA has bursts");
    assert_int_equal(open_with(bad, "2/s burst 2"), KW_OK);
    good.max_wait_us = DAY;
    assert_int_equal(open_with(good, "1/s"), KW_OK);
}

static void options_that_contradict(void **state) {
    (void)state;
    static const struct {
        const char *limit, *says;
        kw_limiter_options options;
    } bad[] = {
        {"1/s", "options.shadow is 2", {.shadow = 2}},
        {"1/s", "options.charge_denials is -1", {.charge_denials = -1}},
        {"1/s", "options.align is 3", {.align = 3, .algorithm = KW_ALGORITHM_FIXED_WINDOW}},
        {"1/s", "only fixed windows have edges", {.align = KW_ALIGN_CLOCK}},
        {"1/s", "options.zone_offset is 1081", {.zone_offset = 1081}},
        {"1/s", "0 unless align is 1 or 2", {.zone_offset = 60}},
        {"1/s", "options.block_us is -1", {.block_us = -1}},
        {"1/s", "options.block_us", {.block_us = DAY + 1}},
        {"1/s", "options.block_max_us", {.block_us = 1, .block_max_us = 30 * DAY + 1}},
        {"1/s", "block_us or more", {.block_us = 2, .block_max_us = 1}},
        {"1/s", "0 without block_us", {.block_max_us = 1}},
        {"1/s", "a shadow limiter denies nothing", {.shadow = 1, .block_us = 1}},
        {"1/s", "a shadow limiter denies nothing", {.shadow = 1, .charge_denials = 1}},
        {"1/s", "options.lease_us is -1", {.lease_us = -1}},
        {"1/s", "options.lease_us", {.lease_us = DAY + 1}},
        {"1/s", "write it as \"10 concurrent\"", {.algorithm = KW_ALGORITHM_CONCURRENCY}},
        {"1 concurrent", "charge_denials", {.charge_denials = 1}},
        {"1/s; 1 concurrent shadow", "charge_denials", {.charge_denials = 1}},
        {"2/s burst 3", "only GCRA has bursts", {.algorithm = KW_ALGORITHM_SLIDING_COUNTER}},
        {"2/s burst 3", "only GCRA has bursts", {.algorithm = KW_ALGORITHM_SLIDING_LOG}},
    };
    int64_t sent = bytes_sent();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kw_limiter_options options = bad[i].options;
        options.size = sizeof options;
        print_message("  %s: %s\n", bad[i].limit, bad[i].says);
        INVALID(open_with(options, bad[i].limit), KW_REASON_OPTION, bad[i].says);
    }
    kw_limiter_options list = {.size = sizeof list, .algorithm = KW_ALGORITHM_SLIDING_LOG},
                       none = {.size = sizeof none};
    INVALID(open_with(list, "100001/s"), KW_REASON_LIMIT_SIZE, "100000");
    INVALID(open_with(none, "100001 concurrent"), KW_REASON_LIMIT_SIZE, "100000");
    kw_limiter_options calendar = {
        .size = sizeof calendar, .algorithm = KW_ALGORITHM_FIXED_WINDOW, .align = KW_ALIGN_CALENDAR};
    INVALID(open_with(calendar, "1 per 31 days"), KW_REASON_LIMIT_RANGE, "whole months or years");
    assert_int_equal(bytes_sent(), sent);
}

static void arguments_of_leases_and_parts(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s"), *leases = gcra("3 concurrent"), *other = gcra("4/m; 3 concurrent");
    kw_decision decision, good = hit(limiter, 1), held = hit(leases, 2), denied = hit(leases, 2);
    int64_t sent = bytes_sent();
    INVALID(kw_limiter_hit_up_to(limiter, "u", 1, -1, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_hit_up_to(limiter, "u", 1, INT64_C(1) << 52, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_renew(leases, "u", 1, NULL, 0, &error), KW_REASON_NULL_ARGUMENT, "decision");
    INVALID(kw_limiter_renew(limiter, "u", 1, &good, 0, &error), KW_REASON_DECISION, "no limit of this limiter");
    INVALID(kw_limiter_renew(leases, "u", 1, &denied, 0, &error), KW_REASON_DECISION, "charged nothing");
    INVALID(kw_limiter_renew(leases, "w", 1, &held, 0, &error), KW_REASON_DECISION, "another key");
    INVALID(kw_limiter_renew(other, "u", 1, &held, 0, &error), KW_REASON_DECISION, "did not make it");
    INVALID(kw_limiter_refund(other, "u", 1, &held, 1, 0, &error), KW_REASON_DECISION, "did not make it");
    kw_limiter *long_burst = gcra("7/year burst 300");
    INVALID(kw_limiter_hit_up_to(long_burst, "u", 1, 5, 0, &decision, &error), KW_REASON_LIMIT_SIZE, "cannot be told");
    assert_int_equal(bytes_sent(), sent);
    kw_limiter_free(limiter);
    kw_limiter_free(leases);
    kw_limiter_free(other);
    kw_limiter_free(long_burst);
}

/* A program built with an older header passes a shorter record: what lies behind it is not read. */
static void options_are_read_as_far_as_their_size(void **state) {
    (void)state;
    kw_limiter_options options = {
        .size = offsetof(kw_limiter_options, max_wait_us), .algorithm = KW_ALGORITHM_FIXED_WINDOW, .max_wait_us = -1};
    kw_limiter *limiter = NULL;
    no_failure(kw_limiter_open(client, "api", 3, "10/s", &options, &limiter, &error));
    hit(limiter, 1);
    assert_string_equal(ask("EXISTS", WINDOW_KEY), "1");
    kw_limiter_free(limiter);
    options = (kw_limiter_options){.size = 8, .algorithm = 77, .max_wait_us = -1};
    no_failure(kw_limiter_open(client, "api", 3, "10/s", &options, &limiter, &error));
    kw_limiter_free(limiter);
}

static void arguments_of_operations(void **state) {
    (void)state;
    kw_limiter *limiter = gcra("10/s");
    kw_decision decision, *none = NULL;
    char key[KW_MAX_KEY + 1];
    memset(key, 'k', sizeof key);
    kw_decision good = hit(limiter, 1);
    int64_t sent = bytes_sent();

    INVALID(kw_limiter_hit(NULL, "u", 1, 1, 0, &decision, &error), KW_REASON_NULL_HANDLE, "limiter");
    INVALID(kw_limiter_hit(limiter, "u", 1, 1, 0, none, &error), KW_REASON_NULL_ARGUMENT, "decision");
    INVALID(kw_limiter_hit(limiter, NULL, 1, 1, 0, &decision, &error), KW_REASON_NULL_ARGUMENT, "key");
    memset(&decision, 'x', sizeof decision);
    INVALID(kw_limiter_hit(limiter, key, sizeof key, 1, 0, &decision, &error), KW_REASON_KEY_LENGTH, "1024");
    for (size_t i = 0; i < sizeof decision; i++)
        assert_int_equal(((const char *)&decision)[i], 0);
    INVALID(kw_limiter_hit(limiter, "u", 1, -1, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_hit(limiter, "u", 1, INT64_C(1) << 52, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_hit(limiter, "u", 1, INT64_MAX, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_hit(limiter, "u", 1, 1, -1, &decision, &error), KW_REASON_TIMEOUT, "timeout");
    INVALID(kw_limiter_peek(limiter, "u", 1, -1, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_wait(limiter, "u", 1, -1, 0, 0, &decision, &error), KW_REASON_RANGE, "cost");
    INVALID(kw_limiter_wait(limiter, "u", 1, 1, -1, 0, &decision, &error), KW_REASON_RANGE, "wait_us");
    INVALID(kw_limiter_wait(limiter, "u", 1, 1, INT64_MIN, 0, &decision, &error), KW_REASON_RANGE, "wait_us");
    INVALID(kw_limiter_reset(limiter, key, sizeof key, 0, &error), KW_REASON_KEY_LENGTH, "key");
    INVALID(kw_limiter_refund(limiter, "u", 1, NULL, 1, 0, &error), KW_REASON_NULL_ARGUMENT, "decision");
    INVALID(kw_limiter_refund(limiter, "u", 1, &good, 0, 0, &error), KW_REASON_RANGE, "count");
    INVALID(kw_limiter_refund(limiter, "u", 1, &good, -5, 0, &error), KW_REASON_RANGE, "count");
    INVALID(kw_limiter_refund(limiter, "u", 1, &good, 2, 0, &error), KW_REASON_DECISION, "it charged 1");
    assert_int_equal(bytes_sent(), sent);

    /* The error may be NULL everywhere. */
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, -1, 0, &decision, NULL), KW_INVALID);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &good, 2, 0, NULL), KW_INVALID);
    kw_limiter_free(limiter);
    kw_limiter_free(NULL);
}

static void after_close_everything_answers_closed(void **state) {
    (void)state;
    kw_client *other = NULL;
    kw_limiter *limiter = NULL, *late = NULL;
    kw_decision decision;
    no_failure(kw_client_open(server.url, NULL, &other, &error));
    no_failure(kw_limiter_open(other, "api", 3, "10/s", NULL, &limiter, &error));
    no_failure(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error));
    kw_decision good = decision;
    no_failure(kw_client_close(other, 0, &error));
    assert_int_equal(kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error), KW_CLOSED);
    assert_int_equal(decision.remaining, 0);
    assert_int_equal(kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error), KW_CLOSED);
    assert_int_equal(kw_limiter_wait(limiter, "u", 1, 1, 0, 0, &decision, &error), KW_CLOSED);
    assert_int_equal(kw_limiter_reset(limiter, "u", 1, 0, &error), KW_CLOSED);
    assert_int_equal(kw_limiter_refund(limiter, "u", 1, &good, 1, 0, &error), KW_CLOSED);
    assert_int_equal(kw_limiter_open(other, "api", 3, "10/s", NULL, &late, &error), KW_CLOSED);
    assert_null(late);
    kw_client_free(other);
    kw_limiter_free(limiter); /* in this order as well */
}

static void parsing_checks_its_arguments(void **state) {
    (void)state;
    kw_limit limits[8];
    int64_t count = 5;
    INVALID(kw_limits_parse(NULL, limits, 8, &count, &error), KW_REASON_NULL_ARGUMENT, "text");
    assert_int_equal(count, 0);
    INVALID(kw_limits_parse("1/s", NULL, 8, &count, &error), KW_REASON_NULL_ARGUMENT, "limits");
    INVALID(kw_limits_parse("1/s", limits, 0, &count, &error), KW_REASON_RANGE, "capacity");
    INVALID(kw_limits_parse("1/s", limits, 9, &count, &error), KW_REASON_RANGE, "capacity");
    INVALID(kw_limits_parse("1/s", limits, 8, NULL, &error), KW_REASON_NULL_ARGUMENT, "count");
    assert_int_equal(kw_limits_parse("1/s; 5/m", limits, 8, &count, &error), KW_OK);
    assert_int_equal(count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        limiter_test(names_and_limits_of_open),
        limiter_test(limits_that_cannot_stand_together),
        limiter_test(options_of_open),
        limiter_test(options_that_contradict),
        limiter_test(arguments_of_leases_and_parts),
        limiter_test(options_are_read_as_far_as_their_size),
        limiter_test(arguments_of_operations),
        limiter_test(after_close_everything_answers_closed),
        limiter_test(parsing_checks_its_arguments),
    };
    return test_run(open_server, close_server);
}
