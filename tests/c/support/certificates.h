/* Certificates that a test makes for itself, with the CA that signs them. Files are PEM. */
#ifndef KW_TEST_CERTIFICATES_H
#define KW_TEST_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct test_certificate {
    X509 *certificate;
    EVP_PKEY *key;
    char file[128];
    char key_file[128];
};

struct test_certificate_wish {
    const char *names; /* as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; NULL: none but the common name */
    bool is_authority;
    bool is_rsa;                          /* its key; else it is one of elliptic curves */
    long from;                            /* seconds from now */
    long until;                           /* 0: an hour from now */
    const struct test_certificate *chain; /* put behind it in the file */
};

/* Makes NAME.crt and NAME.key in the folder, signed by the issuer, or by itself. The common name is `name`. */
void test_certificate_make(struct test_certificate *made, const char *folder, const char *name,
                           const struct test_certificate *issuer, struct test_certificate_wish wish);
void test_certificate_free(struct test_certificate *made);

/* Writes the certificate into the folder under the name by which OpenSSL looks for it. */
void test_certificate_write_hashed(const struct test_certificate *made, const char *folder);

/* Writes the key so that it needs a password. */
void test_certificate_write_locked_key(const struct test_certificate *made, const char *file);

#endif
