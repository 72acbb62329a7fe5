#include "primitives/limit_text.h"

#include "primitives/gcra.h"

#define EXAMPLES "as in \"10/s burst 20\" or \"100 per minute\""

typedef struct reader {
    const char *text;
    size_t at;
    kw_error *error;
} reader;

typedef struct number {
    int64_t value;
    size_t position;
} number;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_label(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
}

static bool is_separator(char c) {
    return c == ';' || c == ',' || c == '|';
}

static void skip_space(reader *in) {
    while (in->text[in->at] == ' ' || (in->text[in->at] >= '\t' && in->text[in->at] <= '\r'))
        in->at++;
}

/* The length of the run of letters that stands next. */
static size_t word_length(const reader *in) {
    size_t length = 0;
    while (is_letter(in->text[in->at + length]))
        length++;
    return length;
}

static bool begins_with(const char *text, const char *word) {
    size_t i = 0;
    while (word[i] != '\0' && lower(text[i]) == word[i])
        i++;
    return word[i] == '\0';
}

/* Takes a whole word, if it stands next. */
static bool take_word(reader *in, const char *word) {
    size_t length = strlen(word);
    if (word_length(in) != length || !begins_with(in->text + in->at, word)) return false;
    in->at += length;
    return true;
}

/* Fails at the next byte: what was expected there, and what stands there instead. */
static kw_status fail_expected(const reader *in, const char *what) {
    const char *found = in->text + in->at;
    size_t length = 0;
    while (found[length] != '\0' && found[length] != ' ' && !is_separator(found[length]))
        length++;
    if (length == 0 && found[0] != '\0') length = 1;
    if (length == 0) {
        return kw__fail_at(in->error, KW_REASON_LIMIT_SYNTAX, in->at,
                           "the limit ends at byte %zu where %s is expected, %s", in->at, what, EXAMPLES);
    }
    return kw__fail_at(in->error, KW_REASON_LIMIT_SYNTAX, in->at,
                       "the limit has \"%.*s\" at byte %zu where %s is expected, %s",
                       (int)kw__utf8_cut(found, length, 24), found, in->at, what, EXAMPLES);
}

static kw_status fail_range(const reader *in, size_t position, const char *what) {
    return kw__fail_at(in->error, KW_REASON_LIMIT_RANGE, position,
                       "%s at byte %zu of the limit must be between 1 and %lld", what, position,
                       (long long)(KW__LIMIT_BOUND - 1));
}

/* Reads a number from 1 to the bound; there are digits next. */
static kw_status read_digits(reader *in, const char *what, number *out) {
    out->position = in->at;
    out->value = 0;
    bool too_large = false;
    for (; is_digit(in->text[in->at]); in->at++) {
        out->value = out->value * 10 + (in->text[in->at] - '0');
        if (out->value >= KW__LIMIT_BOUND) {
            too_large = true;
            out->value = 0;
        }
    }
    return too_large || out->value == 0 ? fail_range(in, out->position, what) : KW_OK;
}

static kw_status read_number(reader *in, const char *what, number *out) {
    skip_space(in);
    if (!is_digit(in->text[in->at])) return fail_expected(in, what);
    return read_digits(in, what, out);
}

/* The length of a unit in us, 0 for a word that is none. Long names also take a plural s. */
static int64_t unit_us(const char *word, size_t length) {
    static const struct {
        const char *name;
        bool plural;
        int64_t us;
    } units[] = {
        {"us", false, 1},
        {"ms", false, 1000},
        {"s", false, INT64_C(1000000)},
        {"sec", true, INT64_C(1000000)},
        {"second", true, INT64_C(1000000)},
        {"m", false, INT64_C(60000000)},
        {"min", true, INT64_C(60000000)},
        {"minute", true, INT64_C(60000000)},
        {"h", false, INT64_C(3600000000)},
        {"hour", true, INT64_C(3600000000)},
        {"d", false, INT64_C(86400000000)},
        {"day", true, INT64_C(86400000000)},
        {"w", false, INT64_C(604800000000)},
        {"week", true, INT64_C(604800000000)},
        {"month", true, INT64_C(2592000000000)},
        {"year", true, INT64_C(31104000000000)},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t named = strlen(units[i].name);
        if (!begins_with(word, units[i].name)) continue;
        if (length == named || (units[i].plural && length == named + 1 && lower(word[named]) == 's'))
            return units[i].us;
    }
    return 0;
}

static kw_status read_period(reader *in, kw_limit *limit) {
    skip_space(in);
    number multiple = {1, in->at};
    if (is_digit(in->text[in->at])) {
        kw_status status = read_digits(in, "the number of units", &multiple);
        if (status != KW_OK) return status;
        skip_space(in);
    }
    size_t length = word_length(in);
    int64_t unit = unit_us(in->text + in->at, length);
    if (unit == 0) {
        return fail_expected(in, "a unit of time (us, ms, s, second, minute, hour, day, week, month, year)");
    }
    in->at += length;
    if (multiple.value > (KW__LIMIT_BOUND - 1) / unit) {
        return kw__fail_at(in->error, KW_REASON_LIMIT_RANGE, multiple.position,
                           "the period at byte %zu of the limit is too long: it must be below 2^52 us, about 142 years",
                           multiple.position);
    }
    limit->period_us = multiple.value * unit;
    return KW_OK;
}

