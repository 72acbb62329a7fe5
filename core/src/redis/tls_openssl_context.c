/* What a client's connections have in common: whom we trust, and who we are. */
#include <stdio.h>

#include "redis/tls_authorities.h"
#include "redis/tls_openssl.h"

/* A key that is locked by a password would make OpenSSL ask at the terminal. */
static int no_password(char *buffer, int size, int writing, void *argument) {
    (void)buffer, (void)size, (void)writing, (void)argument;
    return -1;
}

static const char *last_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "unknown";
}

static kw_status trust(SSL_CTX *context, const kw__url *url, char *trusted, size_t capacity, kw_error *error) {
    kw__authorities found;
    const kw__authorities_place own = {X509_get_default_cert_file(), X509_get_default_cert_dir()};
    kw_status status = kw__authorities_find(url, own, kw__authorities_places, &found, error);
    if (status != KW_OK) return status;
    snprintf(trusted, capacity, "%s", found.told);
    if (SSL_CTX_load_verify_locations(context, found.file, found.directory) == 1) return KW_OK;
    return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE, "%s holds no CA certificates in the form of PEM (%s)",
                    found.told, last_reason());
}

static kw_status introduce(SSL_CTX *context, const kw__url *url, kw_error *error) {
    kw_status status = kw__tls_check_file("cert", url->cert_file, error);
    if (status == KW_OK) status = kw__tls_check_file("key", url->key_file, error);
    if (status != KW_OK) return status;
    if (SSL_CTX_use_certificate_chain_file(context, url->cert_file) != 1) {
        return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE,
                        "cert names %s, which holds no certificate in the form of PEM (%s)", url->cert_file,
                        last_reason());
    }
    bool read = SSL_CTX_use_PrivateKey_file(context, url->key_file, SSL_FILETYPE_PEM) == 1;
    bool differs = !read && ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    if (read && SSL_CTX_check_private_key(context) == 1) return KW_OK;
    if (read || differs) {
        return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE, "%s is not the key of the certificate %s", url->key_file,
                        url->cert_file);
    }
    return kw__fail(error, KW_TLS, KW_REASON_TLS_FILE,
                    "%s holds no key in the form of PEM that can be read without a password (%s): name one by key=",
                    url->key_file, last_reason());
}

/* A system's policy may ask for more than we do. */
static bool set_version(SSL_CTX *context) {
    int least = (int)SSL_CTX_get_min_proto_version(context);
    return least > TLS1_2_VERSION || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

SSL_CTX *kw__tls_make_context(const kw__url *url, char *trusted, size_t capacity, kw_error *error) {
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || !set_version(context)) {
        kw__fail(error, KW_TLS, KW_REASON_TLS_HANDSHAKE, "OpenSSL cannot be set up: %s", last_reason());
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* one system call for what came, not two for each record */
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_client_cert_cb(context, kw__tls_was_asked);
    /* An authority in between that the user trusts is trusted, though its own is not there. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    kw_status status = KW_OK;
    if (url->verify != KW__VERIFY_NONE) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, kw__tls_judge_certificate);
        status = trust(context, url, trusted, capacity, error);
    }
    if (status == KW_OK && url->cert_file != NULL) status = introduce(context, url, error);
    if (status != KW_OK) {
        SSL_CTX_free(context);
        context = NULL;
    }
    ERR_clear_error();
    return context;
}
