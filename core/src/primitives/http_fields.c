#include "primitives/http_fields.h"

#include "primitives/gcra.h"

/* The greatest Integer of a structured field: 15 digits. */
#define INTEGER_MAX INT64_C(999999999999999)
#define SECOND INT64_C(1000000)

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- writing into the caller's room ---- */

/* Counts on when the room is used up, so that what was needed can be told. */
typedef struct writer {
    char *at;
    size_t room;
    size_t length;
} writer;

static void put(writer *out, const char *bytes, size_t length) {
    if (out->length < out->room) {
        size_t left = out->room - out->length;
        memcpy(out->at + out->length, bytes, length < left ? length : left);
    }
    out->length += length;
}

static void put_text(writer *out, const char *text) {
    put(out, text, strlen(text));
}

static void put_number(writer *out, int64_t number) {
    char digits[21];
    put(out, digits, kw__format_integer(number, digits));
}

/* An Integer: what no such field can hold is told as the greatest that it can. */
static void put_integer(writer *out, const char *before, int64_t number) {
    put_text(out, before);
    put_number(out, least(number, INTEGER_MAX));
}

/* The inside of a String: printable ASCII. Anything else is percent-escaped, and with it %, so that it can be undone.
 */
static void put_escaped(writer *out, kw__bytes bytes) {
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *from = bytes.data;
    for (size_t i = 0; i < bytes.length; i++) {
        const char one[4] = {'%', digits[from[i] >> 4], digits[from[i] & 15], (char)from[i]};
        if (from[i] < 0x20 || from[i] > 0x7E || from[i] == '%') {
            put(out, one, 3);
            continue;
        }
        if (from[i] == '"' || from[i] == '\\') put(out, "\\", 1);
        put(out, one + 3, 1);
    }
}

/* A Byte Sequence: base64 with padding, between colons. */
static void put_byte_sequence(writer *out, kw__bytes bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes.data;
    put_text(out, ":");
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        unsigned three = (unsigned)from[i] << 16;
        if (left > 1) three |= (unsigned)from[i + 1] << 8;
        if (left > 2) three |= from[i + 2];
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                              left > 2 ? digits[three & 63] : '='};
        put(out, four, 4);
    }
    put_text(out, ":");
}

/* ---- what is told ---- */

/* No promise is made that does not hold: whoever comes a moment early is denied. */
static int64_t seconds_up(int64_t us) {
    return us <= 0 ? 0 : (us - 1) / SECOND + 1;
}

/* What stands for a limit without a label, as in its key; written as people write it. */
static void put_period(writer *out, int64_t period_us) {
    static const struct unit {
        int64_t us;
        const char *name;
    } units[] = {{86400 * SECOND, "d"}, {3600 * SECOND, "h"}, {60 * SECOND, "m"},
                 {SECOND, "s"},         {1000, "ms"},         {1, "us"}};
    size_t i = 0;
    while (period_us % units[i].us != 0)
        i++;
    put_number(out, period_us / units[i].us);
    put_text(out, units[i].name);
}

/* The limiter's name, and what tells its limits apart. */
static void put_name(writer *out, const kw__http_policies *policies, const kw_limit *limit) {
    put_text(out, "\"");
    put_escaped(out, policies->name);
    if (policies->count > 1 || limit->label[0] != '\0') {
        put_text(out, ":");
        if (limit->label[0] != '\0') {
            put_text(out, limit->label);
        } else {
            limit->concurrent == 1 ? put_text(out, "concurrent") : put_period(out, limit->period_us);
        }
    }
    put_text(out, "\"");
}

static void put_partition(writer *out, kw__bytes partition) {
    if (partition.length == 0) return;
    put_text(out, ";pk=");
    put_byte_sequence(out, partition);
}

static bool is_steady(const kw__http_policies *policies, const kw_limit *limit) {
    return policies->quota == KW__HTTP_STEADY && limit->concurrent == 0;
}

/* In what time all that can be taken at once comes back. */
static int64_t window_us(const kw__http_policies *policies, const kw_limit *limit) {
    kw__gcra gcra;
    if (is_steady(policies, limit) && kw__gcra_init(&gcra, limit->count, limit->period_us, limit->burst, 0)) {
        return gcra.ahead_us;
    }
    return limit->period_us;
}

static void put_policy(writer *out, const kw__http_policies *policies, const kw_limit *limit, kw__bytes partition) {
    put_name(out, policies, limit);
    put_integer(out, ";q=", limit->burst);
    if (limit->concurrent == 1) {
        put_text(out, ";qu=\"concurrent-requests\"");
    } else {
        put_integer(out, ";w=", seconds_up(window_us(policies, limit)));
    }
    put_partition(out, partition);
}

/* The limit that the decision's numbers are of. */
static const kw_limit *decisive(const kw__http_policies *policies, const kw_decision *decision) {
    return &policies->limits[decision->binding];
}

/*
 * How long until there is more than remains. What remains is the whole hits that the debt leaves room for, so the next
 * is there when the debt is what all others cost. Where there are several limits, reset_after_us may be of another
 * one, and with a lease it is of all its tokens; but one more is never further off than a hit's interval, behind what
 * is booked ahead.
 */
static int64_t more_after_us(const kw__http_policies *policies, const kw_limit *limit, const kw_decision *decision) {
    int64_t wait = decision->reset_after_us;
    kw__gcra gcra;
    if (is_steady(policies, limit) && decision->remaining < limit->burst &&
        kw__gcra_init(&gcra, limit->count, limit->period_us, limit->burst, 0)) {
        int64_t others = limit->burst - decision->remaining - 1;
        wait = wait <= kw__gcra_cost(&gcra, others).us ? 1 : wait - kw__gcra_cost(&gcra, others).us;
        if (decision->status == KW_OK) {
            int64_t interval = kw__gcra_clears(kw__gcra_cost(&gcra, 1));
            if (wait - decision->delay_us > interval) wait = interval + decision->delay_us;
        }
    }
    if (decision->status == KW_DENIED && decision->retry_after_us != KW_NEVER) {
        wait = least(wait, decision->retry_after_us);
    }
    return wait;
}

