/* What the shapes share: the names of keys, words of scripts, refusals, numbers of states. */
#include "primitives/limiter.h"

void kw__rule_key(const kw__rule *rule, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_bytes(command, kw__key_write(&rule->frame, key, room));
}

void kw__rule_refunds_key(const kw__rule *rule, kw__bytes key, kw__command *command) {
    static const char part[] = ":refunds";
    char room[KW__KEY_ROOM + sizeof part];
    kw__bytes of = kw__key_write(&rule->frame, key, room);
    memcpy(room + of.length, part, sizeof part - 1);
    kw__command_bytes(command, kw__bytes_of(room, of.length + sizeof part - 1));
}

void kw__limiter_reservations_key(const kw_limiter *limiter, int index, kw__bytes key, kw__command *command) {
    char room[KW__KEY_ROOM];
    kw__command_bytes(command, kw__key_write(&limiter->reservations[index], key, room));
}

void kw__rule_script(const kw__rule *rule, const kw__script *script, kw__bytes key, kw__command *command) {
    kw__command_script(command, script);
    kw__rule_key(rule, key, command);
}

kw_status kw__limiter_foreign(kw_error *error) {
    return kw__fail(error, KW_WRONG_TYPE, KW_REASON_NONE,
                    "the key of this limiter holds something that no limiter wrote: delete it, or choose another name");
}

kw_status kw__limiter_no_burst(const kw_limit *limit, kw_error *error) {
    if (limit->burst == limit->count) return KW_OK;
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                    "only GCRA has bursts, and this algorithm is another: leave the burst out, or take "
                    "KW_ALGORITHM_GCRA");
}

void kw__write_capacity_and_period(const kw__rule *rule, int64_t cost, int64_t patience_us, bool up_to,
                                   kw__command *command) {
    (void)cost;
    (void)patience_us;
    (void)up_to;
    kw__command_integer(command, rule->capacity);
    kw__command_integer(command, rule->period_us);
}

bool kw__read_numbers(kw__bytes text, int64_t *numbers, int count) {
    const char *at = text.data, *end = at + text.length;
    for (int i = 0; i < count; i++) {
        const char *stop = i == count - 1 ? end : memchr(at, ':', (size_t)(end - at));
        if (stop == NULL || !kw__parse_integer(kw__bytes_of(at, (size_t)(stop - at)), &numbers[i]) || numbers[i] < 0 ||
            numbers[i] >= KW__SERVER_TIME_MAX) {
            return false;
        }
        at = stop + 1;
    }
    return true;
}
