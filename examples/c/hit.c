/*
 * Five minutes with keywright: a limiter, a few hits, and what came of them.
 *
 *     cc hit.c -o hit $(pkg-config --cflags --libs keywright)
 *     ./hit                                              the server of KEYWRIGHT_URL, else the one on this machine
 *     ./hit embedded://                                  a private server, nothing to set up
 *     ./hit redis://localhost:6379 api "5/s" user:42 8   which server, limiter, limit and key, and how many hits
 *
 * Compiles as C99 and as C++. Exits with 0 when every hit was answered, yes or no.
 */
#include <keywright.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double seconds(int64_t us) {
    return (double)us / 1e6;
}

static void show(int number, const kw_decision *decision) {
    if (decision->status == KW_OK) {
        printf("hit %d: allowed, %lld of %lld left\n", number, (long long)decision->remaining,
               (long long)decision->limit);
    } else if (decision->retry_after_us == KW_NEVER) {
        printf("hit %d: denied, it costs more than the limit ever allows\n", number);
    } else {
        printf("hit %d: denied, one fits in %.3f s, all are back in %.3f s\n", number,
               seconds(decision->retry_after_us), seconds(decision->reset_after_us));
    }
}

/* A failure says what happened and what to do; the server's own words, where there are any, stand beside. */
static void complain(const kw_error *error) {
    fprintf(stderr, "%s: %s%s%s\n", kw_status_name(error->code), error->message, error->server[0] ? ": " : "",
            error->server);
}

static int hit_some(kw_limiter *limiter, const char *key, int hits) {
    for (int number = 1; number <= hits; number++) {
        kw_decision decision;
        kw_error error;
        kw_status status = kw_limiter_hit(limiter, key, strlen(key), 1, KW_DEFAULT_TIMEOUT, &decision, &error);
        if (status < 0) { /* neither yes nor no: the program decides what that means */
            complain(&error);
            return EXIT_FAILURE;
        }
        show(number, &decision);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : getenv("KEYWRIGHT_URL");
    const char *name = argc > 2 ? argv[2] : "api";
    const char *limit = argc > 3 ? argv[3] : "5/s";
    const char *key = argc > 4 ? argv[4] : "user:42";
    int hits = argc > 5 ? atoi(argv[5]) : 8;
    if (url == NULL) {
        url = "redis://localhost:6379";
    }

    kw_client *client = NULL;
    kw_limiter *limiter = NULL;
    kw_error error;
    int outcome = EXIT_FAILURE;
    if (kw_client_open(url, NULL, &client, &error) == KW_OK &&
        kw_limiter_open(client, name, strlen(name), limit, NULL, &limiter, &error) == KW_OK) {
        outcome = hit_some(limiter, key, hits);
    } else {
        complain(&error);
    }
    kw_limiter_free(limiter);
    kw_client_free(client);
    return outcome;
}
