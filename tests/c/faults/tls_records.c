/*
 * Faults below TLS: the proxy sees records, not replies. It delays them, holds them back, cuts and resets in the middle
 * of one, and does what only an attacker can. No answer goes to the wrong caller, none is made of half a record.
 */
#include <signal.h>

#include "faults/callers_test.h"
#include "support/tls_peer.h"

static struct test_certificate ca, good;
static struct test_tls_peer peer;

static int start(void **state) {
    (void)state;
    test_server_start(&server, NULL);
    test_certificate_make(&ca, server.directory, "ca", NULL, (struct test_certificate_wish){.is_authority = true});
    test_certificate_make(&good, server.directory, "good", &ca,
                          (struct test_certificate_wish){.names = "IP:127.0.0.1"});
    return 0;
}

static int stop(void **state) {
    test_certificate_free(&ca);
    test_certificate_free(&good);
    return stop_server(state);
}

/* A client, the proxy, a peer that speaks TLS, the server. */
static void begin(struct test_tls_manner manner, const char *more) {
    char url[256];
    test_server_expect(&server, "OK", "FLUSHALL");
    test_tls_peer_start(&peer, server.socket, &good, manner);
    test_proxy_start_on_port(&proxy, peer.port);
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?ca=%s%s", proxy.port, ca.file, more);
    assert_int_equal(kw_client_open(url, NULL, &client, &error), KW_OK);
}

static void end(void) {
    test_proxy_stop(&proxy);
    test_tls_peer_stop(&peer);
}

/* Many callers */

static void threads_that_share_a_link(void **state) {
    (void)state;
    begin((struct test_tls_manner){0}, "");
    open_callers();
    run(CALLERS, 1, call_again_and_again, 1500000, false);
    end();
}

static void threads_whose_records_vanish(void **state) {
    (void)state;
    begin((struct test_tls_manner){.newest = TLS1_2_VERSION, .record_bytes = 512}, "");
    open_callers();
    run(CALLERS, 1, call_again_and_again, 4500000, true);
    end();
}

static void submitted_calls(void **state) {
    (void)state;
    begin((struct test_tls_manner){.renews_keys = true}, "&protocol=2");
    open_callers();
    run(2, CALLERS / 2, submit_again_and_again, 1500000, false);
    end();
}

/* One record after another */

static kw_limiter *window;

static kw_status hit_once(int64_t timeout) {
    kw_decision decision;
    kw_status status = kw_limiter_hit(window, "u", 1, 1, timeout, &decision, &error);
    if (status == KW_OK) assert_int_equal(WINDOW_LIMIT - decision.remaining, charged("api", "u"));
    return status;
}

/* How many bytes the answer to one hit has on the wire. */
static int64_t size_of_answer(void) {
    int64_t before = test_proxy_seen(&proxy).passed[TEST_TO_CLIENT];
    assert_int_equal(hit_once(0), KW_OK);
    return test_proxy_seen(&proxy).passed[TEST_TO_CLIENT] - before;
}

/* Whatever part of the record has come: the hit was sent and may have been done, and the next is done. */
static void cut_anywhere(struct test_tls_manner manner) {
    begin(manner, "&timeout=2s");
    window = open_window("api");
    assert_int_equal(hit_once(0), KW_OK);
    int64_t size = size_of_answer(), hits = 2;
    assert_in_range(size, 30, 400);
    for (int64_t bytes = 1; bytes < size; bytes++) {
        test_proxy_cut_after(&proxy, bytes);
        int64_t begun = test_now();
        assert_int_equal(hit_once(0), KW_UNKNOWN);
        assert_int_equal(error.maybe_applied, 1);
        assert_true(error.message[0] != '\0');
        assert_true(test_now() - begun < 1500000); /* not by the deadline */
        assert_int_equal(hit_once(0), KW_OK);
        hits += 2;
        assert_int_equal(charged("api", "u"), hits);
    }
    size = size_of_answer();            /* its numbers have grown */
    test_proxy_cut_after(&proxy, size); /* behind the record: the answer is there */
    assert_int_equal(hit_once(0), KW_OK);
    kw_limiter_free(window);
    kw_client_free(client);
    end();
}

static void a_record_that_is_cut_anywhere(void **state) {
    (void)state;
    cut_anywhere((struct test_tls_manner){0});
    cut_anywhere((struct test_tls_manner){.newest = TLS1_2_VERSION});
}

static bool has_passed(void *before) {
    return test_proxy_seen(&proxy).passed[TEST_TO_SERVER] > *(const int64_t *)before;
}

/* The connection ends without a word of leave, which anybody in between can bring about: that is no answer. */
static void an_end_that_nobody_announced(void **state) {
    (void)state;
    kw_completions *completions;
    kw_record record;
    begin((struct test_tls_manner){0}, "");
    window = open_window("api");
    assert_int_equal(kw_completions_open(client, &completions, &error), KW_OK);
    for (int round = 0; round < 2; round++) { /* the second time the link is up */
        assert_int_equal(kw_limiter_submit_hit(window, completions, 0, "u", 1, 1, 0, &error), KW_OK);
        assert_int_equal(kw_completions_wait(completions, 5000000, &error), 1);
        assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
        assert_int_equal(record.status, KW_OK);
    }
    test_server_signal(&server, SIGSTOP);
    int64_t before = test_proxy_seen(&proxy).passed[TEST_TO_SERVER], begun = test_now();
    assert_int_equal(kw_limiter_submit_hit(window, completions, 1, "u", 1, 1, 0, &error), KW_OK);
    kw_completions_step(completions, &error);
    bool passed = test_until(has_passed, &before);
    test_proxy_half_close(&proxy, TEST_TO_CLIENT);
    int64_t count = kw_completions_wait(completions, 5000000, &error);
    test_server_signal(&server, SIGCONT);
    assert_true(passed && count == 1 && test_now() - begun < 4000000);
    assert_int_equal(kw_completions_drain(completions, &record, 1, sizeof record, &error), 1);
    assert_int_equal(record.status, KW_UNKNOWN);
    assert_int_equal(((const kw_error *)record.data)->maybe_applied, 1);
    kw_completions_free(completions);
    kw_limiter_free(window);
    kw_client_free(client);
    end();
}

