/* What a build without TLS has of it: the refusal. No session is ever made. */
#include "redis/tls.h"

kw_status kw__tls_open(kw__tls **out, kw_error *error) {
    *out = NULL;
    return kw__fail(
        error, KW_UNSUPPORTED, KW_REASON_URL_SCHEME,
        "this keywright was built without TLS: build it with -DKEYWRIGHT_TLS=ON, or use redis:// or valkey:// "
        "over a network that you trust, or a tunnel");
}

void kw__tls_free(kw__tls *tls) {
    (void)tls;
}

kw_status kw__tls_begin(const kw__url *url, int fd, kw__tls_session **out, kw_error *error) {
    (void)url, (void)fd;
    *out = NULL;
    return kw__fail(error, KW_UNSUPPORTED, KW_REASON_URL_SCHEME, "this keywright was built without TLS");
}

kw__securing kw__tls_shake(kw__tls_session *session, kw_error *error) {
    (void)session, (void)error;
    return KW__SECURING_FAILED;
}

ssize_t kw__tls_send(kw__tls_session *session, const char *data, size_t length) {
    (void)session, (void)data, (void)length;
    return -1;
}

ssize_t kw__tls_receive(kw__tls_session *session, char *data, size_t length) {
    (void)session, (void)data, (void)length;
    return -1;
}

short kw__tls_watch(kw__tls_session *session, bool sending) {
    (void)session, (void)sending;
    return 0;
}

bool kw__tls_has_more(kw__tls_session *session) {
    (void)session;
    return false;
}

bool kw__tls_is_stale(kw__tls_session *session) {
    (void)session;
    return true;
}

kw_status kw__tls_failure(kw__tls_session *session, kw_error *error) {
    (void)session, (void)error;
    return KW_OK;
}

void kw__tls_end(kw__tls_session *session) {
    (void)session;
}