static kw_status read_label(reader *in, kw_limit *limit) {
    skip_space(in);
    size_t length = 0;
    while (is_label(in->text[in->at + length]))
        length++;
    char first = in->text[in->at];
    if (length == 0 || !(is_letter(first) || first == '_')) {
        return fail_expected(in, "a label that begins with a letter or _");
    }
    if (length >= sizeof limit->label) {
        return kw__fail_at(in->error, KW_REASON_LIMIT_RANGE, in->at,
                           "the label at byte %zu of the limit has %zu characters; it may have %zu", in->at, length,
                           sizeof limit->label - 1);
    }
    memcpy(limit->label, in->text + in->at, length);
    limit->label[length] = '\0';
    in->at += length;
    return KW_OK;
}

/* A clause that stands there already. */
static kw_status fail_twice(const reader *in, const char *clause, size_t position) {
    return kw__fail_at(in->error, KW_REASON_LIMIT_SYNTAX, position,
                       "\"%s\" at byte %zu of the limit is given twice: leave one out", clause, position);
}

/* What may follow a rate: burst, label and shadow, in any order; a concurrent limit has no burst. */
static kw_status read_clauses(reader *in, kw_limit *limit, number *burst) {
    for (;;) {
        kw_status status = KW_OK;
        skip_space(in);
        size_t at = in->at;
        if (limit->concurrent == 0 && take_word(in, "burst")) {
            status = burst->value != 0 ? fail_twice(in, "burst", at) : read_number(in, "the burst", burst);
        } else if (take_word(in, "as")) {
            status = limit->label[0] != '\0' ? fail_twice(in, "as", at) : read_label(in, limit);
        } else if (take_word(in, "shadow")) {
            if (limit->shadow == 1) status = fail_twice(in, "shadow", at);
            limit->shadow = 1;
        } else {
            return KW_OK;
        }
        if (status != KW_OK) return status;
    }
}

static kw_status read_limit(reader *in, kw_limit *limit) {
    number count = {0, 0}, burst = {0, 0};
    kw_status status = read_number(in, "the count", &count);
    if (status != KW_OK) return status;
    skip_space(in);
    if (in->text[in->at] == '/') {
        in->at++;
    } else if (begins_with(in->text + in->at, "per")) {
        in->at += 3;
    } else if (take_word(in, "concurrent")) {
        limit->concurrent = 1;
    } else {
        return fail_expected(in, "\"/\", \"per\" or \"concurrent\"");
    }
    if (limit->concurrent == 0) status = read_period(in, limit);
    if (status == KW_OK) status = read_clauses(in, limit, &burst);
    if (status != KW_OK) return status;
    limit->count = count.value;
    limit->burst = burst.value != 0 ? burst.value : count.value;
    kw__gcra gcra;
    if (burst.value != 0 && !kw__gcra_init(&gcra, limit->count, limit->period_us, limit->burst, 0)) {
        return kw__fail_at(
            in->error, KW_REASON_LIMIT_SIZE, burst.position,
            "the burst at byte %zu of the limit takes 2^52 us (142 years) or more to come back at this rate: lower it",
            burst.position);
    }
    return KW_OK;
}

static kw_status read_limits(reader *in, kw_limit *limits, int64_t capacity, int64_t *count) {
    int64_t read = 0;
    for (;;) {
        skip_space(in);
        if (read == capacity) {
            return kw__fail_at(in->error, KW_REASON_LIMIT_RANGE, in->at,
                               "at byte %zu begins a limit more than the %lld that are allowed", in->at,
                               (long long)capacity);
        }
        kw_status status = read_limit(in, &limits[read]);
        if (status != KW_OK) return status;
        read++;
        /* The package limits lets a colon stand here. */
        if (in->text[in->at] == ':' && is_separator(in->text[in->at + 1])) in->at++;
        if (in->text[in->at] == '\0') break;
        if (!is_separator(in->text[in->at]))
            return fail_expected(in, "\"burst\", \"as\", \"shadow\", one of ; , | or the end");
        in->at++;
    }
    *count = read;
    return KW_OK;
}

kw_status kw__limits_parse(const char *text, kw_limit *limits, int64_t capacity, int64_t *count, kw_error *error) {
    *count = 0;
    memset(limits, 0, (size_t)capacity * sizeof *limits);
    if (strnlen(text, KW__LIMIT_TEXT_MAX + 1) > KW__LIMIT_TEXT_MAX) {
        return kw__fail_at(error, KW_REASON_TEXT_LENGTH, KW__LIMIT_TEXT_MAX,
                           "a limit text may have %d bytes, this one has more", KW__LIMIT_TEXT_MAX);
    }
    reader in = {text, 0, error};
    kw_status status = read_limits(&in, limits, capacity, count);
    if (status != KW_OK) memset(limits, 0, (size_t)capacity * sizeof *limits);
    return status;
}
