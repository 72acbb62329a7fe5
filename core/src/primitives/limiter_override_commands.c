/*
 * Overrides as they lie in the server: what their texts mean, and the operations that set, clear and list them. All
 * keys of a limiter have theirs in one place, under the tag of the empty key.
 */
#include <inttypes.h>

#include "base/list.h"
#include "engine/client.h"
#include "primitives/limiter_override_table.h"
#include "primitives/limiter_rows.h"
#include "primitives/primitives_scripts.h"

#define TTL_MIN_US INT64_C(1000)
#define TTL_MAX_US INT64_C(315360000000000)

/* ---- what a text means ---- */

/* Whether somebody may have meant a factor: a number beside an x, and nothing that only limits have. */
static bool is_like_factor(kw__bytes text) {
    const char *bytes = text.data;
    bool has_x = false;
    for (size_t i = 0; i < text.length; i++) {
        if (bytes[i] == 'x' || bytes[i] == 'X') {
            has_x = true;
        } else if ((bytes[i] < '0' || bytes[i] > '9') && memchr(" .,*+-", bytes[i], 6) == NULL) {
            return false;
        }
    }
    return has_x;
}

/* Whether it is a factor, as "10x"; *factor is 0 when that is no number of ours. */
static bool read_factor(kw__bytes text, int64_t *factor) {
    const char *bytes = text.data;
    if (text.length < 2 || bytes[text.length - 1] != 'x') return false;
    for (size_t i = 0; i < text.length - 1; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') return false;
    }
    if (!kw__parse_integer(kw__bytes_of(bytes, text.length - 1), factor)) *factor = 0;
    return true;
}

static kw_status multiply(const kw_limiter *limiter, int64_t factor, kw_limit *limits, kw_error *error) {
    memcpy(limits, limiter->limits, (size_t)limiter->count * sizeof limits[0]);
    for (int i = 0; i < limiter->count; i++) {
        int64_t larger = limits[i].count > limits[i].burst ? limits[i].count : limits[i].burst;
        if (factor < 1 || larger > (KW__LIMIT_BOUND - 1) / factor) {
            return kw__fail_at(error, KW_REASON_LIMIT_RANGE, 0,
                               "the factor must be 1 or more, and limit %d times it stay below 2^52", i + 1);
        }
        limits[i].count *= factor;
        limits[i].burst *= factor;
    }
    return KW_OK;
}

/* Each limit must be able to go on from the state of the one that it stands for. */
static kw_status match(const kw_limiter *limiter, kw_limit *limits, int64_t count, kw_error *error) {
    if (count != limiter->count) {
        return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_RANGE,
                        "the override has %lld limits and the limiter %d: write one for each, in their order, or a "
                        "factor, as in \"10x\"",
                        (long long)count, limiter->count);
    }
    for (int i = 0; i < limiter->count; i++) {
        const kw_limit *own = &limiter->limits[i];
        if (limits[i].concurrent != own->concurrent) {
            return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_RANGE,
                            "limit %d of the override must be %s, as the one that it stands for", i + 1,
                            own->concurrent == 1 ? "concurrent" : "a rate");
        }
        if (limits[i].label[0] != '\0' && strcmp(limits[i].label, own->label) != 0) {
            return kw__fail(error, KW_INVALID, KW_REASON_LIMIT_RANGE,
                            "limit %d of the override is called %s: it takes the name of the one that it stands for, "
                            "so leave \"as\" out",
                            i + 1, limits[i].label);
        }
        memcpy(limits[i].label, own->label, sizeof own->label);
    }
    return KW_OK;
}

kw_status kw__override_read(const kw_limiter *limiter, kw__bytes text, kw_limit *limits, kw_error *error) {
    char copy[KW__LIMIT_TEXT_MAX + 1];
    int64_t count, factor;
    if (text.length > KW__LIMIT_TEXT_MAX) return kw__fail(error, KW_INVALID, KW_REASON_TEXT_LENGTH, "too long a text");
    if (read_factor(text, &factor)) return multiply(limiter, factor, limits, error);
    if (is_like_factor(text)) {
        return kw__fail_at(error, KW_REASON_LIMIT_SYNTAX, 0,
                           "\"%.*s\" is no factor: a factor is a whole number and x, as in \"10x\"",
                           (int)kw__utf8_cut(text.data, text.length, 24), (const char *)text.data);
    }
    const char *nul = text.length > 0 ? memchr(text.data, '\0', text.length) : NULL;
    if (nul != NULL) {
        size_t at = (size_t)(nul - (const char *)text.data);
        return kw__fail_at(error, KW_REASON_LIMIT_SYNTAX, at, "the limit has a NUL at byte %zu: leave it out", at);
    }
    if (text.length > 0) memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    kw_status status = kw__limits_parse(copy, limits, KW__LIMITS_MAX, &count, error);
    return status == KW_OK ? match(limiter, limits, count, error) : status;
}

/* ---- where they lie ---- */

