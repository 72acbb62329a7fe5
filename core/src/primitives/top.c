#include "primitives/top.h"

#include "base/list.h"
#include "base/memory.h"
#include "engine/client.h"
#include "primitives/primitives_scripts.h"
#include "primitives/top_rows.h"

#define DEFAULT_KEEP 1000
#define KEEP_MIN 10
#define KEEP_MAX 100000
#define TTL_MAX_US INT64_C(315360000000000)
#define SCORE_MAX ((INT64_C(1) << 53) - 1)

/* ---- opening ---- */

/* Whether the caller's record, whose size tells its version, has the field. */
#define HAS(options, field)                                                                                            \
    ((options) != NULL && (options)->size >= offsetof(kw_top_options, field) + sizeof((kw_top_options){0}.field))

static kw_status out_of_range(const char *name, int64_t value, const char *range, kw_error *error) {
    return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.%s is %lld and must be %s", name, (long long)value,
                    range);
}

static kw_status read_options(const kw_top_options *options, kw_top *out, kw_error *error) {
    if (HAS(options, flags) && options->flags != 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION, "options.flags is %u and must be 0",
                        (unsigned)options->flags);
    }
    int64_t keep = HAS(options, keep) ? options->keep : 0;
    int64_t ttl = HAS(options, ttl_us) ? options->ttl_us : 0;
    int64_t sliding = HAS(options, sliding) ? options->sliding : 0;
    if (keep != 0 && (keep < KEEP_MIN || keep > KEEP_MAX)) {
        return out_of_range("keep", keep, "10 to 100,000, or 0 for 1,000", error);
    }
    if (ttl < 0 || ttl > TTL_MAX_US) return out_of_range("ttl_us", ttl, "between 0 and 3,650 days", error);
    if (sliding != 0 && sliding != 1) return out_of_range("sliding", sliding, "0 or 1", error);
    if (sliding == 1 && ttl == 0) {
        return kw__fail(error, KW_INVALID, KW_REASON_OPTION,
                        "options.sliding needs a ttl_us: there is nothing to slide");
    }
    out->keep = keep > 0 ? keep : DEFAULT_KEEP;
    out->ttl_us = ttl;
    out->sliding = sliding == 1;
    return KW_OK;
}

static void destroy(kw__object *object) {
    kw_top *top = (kw_top *)object;
    kw__key_frames_free(top->frames, KW__TOP_PARTS);
    kw__free(top);
}

kw_status kw__top_open(kw_client *client, kw__bytes name, const kw_top_options *options, kw_top **top,
                       kw_error *error) {
    static const char *const parts[] = {"scores", "ends"};
    kw_status status = kw__client_check(client, error);
    if (status != KW_OK) return status;
    kw_top *made = kw__calloc(1, sizeof *made);
    if (made == NULL) return kw__fail_memory(error);
    status = read_options(options, made, error);
    if (status == KW_OK && !kw__key_frames_init(made->frames, parts, KW__TOP_PARTS, client->url.prefix, "top", name)) {
        status = kw__fail_memory(error);
    }
    if (status != KW_OK) {
        destroy(&made->object);
        return status;
    }
    kw__object_init(&made->object, client, destroy);
    *top = made;
    return KW_OK;
}

void kw__top_free(kw_top *top) {
    if (top != NULL) kw__object_release(&top->object);
}

/* ---- operations ---- */

static const kw_top *top_of(const kw__step *step) {
    return (const kw_top *)step->object;
}

static void write_keys(const kw_top *top, int count, kw__bytes key, kw__command *command) {
    for (int i = 0; i < count; i++) {
        char room[KW__KEY_ROOM];
        kw__command_bytes(command, kw__key_write(&top->frames[i], key, room));
    }
}

/* Takes the whole number at a place of a reply; false if there is none, or one below `least`. */
static bool number_at(const kw__reply *reply, size_t at, int64_t least, int64_t *number) {
    const kw__reply *element = reply->elements[at];
    *number = element->integer;
    return element->kind == KW__REPLY_INTEGER && *number >= least;
}

/* Both scripts answer alike; code 1 means `no`. A peer that is no Redis may answer anything. */
static kw_status decode(const kw__reply *reply, kw_status no, kw_standing *standing, kw_error *error) {
    int64_t code, left;
    *standing = (kw_standing){0};
    if (reply->kind != KW__REPLY_ARRAY || reply->count != KW__TOP_ADD_REPLIES ||
        !number_at(reply, KW__TOP_ADD_CODE, 0, &code) || code > 1 ||
        !number_at(reply, KW__TOP_ADD_RANK, 1 - code, &standing->rank) ||
        !number_at(reply, KW__TOP_ADD_SIZE, standing->rank, &standing->size) ||
        !number_at(reply, KW__TOP_ADD_EXPIRES_AFTER_US, -1, &left)) {
        return kw__reply_unexpected("top", error);
    }
    const kw__reply *score = reply->elements[KW__TOP_ADD_SCORE];
    if (score->kind != KW__REPLY_STRING || !kw__parse_integer(score->bytes, &standing->score) ||
        standing->score > SCORE_MAX || standing->score < -SCORE_MAX) {
        return kw__reply_unexpected("top", error);
    }
    standing->expires_after_us = left < 0 ? KW_NEVER : left;
    return standing->status = code == 0 ? KW_OK : no;
}