static void put_draft_11(writer *out, const kw__http_policies *policies, const kw_decision *decision,
                         kw__bytes partition) {
    put_text(out, "RateLimit-Policy: ");
    for (int64_t i = 0; i < policies->count; i++) {
        if (i > 0) put_text(out, ", ");
        put_policy(out, policies, &policies->limits[i], partition);
    }
    const kw_limit *limit = decisive(policies, decision);
    put_text(out, "\r\nRateLimit: ");
    put_name(out, policies, limit);
    put_integer(out, ";r=", decision->remaining);
    if (limit->concurrent == 0 && decision->reset_after_us > 0) {
        put_integer(out, ";t=", seconds_up(more_after_us(policies, limit, decision)));
    }
    put_partition(out, partition);
    put_text(out, "\r\n");
}

static void put_legacy(writer *out, const kw_decision *decision) {
    put_integer(out, "X-RateLimit-Limit: ", decision->limit);
    put_integer(out, "\r\nX-RateLimit-Remaining: ", decision->remaining);
    put_integer(out, "\r\nX-RateLimit-Reset: ", seconds_up(decision->reset_after_us));
    put_text(out, "\r\n");
}

/* ---- what is asked for ---- */

/* Whether a failure policy answered in the place of a server that was not there: then nothing is known of the key. */
static bool is_blind(const kw_decision *decision) {
    return decision->reason == KW_DECIDED_BY_FAIL_OPEN || decision->reason == KW_DECIDED_BY_FAIL_CLOSED;
}

static kw_status fail_decision(kw_error *error, const char *why) {
    return kw__fail(error, KW_INVALID, KW_REASON_DECISION, "this decision cannot be told by HTTP: %s", why);
}

static kw_status check(const kw__http_policies *policies, const kw_decision *decision, kw_error *error) {
    if (decision->status != KW_OK && decision->status != KW_DENIED) {
        return fail_decision(error, "it is neither a yes nor a no; answer the failure that its status is");
    }
    bool negative = decision->limit < 0 || decision->remaining < 0 || decision->retry_after_us < 0 ||
                    decision->reset_after_us < 0 || decision->delay_us < 0;
    if (negative || decision->limits != policies->count || decision->denied_by < -1 ||
        decision->denied_by >= decision->limits || decision->binding < 0 || decision->binding >= decision->limits) {
        return fail_decision(error, "this limiter did not make it; pass the one that the hit gave, unchanged");
    }
    return KW_OK;
}

static kw_status finish(writer *out, const char *name, int room, size_t *length, kw_error *error) {
    if (out->length >= out->room) {
        if (out->room > 0) out->at[0] = '\0';
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                        "%s takes %zu bytes with its NUL and %s_capacity is %zu; %d bytes always suffice", name,
                        out->length + 1, name, out->room, room);
    }
    out->at[out->length] = '\0';
    *length = out->length;
    return KW_OK;
}

kw_status kw__http_fields(const kw__http_policies *policies, const kw_decision *decision, kw__bytes partition,
                          int32_t style, char *fields, size_t capacity, size_t *length, kw_error *error) {
    if (style < KW_HTTP_STYLE_DRAFT_11 || style > KW_HTTP_STYLE_BOTH) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "style is %d, which is none: KW_HTTP_STYLE_DRAFT_11 is 0, KW_HTTP_STYLE_LEGACY 1, "
                        "KW_HTTP_STYLE_BOTH 2",
                        (int)style);
    }
    kw_status status = check(policies, decision, error);
    if (status != KW_OK) return status;
    writer out = {fields, capacity, 0};
    if (!is_blind(decision) && style != KW_HTTP_STYLE_LEGACY) put_draft_11(&out, policies, decision, partition);
    if (!is_blind(decision) && style != KW_HTTP_STYLE_DRAFT_11) put_legacy(&out, decision);
    if (decision->status == KW_DENIED && decision->retry_after_us != KW_NEVER) {
        put_integer(&out, "Retry-After: ", seconds_up(decision->retry_after_us));
        put_text(&out, "\r\n");
    }
    return finish(&out, "fields", KW__HTTP_ROOM, length, error);
}

kw_status kw__http_problem(const kw__http_policies *policies, const kw_decision *decision, char *problem,
                           size_t capacity, size_t *length, kw_error *error) {
    kw_status status = check(policies, decision, error);
    if (status != KW_OK) return status;
    if (decision->status != KW_DENIED) return fail_decision(error, "it is a yes, which is no problem");
    writer out = {problem, capacity, 0};
    if (is_blind(decision)) {
        put_text(&out, "{\"type\":\"about:blank\",\"title\":\"The rate limiter cannot be asked at the moment\","
                       "\"status\":503}");
        return finish(&out, "problem", KW__HTTP_PROBLEM_ROOM, length, error);
    }
    put_text(&out, "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","
                   "\"title\":\"Request cannot be satisfied as assigned quota has been exceeded\","
                   "\"status\":429,\"violated-policies\":[");
    put_name(&out, policies, decisive(policies, decision)); /* a String of a structured field is one of JSON too */
    put_text(&out, "]}");
    return finish(&out, "problem", KW__HTTP_PROBLEM_ROOM, length, error);
}
