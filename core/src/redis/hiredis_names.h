/* New names for everything that hiredis' read.c, sds.c and alloc.c define.
 *
 * A static archive hides nothing: an application that links libkeywright.a and a hiredis of its own would get every
 * one of these twice. The build includes this file before each source, ours and hiredis', so that both sides agree. */
#ifndef KW_HIREDIS_NAMES_H
#define KW_HIREDIS_NAMES_H

#define ffc_from_chars_double kw__ffc_from_chars_double
#define ffc_from_chars_double_options kw__ffc_from_chars_double_options
#define ffc_from_chars_float kw__ffc_from_chars_float
#define ffc_from_chars_float_options kw__ffc_from_chars_float_options
#define ffc_parse_double kw__ffc_parse_double
#define ffc_parse_double_simple kw__ffc_parse_double_simple
#define ffc_parse_float kw__ffc_parse_float
#define ffc_parse_float_simple kw__ffc_parse_float_simple
#define ffc_parse_i32 kw__ffc_parse_i32
#define ffc_parse_i32_simple kw__ffc_parse_i32_simple
#define ffc_parse_i64 kw__ffc_parse_i64
#define ffc_parse_i64_simple kw__ffc_parse_i64_simple
#define ffc_parse_json_number kw__ffc_parse_json_number
#define ffc_parse_options_default kw__ffc_parse_options_default
#define ffc_parse_u32 kw__ffc_parse_u32
#define ffc_parse_u32_simple kw__ffc_parse_u32_simple
#define ffc_parse_u64 kw__ffc_parse_u64
#define ffc_parse_u64_simple kw__ffc_parse_u64_simple
#define hex_digit_to_int kw__hex_digit_to_int
#define hiredisAllocFns kw__hiredisAllocFns
#define hiredisResetAllocators kw__hiredisResetAllocators
#define hiredisSetAllocators kw__hiredisSetAllocators
#define redisReaderCreateWithFunctions kw__redisReaderCreateWithFunctions
#define redisReaderFeed kw__redisReaderFeed
#define redisReaderFree kw__redisReaderFree
#define redisReaderGetReply kw__redisReaderGetReply
#define sdsAllocPtr kw__sdsAllocPtr
#define sdsAllocSize kw__sdsAllocSize
#define sdsIncrLen kw__sdsIncrLen
#define sdsMakeRoomFor kw__sdsMakeRoomFor
#define sdsRemoveFreeSpace kw__sdsRemoveFreeSpace
#define sds_free kw__sds_free
#define sds_malloc kw__sds_malloc
#define sds_realloc kw__sds_realloc
#define sdscat kw__sdscat
#define sdscatfmt kw__sdscatfmt
#define sdscatlen kw__sdscatlen
#define sdscatprintf kw__sdscatprintf
#define sdscatrepr kw__sdscatrepr
#define sdscatsds kw__sdscatsds
#define sdscatvprintf kw__sdscatvprintf
#define sdsclear kw__sdsclear
#define sdscmp kw__sdscmp
#define sdscpy kw__sdscpy
#define sdscpylen kw__sdscpylen
#define sdsdup kw__sdsdup
#define sdsempty kw__sdsempty
#define sdsfree kw__sdsfree
#define sdsfreesplitres kw__sdsfreesplitres
#define sdsfromlonglong kw__sdsfromlonglong
#define sdsgrowzero kw__sdsgrowzero
#define sdsjoin kw__sdsjoin
#define sdsjoinsds kw__sdsjoinsds
#define sdsll2str kw__sdsll2str
#define sdsmapchars kw__sdsmapchars
#define sdsnew kw__sdsnew
#define sdsnewlen kw__sdsnewlen
#define sdsrange kw__sdsrange
#define sdssplitargs kw__sdssplitargs
#define sdssplitlen kw__sdssplitlen
#define sdstolower kw__sdstolower
#define sdstoupper kw__sdstoupper
#define sdstrim kw__sdstrim
#define sdsull2str kw__sdsull2str
#define sdsupdatelen kw__sdsupdatelen

#endif
