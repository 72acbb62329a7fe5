/* What the server answered, taken apart. A peer that is no Redis may answer anything, so nothing is taken on trust. */
#include "primitives/counter.h"

enum { DONE, REFUSED, DUPLICATE, NO_ROOM };

kw_status kw__counter_foreign(kw_error *error) {
    return kw__fail(error, KW_WRONG_TYPE, KW_REASON_NONE,
                    "the key of this counter holds something that no counter wrote: reset it, or choose another name");
}

kw_status kw__counter_tell(int64_t value, int64_t expires_after_us, kw_count *count) {
    *count = (kw_count){.status = KW_OK, .value = value, .expires_after_us = expires_after_us};
    return KW_OK;
}

/* Reads numbers that one space parts, and nothing more. */
static bool read_numbers(kw__bytes text, int64_t *numbers, int count) {
    const char *at = text.data;
    size_t left = text.length;
    for (int i = 0; i < count; i++) {
        const char *end = left > 0 ? memchr(at, ' ', left) : NULL;
        if ((end == NULL) != (i == count - 1)) return false;
        size_t length = end == NULL ? left : (size_t)(end - at);
        if (!kw__parse_integer(kw__bytes_of(at, length), &numbers[i])) return false;
        if (end == NULL) continue;
        at = end + 1;
        left -= length + 1;
    }
    return true;
}

/* Whether a count can have gone from old to new when amount was asked for. */
static bool follows(const kw_counter *counter, int64_t amount, int64_t applied) {
    if (applied == amount) return true;
    if (!counter->saturates) return false;
    return amount > 0 ? applied >= 0 && applied < amount : applied <= 0 && applied > amount;
}

kw_status kw__counter_decode(const kw_counter *counter, int64_t amount, const kw__reply *reply, kw_count *count,
                             kw_error *error) {
    int64_t numbers[6];
    if (reply->kind != KW__REPLY_STRING || !read_numbers(reply->bytes, numbers, 6)) {
        return kw__reply_unexpected("counter", error);
    }
    int64_t outcome = numbers[0], old = numbers[1], value = numbers[2], ends = numbers[3], seconds = numbers[4];
    if (outcome < DONE || outcome > NO_ROOM || (ends != 0 && ends < KW__COUNTER_TIME_MIN) ||
        ends >= KW__COUNTER_TIME_MAX || seconds < 0 || seconds >= KW__COUNTER_TIME_MAX / 1000000 || numbers[5] < 0 ||
        numbers[5] >= 1000000) {
        return kw__reply_unexpected("counter", error);
    }
    int64_t now = seconds * 1000000 + numbers[5];
    int64_t applied = (int64_t)((uint64_t)value - (uint64_t)old); /* it lies between 0 and an int64 */
    bool nothing = outcome == REFUSED || outcome == NO_ROOM;
    if ((nothing && applied != 0) || (outcome == DONE && !follows(counter, amount, applied))) {
        return kw__reply_unexpected("counter", error);
    }
    int64_t left = ends > now ? ends - now : 0;
    kw__counter_tell(value, ends == 0 ? KW_NEVER : left, count);
    count->applied = applied;
    count->duplicate = outcome == DUPLICATE;
    count->status = outcome == REFUSED ? KW_OUT_OF_RANGE : outcome == NO_ROOM ? KW_EXHAUSTED : KW_OK;
    return count->status;
}

static bool begins(kw__bytes bytes, const char *text) {
    size_t length = strlen(text);
    return bytes.length >= length && memcmp(bytes.data, text, length) == 0;
}

kw_status kw__counter_decode_native(int64_t amount, const kw__reply *reply, kw_count *count, kw_error *error) {
    if (reply->kind == KW__REPLY_ERROR) {
        if (begins(reply->bytes, "ERR value is not an integer")) return kw__counter_foreign(error);
        if (!begins(reply->bytes, "ERR increment or decrement would overflow")) return kw__reply_failure(reply, error);
        kw__counter_tell(0, KW_NEVER, count);
        return count->status = KW_OUT_OF_RANGE;
    }
    if (reply->kind != KW__REPLY_INTEGER) return kw__reply_unexpected("INCRBY", error);
    kw__counter_tell(reply->integer, KW_NEVER, count);
    count->applied = amount;
    return KW_OK;
}
