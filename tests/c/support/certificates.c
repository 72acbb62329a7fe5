#include "support/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"

static EVP_PKEY *make_key(bool is_rsa) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(is_rsa ? EVP_PKEY_RSA : EVP_PKEY_EC, NULL);
    assert_non_null(context);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    if (!is_rsa) assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1), 1);
    if (is_rsa) assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
    assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static void extend(X509 *certificate, X509 *issuer, int what, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, what, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void write_file(const char *path, const struct test_certificate *made, const struct test_certificate *chain) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, made->certificate), 1);
    if (chain != NULL) assert_int_equal(PEM_write_X509(file, chain->certificate), 1);
    fclose(file);
}

void test_certificate_make(struct test_certificate *made, const char *folder, const char *name,
                           const struct test_certificate *issuer, struct test_certificate_wish wish) {
    static long serial = 1;
    made->key = make_key(wish.is_rsa);
    X509 *certificate = made->certificate = X509_new();
    X509 *signer = issuer != NULL ? issuer->certificate : certificate;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until != 0 ? wish.until : 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                               -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_set_pubkey(certificate, made->key);
    extend(certificate, signer, NID_basic_constraints, wish.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(certificate, signer, NID_subject_key_identifier, "hash");
    if (wish.names != NULL) extend(certificate, signer, NID_subject_alt_name, wish.names);
    assert_true(X509_sign(certificate, issuer != NULL ? issuer->key : made->key, EVP_sha256()) > 0);

    snprintf(made->file, sizeof made->file, "%s/%s.crt", folder, name);
    write_file(made->file, made, wish.chain);
    snprintf(made->key_file, sizeof made->key_file, "%s/%s.key", folder, name);
    FILE *file = fopen(made->key_file, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, made->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

void test_certificate_free(struct test_certificate *made) {
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

void test_certificate_write_hashed(const struct test_certificate *made, const char *folder) {
    char path[256];
    snprintf(path, sizeof path, "%s/%08lx.0", folder, X509_subject_name_hash(made->certificate));
    write_file(path, made, NULL);
}

void test_certificate_write_locked_key(const struct test_certificate *made, const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    char password[] = "secret";
    assert_int_equal(PEM_write_PrivateKey(file, made->key, EVP_aes_128_cbc(), (unsigned char *)password, 6, NULL, NULL),
                     1);
    fclose(file);
}
