/* SRTP and SRTCP of one viewer by OpenSSL's EVP, and HMAC. Knows bytes and session keys; no viewer, no socket. */
#ifndef SILKCAST_CRYPTO_H
#define SILKCAST_CRYPTO_H
#include "base.h"

typedef struct { uint64_t room[16]; } Sha1; /* SHA_CTX is 96 bytes */

/* One direction of one protocol of one viewer: session key inside `aes`, session salt, HMAC states. */
typedef struct {
    void *aes;
    uint8_t salt[14];
    bool gcm;
    Sha1 inner, outer;
} Cipher;

/* OpenSSL of this shared library from now on. NULL, or which function it lacks ("" : there is no such library). */
const char *crypto_load(const char *library);
const char *crypto_version(void); /* NULL before a library was loaded */

bool cipher_open(Cipher *c, bool gcm, const uint8_t *key, const uint8_t *salt, const uint8_t *auth);
void cipher_close(Cipher *c);
void cipher_expect(const Cipher *c); /* it is used soon: call its state into the cache */

/* The header lies at `packet`; the body is read from `body` (it may lie behind the header already) and
 * lands behind the header. Returns the length of the SRTP packet, 0 when OpenSSL failed. */
int protect_rtp(Cipher *c, uint8_t *packet, int header, const uint8_t *body, int length, uint64_t index);
/* The same of a compound in place; `index` has 31 bits. */
int protect_rtcp(Cipher *c, uint8_t *packet, int length, uint32_t index);

/* HMAC-SHA1 (RFC 2104) of two pieces behind each other; the key has at most 64 bytes, the digest 20. */
bool hmac_sha1(const uint8_t *key, int key_length, const uint8_t *first, size_t first_length, const uint8_t *second,
               size_t second_length, uint8_t *digest);

#endif