kw_status kw__top_add_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_add_args *args = step->args;
    const kw_top *top = top_of(step);
    kw__command_script(command, &kw__script_top_add);
    write_keys(top, KW__TOP_PARTS, args->key, command);
    kw__command_bytes(command, args->member);
    kw__command_integer(command, -args->delta);
    kw__command_integer(command, top->keep);
    kw__command_integer(command, top->ttl_us);
    kw__command_integer(command, top->sliding);
    return kw__command_end(command, error);
}

kw_status kw__top_add_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    return decode(reply, KW_OUT_OF_RANGE, result, error);
}

kw_status kw__top_standing_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_standing_args *args = step->args;
    kw__command_script(command, &kw__script_top_standing);
    write_keys(top_of(step), KW__TOP_PARTS, args->key, command);
    kw__command_bytes(command, args->member);
    return kw__command_end(command, error);
}

kw_status kw__top_standing_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    return decode(reply, KW_NOT_FOUND, result, error);
}

kw_status kw__top_remove_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_remove_args *args = step->args;
    kw__command_begin(command, 3);
    kw__command_text(command, "ZREM");
    write_keys(top_of(step), 1, args->key, command);
    kw__command_bytes(command, args->member);
    return kw__command_end(command, error);
}

kw_status kw__top_remove_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    (void)result;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("ZREM", error);
}

kw_status kw__top_reset_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_reset_args *args = step->args;
    kw__command_begin(command, 1 + KW__TOP_PARTS);
    kw__command_text(command, "DEL");
    write_keys(top_of(step), KW__TOP_PARTS, args->key, command);
    return kw__command_end(command, error);
}

kw_status kw__top_reset_decode(const kw__step *step, const kw__reply *reply, void *result, kw_error *error) {
    (void)step;
    (void)result;
    return reply->kind == KW__REPLY_INTEGER ? KW_OK : kw__reply_unexpected("DEL", error);
}

/* ---- lists ---- */

/* Reads "member, negated score" pairs into a list. False: that is no answer of ours. */
static bool read_entries(const kw__reply *entries, int64_t first_rank, kw_list *list) {
    size_t used = 0;
    for (size_t i = 0; i < entries->count / 2; i++) {
        const kw__reply *member = entries->elements[2 * i], *score = entries->elements[2 * i + 1];
        kw_top_entry *entry = kw__list_at(list, i);
        int64_t negated;
        if (score->kind != KW__REPLY_STRING || !kw__parse_integer(score->bytes, &negated) || negated > SCORE_MAX ||
            negated < -SCORE_MAX) {
            return false;
        }
        *entry = (kw_top_entry){.rank = first_rank + (int64_t)i + 1,
                                .score = -negated,
                                .member_offset = kw__list_put(list, &used, member->bytes),
                                .member_length = (int64_t)member->bytes.length};
    }
    return true;
}

static kw_status decode_list(const kw__reply *reply, kw_list **out, kw_error *error) {
    int64_t first_rank;
    if (reply->kind != KW__REPLY_ARRAY || reply->count != KW__TOP_BEST_REPLIES ||
        !number_at(reply, KW__TOP_BEST_FIRST_RANK, 0, &first_rank) || first_rank > KEEP_MAX) {
        return kw__reply_unexpected("top", error);
    }
    const kw__reply *entries = reply->elements[KW__TOP_BEST_ENTRIES];
    if (entries->kind != KW__REPLY_ARRAY || entries->count % 2 != 0) return kw__reply_unexpected("top", error);
    size_t bytes = 0;
    for (size_t i = 0; i < entries->count; i += 2) {
        if (entries->elements[i]->kind != KW__REPLY_STRING) return kw__reply_unexpected("top", error);
        bytes += entries->elements[i]->bytes.length;
    }
    kw_list *list = kw__list_make(entries->count / 2, sizeof(kw_top_entry), bytes);
    if (list == NULL) return kw__fail_memory(error);
    if (!read_entries(entries, first_rank, list)) {
        kw__list_free(list);
        return kw__reply_unexpected("top", error);
    }
    *out = list;
    return KW_OK;
}

kw_status kw__top_best_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_best_args *args = step->args;
    kw__command_script(command, &kw__script_top_best);
    write_keys(top_of(step), KW__TOP_PARTS, args->key, command);
    kw__command_integer(command, args->count);
    return kw__command_end(command, error);
}

kw_status kw__top_best_decode(const kw__step *step, const kw__reply *reply, void *list, kw_error *error) {
    (void)step;
    return decode_list(reply, list, error);
}

kw_status kw__top_around_encode(const kw__step *step, kw__command *command, kw_error *error) {
    const kw__top_around_args *args = step->args;
    kw__command_script(command, &kw__script_top_around);
    write_keys(top_of(step), KW__TOP_PARTS, args->key, command);
    kw__command_bytes(command, args->member);
    kw__command_integer(command, args->count);
    return kw__command_end(command, error);
}

kw_status kw__top_around_decode(const kw__step *step, const kw__reply *reply, void *list, kw_error *error) {
    (void)step;
    return decode_list(reply, list, error);
}
