#include "support/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/test.h"

#define MOST_PEERS 64

static void *serve(void *argument) {
    struct test_fake *fake = argument;
    int peers[MOST_PEERS];
    int count = 0;
    while (count < MOST_PEERS) {
        int peer = accept(fake->listener, NULL, NULL);
        if (peer < 0) break;
        char heard[4096];
        if (recv(peer, heard, sizeof heard, 0) > 0 && fake->answer != NULL) {
            (void)!send(peer, fake->answer, fake->length, MSG_NOSIGNAL);
        }
        if (fake->closes)
            close(peer);
        else
            peers[count++] = peer;
    }
    while (count > 0)
        close(peers[--count]);
    return NULL;
}

void test_fake_start(struct test_fake *fake, const char *answer, size_t length, bool closes) {
    *fake = (struct test_fake){.answer = answer, .length = length, .closes = closes};
    snprintf(fake->path, sizeof fake->path, "/tmp/kw-fake-%ld-%d", (long)getpid(), rand());
    snprintf(fake->url, sizeof fake->url, "unix://%s", fake->path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", fake->path);
    unlink(fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fake->listener >= 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 16), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

void test_fake_stop(struct test_fake *fake) {
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    unlink(fake->path);
}