static const char *const parts[] = {"overrides", "overrides:changed", "overrides:cleared", "overrides:ends"};

/* Rarely needed, so their frames are not kept. */
static bool write_keys(const kw_limiter *limiter, int count, kw__command *command) {
    for (int i = 0; i < count; i++) {
        kw__key_frame frame;
        char room[KW__KEY_ROOM];
        kw__bytes name = kw__bytes_of(limiter->name, limiter->name_length);
        if (!kw__key_frame_init(&frame, limiter->object.client->url.prefix, "limiter", name, parts[i])) return false;
        kw__command_bytes(command, kw__key_write(&frame, kw__bytes_of(NULL, 0), room));
        kw__key_frame_free(&frame);
    }
    return true;
}

/* ---- setting and clearing ---- */

static kw_limiter *limiter_of(const kw__step *step) {
    return (kw_limiter *)step->object;
}

/* Nothing that no limiter of these could take is kept. */
static kw_status check(kw_limiter *limiter, const kw__limiter_set_override_args *args, kw_error *error) {
    kw_limit limits[KW__LIMITS_MAX];
    kw_limiter *made;
    if (args->ttl_us != 0 && (args->ttl_us < TTL_MIN_US || args->ttl_us > TTL_MAX_US)) {
        return kw__fail(error, KW_INVALID, KW_REASON_RANGE,
                        "ttl_us is %" PRId64 ": it must lie between 1 ms and 3,650 days, or be 0 for ever",
                        args->ttl_us);
    }
    kw_status status = kw__override_read(limiter, args->limits, limits, error);
    if (status == KW_OK) status = kw__limiter_make_override(limiter, limits, &made, error);
    if (status == KW_OK) kw__object_release(&made->object);
    return status;
}

kw_status kw__limiter_set_override_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_set_override_args *args = step->args;
    kw_limiter *limiter = limiter_of(step);
    kw_status status = check(limiter, args, error);
    if (status != KW_OK) return status;
    kw__command_script(command, &kw__script_override_set);
    if (!write_keys(limiter, 4, command)) return kw__fail_memory(error);
    kw__command_bytes(command, args->key);
    kw__command_bytes(command, args->limits);
    kw__command_integer(command, args->ttl_us);
    kw__command_integer(command, KW__OVERRIDES_MAX);
    return kw__command_end(command, error);
}

/* Numbers that are 0 and more; a peer that is no Redis may answer anything. */
static bool read_numbers(const kw__reply *reply, size_t count, int64_t *out) {
    if (kw__reply_integers(reply, count, out, NULL) != KW_OK) return false;
    for (size_t i = 0; i < count; i++) {
        if (out[i] < 0 || out[i] >= KW__SERVER_TIME_MAX) return false;
    }
    return true;
}

kw_status kw__limiter_set_override_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    kw_override_change *change = answer;
    int64_t told[KW__OVERRIDE_SET_REPLIES];
    if (!read_numbers(reply, KW__OVERRIDE_SET_REPLIES, told) || told[KW__OVERRIDE_SET_CODE] > 1) {
        return kw__reply_unexpected("override", error);
    }
    *change = (kw_override_change){
        .status = told[KW__OVERRIDE_SET_CODE] == 0 ? KW_OK : KW_EXHAUSTED,
        .version = told[KW__OVERRIDE_SET_VERSION],
        .ends_at_us = told[KW__OVERRIDE_SET_ENDS_AT],
        .changed_at_us = told[KW__OVERRIDE_SET_NOW],
    };
    return change->status;
}

/* This client need not look to know what it did. Where memory is out, its next look tells. */
static kw_status conclude(const kw__step *step, const kw__event *event, kw__bytes key, kw__bytes limits) {
    kw_limiter *limiter = limiter_of(step);
    const kw_override_change *told = step->result;
    if (event->status != KW_OK || limiter->overrides == NULL) return event->status;
    kw__overrides_tell_time(limiter, told->changed_at_us, event->received_at);
    const kw__override_change change = {
        .key = key,
        .limits = limits,
        .version = told->version,
        .ends_at_us = told->ends_at_us,
        .told_at = event->received_at,
    };
    kw__overrides_put(limiter, &change);
    return KW_OK;
}

kw_status kw__limiter_set_override_conclude(const kw__step *step, const kw__event *event) {
    const kw__limiter_set_override_args *args = step->args;
    return conclude(step, event, args->key, args->limits);
}

kw_status kw__limiter_clear_override_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_clear_override_args *args = step->args;
    kw__command_script(command, &kw__script_override_clear);
    if (!write_keys(limiter_of(step), 4, command)) return kw__fail_memory(error);
    kw__command_bytes(command, args->key);
    return kw__command_end(command, error);
}

