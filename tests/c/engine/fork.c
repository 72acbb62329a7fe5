/* In a forked child every handle says so, at once, even when the parent's locks were held. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keywright_test.h"
#include "support/test.h"
#include "support/wait.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1 /* clang's word for it */
#endif
#endif

static kw_client *client;
static kw_echo *echo;
static kw_limiter *limiter;
static kw_completions *completions;

static void *block(void *argument) {
    (void)argument;
    kw_echo_pair pair;
    kw_error error;
    kw_echo_send(echo, "", 0, 1, 2000000, &pair, &error);
    return NULL;
}

/* Two of these meet: one is in flight, the other held for it. */
static void *tally(void *argument) {
    kw_echo_pair pair = {0};
    kw_error error;
    kw_echo_tally(echo, 1, 5000000, &pair, &error);
    *(int64_t *)argument = pair.number;
    return NULL;
}

/* Every function of every handle; 0, or a number of the first that says something else, or nothing. */
static int all_are_forked(void) {
    kw_error error;
    kw_info info;
    kw_stats stats;
    kw_background background;
    kw_decision decision = {0};
    kw_limiter_hit_args items[2] = {{sizeof items[0], 0, "u", 1, 1}, {0, 0, "v", 1, 1}};
    kw_decision decisions[2];
    char fields[64];
    size_t length;
    kw_limiter *another = (kw_limiter *)(void *)&error;
    kw_completions *others = (kw_completions *)(void *)&error;
    const int64_t told[] = {
        kw_client_info(client, 0, &info, &error),
        kw_client_stats(client, &stats, &error),
        kw_client_background(client, &background, &error),
        kw_call_resume(client, 1, NULL, 0, &error),
        kw_call_cancel(client, 1, &error),
        kw_client_submit_ping(client, completions, 1, 0, &error),
        kw_completions_open(client, &others, &error),
        kw_completions_wait(completions, KW_FOREVER, &error),
        kw_completions_cancel(completions, 1, &error),
        kw_limiter_open(client, "api", 3, "10/s", NULL, &another, &error),
        kw_limiter_hit(limiter, "u", 1, 1, 0, &decision, &error),
        kw_limiter_peek(limiter, "u", 1, 1, 0, &decision, &error),
        kw_limiter_wait(limiter, "u", 1, 1, KW_FOREVER, 0, &decision, &error),
        kw_limiter_refund(limiter, "u", 1, &decision, 1, 0, &error),
        kw_limiter_reset(limiter, "u", 1, 0, &error),
        kw_limiter_hit_many(limiter, items, 2, 0, decisions, &error),
        kw_limiter_submit_hit(limiter, completions, 1, "u", 1, 1, 0, &error),
        kw_limiter_http_fields(limiter, &decision, "", 0, 0, fields, sizeof fields, &length, &error),
        kw_limiter_http_problem(limiter, &decision, fields, sizeof fields, &length, &error),
        kw_client_ping(client, 0, &error),
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        if (told[i] != KW_FORKED) return 20 + (int)i;
    }
    if (error.code != KW_FORKED || strstr(error.message, "after fork()") == NULL) return 11;
    if (error.maybe_applied || error.retryable || another != NULL || others != NULL) return 12;
    if (kw_completions_timeout_ms(completions) != -1) return 13;
    if (strcmp(kw_client_url(client), "echo://") != 0) return 14;
    return 0;
}

/* What the child sees, as a number of the first thing that is wrong. */
static int child(void) {
    kw_error error;
    kw_echo_pair pair;
    kw_record record;
    kw_echo *another;
    alarm(10);
    if (kw_client_ping(client, 0, &error) != KW_FORKED) return 1;
    if (kw_echo_send(echo, "", 0, 1, 0, &pair, &error) != KW_FORKED) return 2;
    if (kw_completions_step(completions, &error) != KW_FORKED) return 3;
    if (kw_completions_drain(completions, &record, 1, sizeof record, &error) != KW_FORKED) return 4;
    if (kw_echo_submit_send(echo, completions, 1, "", 0, 0, 0, &error) != KW_FORKED) return 5;
    if (kw_echo_tally(echo, 1, 0, &pair, &error) != KW_FORKED) return 15;
    if (kw_echo_submit_tally(echo, completions, 3, 1, 0, &error) != KW_FORKED) return 16;
    if (kw_echo_open(client, &another, &error) != KW_FORKED) return 6;
    if (kw_client_close(client, 0, &error) != KW_FORKED) return 7;
    int wrong = all_are_forked();
    if (wrong != 0) return wrong;
    kw_completions_free(completions);
    kw_limiter_free(limiter);
    kw_echo_free(echo);
    kw_client_free(client);
#if !defined(__SANITIZE_THREAD__) /* which lets no child of a program with threads start one */
    kw_client *own;
    kw_echo *own_echo;
    if (kw_client_open("echo://", NULL, &own, &error) != KW_OK) return 8;
    if (kw_echo_open(own, &own_echo, &error) != KW_OK) return 9;
    if (kw_echo_send(own_echo, "", 0, 7, 0, &pair, &error) != KW_OK || pair.number != 7) return 10;
    kw_echo_free(own_echo);
    kw_client_free(own);
#endif
    return 0;
}

static void the_child_is_told(void **state) {
    (void)state;
    kw_error error;
    kw_echo_pair pair;
    assert_int_equal(kw_client_open("echo://", NULL, &client, &error), KW_OK);
    assert_int_equal(kw_echo_open(client, &echo, &error), KW_OK);
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    assert_int_equal(kw_limiter_open(client, "api", 3, "10/s", NULL, &limiter, &error), KW_OK);
    assert_int_equal(kw_echo_send(echo, "", 0, 1, 0, &pair, &error), KW_OK);
    assert_int_equal(kw_echo_tally(echo, 0, 0, &pair, &error), KW_OK); /* the script is known */
    kw_echo_hold(echo, 1, &error);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, block, NULL), 0);
    pthread_t tallies[2];
    int64_t told[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&tallies[i], NULL, tally, &told[i]), 0);
    test_sleep(20000);
    pid_t pid = fork();
    if (pid == 0) _exit(child());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    kw_echo_hold(echo, 0, &error);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(tallies[i], NULL);
    assert_int_equal(told[0] + told[1], 1 + 2);
    assert_int_equal(kw_echo_send(echo, "", 0, 2, 0, &pair, &error), KW_OK); /* the parent's link is as it was */
    kw_completions_free(completions);
    kw_limiter_free(limiter);
    kw_echo_free(echo);
    kw_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_child_is_told)};
    return test_run(NULL, NULL);
}
