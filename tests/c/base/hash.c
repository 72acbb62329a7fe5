/* SipHash-2-4 against the values of its paper's reference: key 00..0f, messages of 0, 1, 7, 8 and 15 bytes 00 01 02 ...
 */
#include "base/hash.h"
#include "support/test.h"

static void the_published_values(void **state) {
    (void)state;
    const kw__hash_secret secret = {UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908)};
    static const struct {
        size_t length;
        uint64_t hash;
    } rows[] = {
        {0, UINT64_C(0x726FDB47DD0E0E31)}, {1, UINT64_C(0x74F839C593DC67FD)},  {7, UINT64_C(0xAB0200F58B01D137)},
        {8, UINT64_C(0x93F5F5799A932462)}, {15, UINT64_C(0xA129CA6149BE45E5)},
    };
    unsigned char message[16];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(kw__hash(&secret, kw__bytes_of(message, rows[i].length)) == rows[i].hash);
}

static void secrets_differ(void **state) {
    (void)state;
    kw__hash_secret one, two;
    assert_true(kw__hash_secret_make(&one) && kw__hash_secret_make(&two));
    assert_true(kw__hash(&one, kw__bytes_text("u")) != kw__hash(&two, kw__bytes_text("u")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_values),
        cmocka_unit_test(secrets_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