/* The link is given up at the first record that was tampered with; nothing of it is believed. */
static void a_record_that_was_tampered_with(void **state) {
    (void)state;
    static const int versions[] = {0, TLS1_2_VERSION};
    for (int version = 0; version < 2; version++) {
        begin((struct test_tls_manner){.newest = versions[version]}, "&timeout=500ms&connect_timeout=2s");
        window = open_window("api");
        assert_int_equal(hit_once(0), KW_OK);
        int64_t size = size_of_answer(), hits = 2;
        for (int64_t at = 5; at < size; at += 3) { /* behind the head of the record */
            test_proxy_spoil(&proxy, at);
            kw_status status = hit_once(0);
            if (status != KW_UNKNOWN) fail_msg("byte %d: %s", (int)at, kw_status_name(status));
            assert_int_equal(error.maybe_applied, 1);
            assert_non_null(strstr(error.message, "encrypted link"));
            assert_int_equal(hit_once(0), KW_OK);
            assert_int_equal(charged("api", "u"), hits += 2);
        }
        kw_limiter_free(window);
        kw_client_free(client);
        end();
    }
}

/* Late records */

static void an_answer_that_comes_too_late(void **state) {
    (void)state;
    begin((struct test_tls_manner){0}, "");
    window = open_window("api");
    assert_int_equal(hit_once(0), KW_OK);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 150000);
    int64_t begun = test_now();
    assert_int_equal(hit_once(50000), KW_TIMEOUT);
    assert_in_range(test_now() - begun, 50000, 140000);
    assert_int_equal(error.maybe_applied, 1);
    test_proxy_delay(&proxy, TEST_TO_CLIENT, 0);
    assert_int_equal(hit_once(0), KW_OK); /* by the same link, and its own */
    assert_int_equal(charged("api", "u"), 3);
    assert_int_equal(stats().reconnects, 0);
    kw_limiter_free(window);
    kw_client_free(client);
    end();
}

/* The handshake */

static int64_t size_of_handshake(void) {
    begin((struct test_tls_manner){0}, "");
    assert_int_equal(kw_client_ping(client, 0, &error), KW_OK);
    int64_t size = test_proxy_seen(&proxy).passed[TEST_TO_CLIENT];
    kw_client_free(client);
    end();
    return size - 60; /* without the answer to the ping */
}

/* Cut anywhere in it: told by TLS or as a connection that was lost, nothing sent, and the next attempt is a good one.
 */
static void a_handshake_that_is_cut_anywhere(void **state) {
    (void)state;
    int64_t size = size_of_handshake();
    assert_in_range(size, 500, 5000);
    for (int64_t bytes = 0; bytes < size; bytes += bytes < 40 ? 3 : 61) {
        begin((struct test_tls_manner){0}, "&connect_timeout=2s");
        window = open_window("api");
        test_proxy_cut_new_after(&proxy, bytes);
        int64_t begun = test_now();
        kw_status status = hit_once(0);
        if (status != KW_TLS && status != KW_CONNECTION) {
            fail_msg("%d bytes: %s %s", (int)bytes, kw_status_name(status), error.message);
        }
        assert_int_equal(error.maybe_applied, 0);
        assert_int_equal(error.retryable, 1); /* whoever hung up may be about to restart */
        assert_true(test_now() - begun < 1500000);
        assert_int_equal(charged("api", "u"), 0);
        test_proxy_cut_new_after(&proxy, -1);
        assert_int_equal(hit_once(0), KW_OK);
        assert_int_equal(charged("api", "u"), 1);
        kw_limiter_free(window);
        kw_client_free(client);
        end();
    }
}

static void a_handshake_that_falls_silent(void **state) {
    (void)state;
    begin((struct test_tls_manner){0}, "&connect_timeout=300ms");
    window = open_window("api");
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, true);
    int64_t begun = test_now();
    assert_int_equal(hit_once(0), KW_CONNECTION);
    assert_in_range(test_now() - begun, 300000, 2000000);
    assert_non_null(strstr(error.message, "agreeing on TLS"));
    assert_int_equal(error.maybe_applied, 0);
    test_proxy_swallow(&proxy, TEST_TO_CLIENT, false);
    assert_int_equal(hit_once(0), KW_OK);
    assert_int_equal(charged("api", "u"), 1);
    kw_limiter_free(window);
    kw_client_free(client);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_share_a_link),
        cmocka_unit_test(threads_whose_records_vanish),
        cmocka_unit_test(submitted_calls),
        cmocka_unit_test(a_record_that_is_cut_anywhere),
        cmocka_unit_test(an_end_that_nobody_announced),
        cmocka_unit_test(a_record_that_was_tampered_with),
        cmocka_unit_test(an_answer_that_comes_too_late),
        cmocka_unit_test(a_handshake_that_is_cut_anywhere),
        cmocka_unit_test(a_handshake_that_falls_silent),
    };
    return test_run(start, stop);
}
