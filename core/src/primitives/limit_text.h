/*
 * The text form of limits, as people write it in configuration.
 *
 *     limits = limit { (";" | "," | "|") limit }
 *     limit  = ( rate { "burst" number | "as" label | "shadow" } ) | ( count "concurrent" { "as" label | "shadow" } )
 *     rate   = count ("/" | "per") [number] unit
 *
 * "10/s burst 20", "100 per minute", "10 per 2 minutes", "1000/h as plan; 5/s". White space (ASCII) may stand or be
 * missing between words. Case does not matter, except in a label: letters, digits, _ . and -, beginning with a letter
 * or _, so that it cannot be taken for the period that stands in its place by default. "burst", "as" and "shadow" come
 * after the rate, in any order, each at most once. A month has 30 days, a year 360.
 *
 * Every text that Python's package limits (5.8) reads means the same here, a colon before a separator included. Three
 * things it lets pass are refused: a count of 0, a multiple of 0 (it takes that for 1), and letters or spaces outside
 * ASCII.
 */
#ifndef KW__LIMIT_TEXT_H
#define KW__LIMIT_TEXT_H

#include "base/error.h"

#define KW__LIMITS_MAX 8
#define KW__LIMIT_TEXT_MAX 1024

/* The bound, not reached, on counts, and in us on periods and on the time that a burst stands for. */
#define KW__LIMIT_BOUND (INT64_C(1) << 52)

/*
 * Reads a list of limits. A failure is KW_INVALID, zeroes what was written, and points at the byte: LIMIT_SYNTAX for
 * what is not of the grammar, LIMIT_RANGE for a number that is 0 or too large, and for a limit more than `capacity`,
 * LIMIT_SIZE for a burst whose time is too long, TEXT_LENGTH.
 */
kw_status kw__limits_parse(const char *text, kw_limit *limits, int64_t capacity, int64_t *count, kw_error *error);

#endif
