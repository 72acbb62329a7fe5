/* Telling the failures of TLS apart, and what to do about each. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "redis/tls_openssl.h"

/* How OpenSSL reports an alert that the peer sent: this and its number. */
#define FROM_PEER 1000

enum {
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_NO_CERTIFICATE = 41,
    ALERT_CERTIFICATE_UNKNOWN = 46,
    ALERT_UNKNOWN_CA = 48,
    ALERT_ACCESS_DENIED = 49,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_CERTIFICATE_REQUIRED = 116,
};

/* Adds a name to a list, unless it is full. */
static void add_name(char *list, size_t capacity, const char *name) {
    size_t used = strlen(list), length = strlen(name);
    if (length == 0 || used + length + 3 > capacity) return;
    snprintf(list + used, capacity - used, "%s%s", used > 0 ? ", " : "", name);
}

/* The names and addresses that a certificate is for. */
static void list_names(X509 *certificate, char *list, size_t capacity) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char text[80] = "";
        if (name->type == GEN_DNS) {
            snprintf(text, sizeof text, "%.*s", ASN1_STRING_length(name->d.dNSName),
                     (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            int length = ASN1_STRING_length(name->d.iPAddress);
            if (length == 4 || length == 16) {
                inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
                          sizeof text);
            }
        }
        add_name(list, capacity, text);
    }
    GENERAL_NAMES_free(names);
    if (list[0] != '\0') return;
    char text[80] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
    add_name(list, capacity, text);
}

static void write_date(const ASN1_TIME *moment, char *out, size_t capacity) {
    struct tm date;
    if (ASN1_TIME_to_tm(moment, &date) != 1 || strftime(out, capacity, "%Y-%m-%d %H:%M UTC", &date) == 0) out[0] = '\0';
}

int kw__tls_judge_certificate(int good, X509_STORE_CTX *store) {
    if (good) return good;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    kw__tls_session *session = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    session->problem = X509_STORE_CTX_get_error(store);
    session->depth = X509_STORE_CTX_get_error_depth(store);
    session->detail[0] = '\0';
    if (certificate == NULL) return good;
    switch (session->problem) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        list_names(certificate, session->detail, sizeof session->detail);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        write_date(X509_get0_notAfter(certificate), session->detail, sizeof session->detail);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        write_date(X509_get0_notBefore(certificate), session->detail, sizeof session->detail);
        break;
    default:
        break;
    }
    return good;
}

int kw__tls_was_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
    (void)certificate, (void)key;
    kw__tls_session *session = SSL_get_app_data(ssl);
    session->asked = true;
    return 0;
}

static void refuse_certificate(kw__tls_session *session) {
    kw_error *error = &session->failure;
    const char *shown = session->url->shown,
               *whose = session->depth > 0 ? "a CA behind the certificate" : "the certificate";
    switch (session->problem) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        kw__fail(
            error, KW_TLS, KW_REASON_TLS_NAME,
            "the certificate of %s is not for %s but for %s: connect under a name that it is for, or tell it by server_name=",
            shown, session->url->server_name, session->detail[0] != '\0' ? session->detail : "nothing at all");
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        kw__fail(error, KW_TLS, KW_REASON_TLS_EXPIRED, "%s of %s expired at %s: renew it, or set this machine's clock",
                 whose, shown, session->detail);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        kw__fail(error, KW_TLS, KW_REASON_TLS_EXPIRED, "%s of %s is not valid before %s: look at this machine's clock",
                 whose, shown, session->detail);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_INVALID_CA:
        kw__fail(error, KW_TLS, KW_REASON_TLS_UNKNOWN_CA,
                 "the certificate of %s is signed by nobody who is trusted here (%s): name its CA by ca=; looked at %s",
                 shown, X509_verify_cert_error_string(session->problem), session->trusted);
        break;
    default:
        kw__fail(error, KW_TLS, KW_REASON_TLS_HANDSHAKE, "the certificate of %s was refused: %s", shown,
                 X509_verify_cert_error_string(session->problem));
    }
}

/* Alerts by which a server says that it does not like our certificate, or wants one. */
static bool is_about_certificate(int alert, bool asked) {
    return (alert >= ALERT_NO_CERTIFICATE && alert <= ALERT_CERTIFICATE_UNKNOWN) || alert == ALERT_UNKNOWN_CA ||
           alert == ALERT_ACCESS_DENIED || alert == ALERT_CERTIFICATE_REQUIRED ||
           (alert == ALERT_HANDSHAKE_FAILURE && asked);
}

static void refuse_us(kw__tls_session *session) {
    if (session->url->cert_file == NULL) {
        kw__fail(&session->failure, KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
                 "%s asks for a client certificate: give one by cert= and key=", session->url->shown);
    } else {
        kw__fail(&session->failure, KW_TLS, KW_REASON_TLS_CLIENT_CERTIFICATE,
                 "%s refuses the client certificate %s: is it from the CA that the server trusts, and still valid?",
                 session->url->shown, session->url->cert_file);
    }
}

/* The handshake is done; a server that wants a certificate may say so only now. */
static void explain_loss(kw__tls_session *session, int alert, const char *reason) {
    if (!session->heard && (is_about_certificate(alert, session->asked) || (session->cut && session->asked))) {
        refuse_us(session);
    } else if (!session->cut && reason != NULL) {
        kw__fail(&session->failure, KW_CONNECTION, KW_REASON_CLOSED_BY_PEER, "the encrypted link to %s broke (%s)",
                 session->url->shown, reason);
    }
}

static void explain_handshake(kw__tls_session *session, int alert, int library_reason, const char *reason) {
    kw_error *error = &session->failure;
    const char *shown = session->url->shown;
    if (session->problem != X509_V_OK && library_reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        refuse_certificate(session);
    } else if (session->touched && session->first != 0x15 && session->first != 0x16) {
        kw__fail(error, KW_TLS, KW_REASON_TLS_PLAIN_PORT,
                 "%s does not speak TLS at this port: give its port for TLS, or use redis:// or valkey://", shown);
    } else if (is_about_certificate(alert, session->asked) || (session->cut && session->asked)) {
        refuse_us(session);
    } else if (alert == ALERT_PROTOCOL_VERSION || library_reason == SSL_R_UNSUPPORTED_PROTOCOL) {
        kw__fail(error, KW_TLS, KW_REASON_TLS_HANDSHAKE, "%s speaks TLS, but neither 1.2 nor 1.3: let it", shown);
    } else if (session->cut) {
        kw__fail(error, KW_TLS, KW_REASON_TLS_HANDSHAKE,
                 "%s closed the connection during the handshake of TLS: does it speak TLS at this port?", shown);
        error->retryable = 1; /* it may be about to restart */
    } else {
        kw__fail(error, KW_TLS, KW_REASON_TLS_HANDSHAKE, "the handshake of TLS with %s failed: %s", shown,
                 reason != NULL ? reason : "unknown");
    }
}

void kw__tls_explain(kw__tls_session *session) {
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    int library_reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    int alert = library_reason > FROM_PEER ? library_reason - FROM_PEER : 0;
    if (session->failure.code != KW_OK) return; /* the first is the cause */
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        kw__fail_memory(&session->failure);
    else if (session->secured)
        explain_loss(session, alert, reason);
    else
        explain_handshake(session, alert, library_reason, reason);
    if (alert != 0 && reason != NULL) kw__error_server(&session->failure, kw__bytes_text(reason));
}
