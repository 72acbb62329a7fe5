/* Does what each line asks for, at the server of its one argument: ALGORITHM, LIMITS, NAME, OPERATION, KEY and COST,
 * with tabs between; and says STATUS, REMAINING, RETRY_AFTER and RESET_AFTER in us. */
#include <keywright.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const kw_error *error) {
    fprintf(stderr, "%s\n", error->message);
    return EXIT_FAILURE;
}

static int answer(kw_client *client, char *line) {
    char *words[6];
    int count = 0;
    for (char *word = strtok(line, "\t\n"); word != NULL && count < 6; word = strtok(NULL, "\t\n"))
        words[count++] = word;
    kw_limiter_options options = {0};
    options.size = sizeof options;
    options.algorithm = strcmp(words[0], "gcra") == 0 ? KW_ALGORITHM_GCRA : KW_ALGORITHM_FIXED_WINDOW;
    kw_limiter *limiter = NULL;
    kw_error error;
    if (kw_limiter_open(client, words[2], strlen(words[2]), words[1], &options, &limiter, &error) != KW_OK)
        return fail(&error);
    kw_decision made;
    const char *key = words[4];
    long long cost = atoll(words[5]);
    kw_status status = strcmp(words[3], "hit") == 0
                           ? kw_limiter_hit(limiter, key, strlen(key), cost, KW_DEFAULT_TIMEOUT, &made, &error)
                           : kw_limiter_peek(limiter, key, strlen(key), cost, KW_DEFAULT_TIMEOUT, &made, &error);
    kw_limiter_free(limiter);
    if (status < 0) return fail(&error);
    printf("%s %lld %lld %lld\n", kw_status_name(status), (long long)made.remaining, (long long)made.retry_after_us,
           (long long)made.reset_after_us);
    fflush(stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    char line[1024];
    kw_client *client = NULL;
    kw_error error;
    if (argc != 2 || kw_client_open(argv[1], NULL, &client, &error) != KW_OK) return EXIT_FAILURE;
    int outcome = EXIT_SUCCESS;
    while (outcome == EXIT_SUCCESS && fgets(line, sizeof line, stdin) != NULL)
        outcome = answer(client, line);
    kw_client_free(client);
    return outcome;
}
