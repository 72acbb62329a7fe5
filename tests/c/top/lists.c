/* The lists of a top: best and around, blocking and submitted; whose memory they are. */
#include "base/memory.h"
#include "top/top_test.h"

/* "rank:member=score" of each item, with spaces between. */
static const char *told(const kw_list *list) {
    static char text[512];
    text[0] = '\0';
    for (int64_t i = 0; i < list->count; i++) {
        const kw_top_entry *entry = kw_list_item(list, i);
        const char *member = kw_list_data(list, entry->member_offset);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%lld:%.*s=%lld", i > 0 ? " " : "", (long long)entry->rank,
                 (int)entry->member_length, member, (long long)entry->score);
    }
    assert_null(kw_list_item(list, list->count));
    assert_null(kw_list_item(list, -1));
    assert_null(kw_list_data(list, list->size + 1));
    return text;
}

static const char *best(kw_top *top, int64_t count) {
    kw_list *list = NULL;
    no_failure(kw_top_best(top, "u", 1, count, 0, &list, &error));
    const char *text = told(list);
    kw_list_free(list);
    return text;
}

static const char *around(kw_top *top, const char *member, int64_t count) {
    kw_list *list = NULL;
    no_failure(kw_top_around(top, "u", 1, member, strlen(member), count, 0, &list, &error));
    const char *text = told(list);
    kw_list_free(list);
    return text;
}

static kw_top *with_five(void) {
    kw_top *top = open_top((kw_top_options){.ttl_us = MINUTE});
    static const char *const members[] = {"e", "d", "c", "b", "a"};
    for (int i = 0; i < 5; i++)
        add(top, members[i], i < 2 ? 10 : i * 10);
    return top;
}

static void the_best_and_the_neighbours(void **state) {
    (void)state;
    kw_top *top = with_five();
    assert_string_equal(best(top, 3), "1:a=40 2:b=30 3:c=20");
    assert_string_equal(best(top, 1000), "1:a=40 2:b=30 3:c=20 4:d=10 5:e=10");
    assert_string_equal(around(top, "c", 1), "2:b=30 3:c=20 4:d=10");
    assert_string_equal(around(top, "a", 1), "1:a=40 2:b=30");
    assert_string_equal(around(top, "e", 2), "3:c=20 4:d=10 5:e=10");
    assert_string_equal(around(top, "e", 0), "5:e=10");
    assert_string_equal(around(top, "nobody", 5), "");
    add(top, "e", -20);
    assert_string_equal(around(top, "e", 0), "5:e=-10");
    kw_top_free(top);
}

static void what_has_ended_has_no_list(void **state) {
    (void)state;
    test_clock_freeze(&server);
    kw_top *top = with_five();
    test_clock_advance(&server, MINUTE);
    assert_string_equal(best(top, 3), "");
    assert_string_equal(around(top, "a", 3), "");
    kw_top_free(top);
}

static void members_of_any_bytes(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){0});
    kw_standing standing;
    char member[1024];
    for (size_t i = 0; i < sizeof member; i++)
        member[i] = (char)i;
    no_failure(kw_top_add(top, "u", 1, member, sizeof member, 5, 0, &standing, &error));
    no_failure(kw_top_add(top, "u", 1, "", 0, 4, 0, &standing, &error));
    kw_list *list = NULL;
    no_failure(kw_top_best(top, "u", 1, 10, 0, &list, &error));
    assert_int_equal(list->count, 2);
    const kw_top_entry *first = kw_list_item(list, 0), *second = kw_list_item(list, 1);
    assert_int_equal(first->member_length, sizeof member);
    assert_memory_equal(kw_list_data(list, first->member_offset), member, sizeof member);
    assert_int_equal(second->member_length, 0);
    kw_list_free(list);
    kw_list_free(NULL);
    kw_top_free(top);
}

/* The list of a record is whole in its data, and ends with the next drain; larger ones than the first block too. */
static void submitted_lists_come_whole(void **state) {
    (void)state;
    kw_top *top = open_top((kw_top_options){0});
    kw_completions *completions = NULL;
    no_failure(kw_completions_open(client, &completions, &error));
    for (int i = 0; i < 300; i++) {
        char member[32];
        snprintf(member, sizeof member, "a member with a name %d", i);
        add(top, member, i);
    }
    for (uint64_t tag = 1; tag <= 3; tag++)
        no_failure(kw_top_submit_best(top, completions, tag, "u", 1, tag == 2 ? 1 : 300, 0, &error));
    kw_record records[3];
    int64_t count = 0;
    while (count < 3) {
        assert_true(kw_completions_wait(completions, SECOND, &error) > 0);
        int64_t drained = kw_completions_drain(completions, records, 3, sizeof records[0], &error);
        for (int64_t i = 0; i < drained; i++) {
            const kw_list *list = records[i].data;
            assert_int_equal(records[i].status, KW_OK);
            assert_int_equal(records[i].length, list->size);
            assert_int_equal(list->count, records[i].tag == 2 ? 1 : 300);
            const kw_top_entry *entry = kw_list_item(list, 0);
            assert_memory_equal(kw_list_data(list, entry->member_offset), "a member with a name 299", 24);
        }
        count += drained;
    }
    /* One that nobody drains is freed with the completions. */
    no_failure(kw_top_submit_best(top, completions, 9, "u", 1, 300, 0, &error));
    assert_true(kw_completions_wait(completions, SECOND, &error) > 0);
    kw_completions_free(completions);
    kw_top_free(top);
}

static void each_allocation_fails(void **state) {
    (void)state;
    kw_top *watcher = with_five();
    for (uint64_t n = 1; n < 60; n++) {
        kw_client *own = NULL;
        kw_top *top = NULL;
        kw_completions *completions = NULL;
        kw__memory_fail_at(n, false);
        if (kw_client_open(server.url, NULL, &own, &error) == KW_OK &&
            kw_top_open(own, "api", 3, NULL, &top, &error) == KW_OK) {
            kw_list *list = NULL;
            kw_status status = kw_top_best(top, "u", 1, 5, 0, &list, &error);
            assert_true(status == KW_OK || status == KW_NO_MEMORY || status == KW_CONNECTION);
            assert_true((status == KW_OK) == (list != NULL));
            kw_list_free(list);
            if (kw_completions_open(own, &completions, &error) == KW_OK &&
                kw_top_submit_best(top, completions, 1, "u", 1, 5, 0, &error) == KW_OK) {
                kw_record record = {0};
                while (kw_completions_drain(completions, &record, 1, sizeof record, &error) == 0)
                    kw_completions_wait(completions, SECOND, &error);
                assert_int_equal(record.tag, 1);
                if (record.status == KW_OK) assert_int_equal(((const kw_list *)record.data)->count, 5);
            }
        }
        kw__memory_fail_at(0, false);
        kw_completions_free(completions);
        kw_top_free(top);
        kw_client_free(own);
    }
    kw_top_free(watcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        clean_test(the_best_and_the_neighbours), clean_test(what_has_ended_has_no_list),
        clean_test(members_of_any_bytes),        clean_test(submitted_lists_come_whole),
        clean_test(each_allocation_fails),
    };
    return test_run(open_server, close_server);
}