kw_status kw__limiter_clear_override_decode(const kw__step *step, const kw__reply *reply, void *answer,
                                            kw_error *error) {
    (void)step;
    kw_override_change *change = answer;
    int64_t told[KW__OVERRIDE_CLEAR_REPLIES];
    if (!read_numbers(reply, KW__OVERRIDE_CLEAR_REPLIES, told)) return kw__reply_unexpected("clear_override", error);
    *change = (kw_override_change){
        .status = KW_OK, .version = told[KW__OVERRIDE_CLEAR_VERSION], .changed_at_us = told[KW__OVERRIDE_CLEAR_NOW]};
    return KW_OK;
}

kw_status kw__limiter_clear_override_conclude(const kw__step *step, const kw__event *event) {
    const kw__limiter_clear_override_args *args = step->args;
    return conclude(step, event, args->key, kw__bytes_of(NULL, 0));
}

/* ---- reading ---- */

kw_status kw__overrides_encode_read(const kw_limiter *limiter, int64_t since, int64_t most, bool follow,
                                    kw__command *command, kw_error *error) {
    kw__command_script(command, &kw__script_overrides_read);
    if (!write_keys(limiter, 2, command)) return kw__fail_memory(error);
    kw__command_integer(command, since);
    kw__command_integer(command, most);
    kw__command_integer(command, follow ? 1 : 0);
    return kw__command_end(command, error);
}

/* Reads "ENDS LIMITS"; nothing where it was cleared. What nobody of ours wrote is an override that no limiter can take.
 */
static kw__bytes read_kept(kw__bytes kept, int64_t *ends_at_us) {
    const char *text = kept.data, *space = kept.length > 0 ? memchr(text, ' ', kept.length) : NULL;
    *ends_at_us = 0;
    if (kept.length == 0) return kept;
    if (space == NULL || space == text + kept.length - 1 ||
        !kw__parse_integer(kw__bytes_of(text, (size_t)(space - text)), ends_at_us) || *ends_at_us < 0) {
        *ends_at_us = 0;
        return kept;
    }
    return kw__bytes_of(space + 1, (size_t)(text + kept.length - space - 1));
}

static bool read_entry(const kw__reply *const *told, kw_list *list, size_t at, size_t *used) {
    kw_override *override = kw__list_at(list, at);
    kw__bytes limits = read_kept(told[2]->bytes, &override->ends_at_us);
    if (!kw__parse_integer(told[1]->bytes, &override->version) || override->version < 0) return false;
    override->key_offset = kw__list_put(list, used, told[0]->bytes);
    override->key_length = (int64_t)told[0]->bytes.length;
    override->limits_offset = kw__list_put(list, used, limits);
    override->limits_length = (int64_t)limits.length;
    return true;
}

_Static_assert(sizeof(kw__look_head) == sizeof(kw_override), "a head takes the place of an item");

/* Takes the reply apart; false: that is no answer of ours. */
static bool read_page(const kw__reply *reply, kw__look_head *head, const kw__reply **entries, size_t *bytes) {
    int64_t *const numbers[] = {&head->reached, &head->whole, &head->more, &head->now};
    if (reply->kind != KW__REPLY_ARRAY || reply->count != KW__OVERRIDES_READ_REPLIES) return false;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const kw__reply *number = reply->elements[i];
        if (number->kind != KW__REPLY_INTEGER || number->integer < 0 || number->integer >= KW__SERVER_TIME_MAX) {
            return false;
        }
        *numbers[i] = number->integer;
    }
    *entries = reply->elements[KW__OVERRIDES_READ_ENTRIES];
    if ((*entries)->kind != KW__REPLY_ARRAY || (*entries)->count % 3 != 0) return false;
    *bytes = 0;
    for (size_t i = 0; i < (*entries)->count; i++) {
        if ((*entries)->elements[i]->kind != KW__REPLY_STRING) return false;
        *bytes += (*entries)->elements[i]->bytes.length;
    }
    return true;
}

kw_status kw__overrides_decode_read(const kw__reply *reply, bool with_head, kw_list **out, kw_error *error) {
    kw__look_head head = {0};
    const kw__reply *entries;
    size_t bytes, used = 0, at = with_head ? 1 : 0;
    if (!read_page(reply, &head, &entries, &bytes)) return kw__reply_unexpected("overrides", error);
    kw_list *list = kw__list_make(at + entries->count / 3, sizeof(kw_override), bytes);
    if (list == NULL) return kw__fail_memory(error);
    if (with_head) memcpy(kw__list_at(list, 0), &head, sizeof head);
    for (size_t i = 0; i < entries->count; i += 3) {
        if (read_entry(&entries->elements[i], list, at++, &used)) continue;
        kw__list_free(list);
        return kw__reply_unexpected("overrides", error);
    }
    *out = list;
    return KW_OK;
}

kw_status kw__limiter_overrides_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__limiter_overrides_args *args = step->args;
    return kw__overrides_encode_read(limiter_of(step), args->after, args->count, false, command, error);
}

kw_status kw__limiter_overrides_decode(const kw__step *step, const kw__reply *reply, void *answer, kw_error *error) {
    (void)step;
    return kw__overrides_decode_read(reply, false, answer, error);
}
