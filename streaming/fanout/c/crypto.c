/* Found at run time by dlopen: no header and no library of OpenSSL is needed to build. */
#include "crypto.h"

#include <dlfcn.h>

enum { EVP_CTRL_AEAD_GET_TAG = 0x10 }; /* openssl/evp.h */

static struct {
    void *(*EVP_CIPHER_CTX_new)(void);
    void (*EVP_CIPHER_CTX_free)(void *);
    const void *(*EVP_aes_128_gcm)(void);
    const void *(*EVP_aes_128_ctr)(void);
    int (*EVP_EncryptInit_ex)(void *, const void *, void *, const uint8_t *, const uint8_t *);
    int (*EVP_EncryptUpdate)(void *, uint8_t *, int *, const uint8_t *, int);
    int (*EVP_EncryptFinal_ex)(void *, uint8_t *, int *);
    int (*EVP_CIPHER_CTX_ctrl)(void *, int, int, void *);
    int (*SHA1_Init)(void *);
    int (*SHA1_Update)(void *, const void *, size_t);
    int (*SHA1_Final)(uint8_t *, void *);
    const char *(*OpenSSL_version)(int);
} ssl;

static const char *const ssl_names[] = {
    "EVP_CIPHER_CTX_new", "EVP_CIPHER_CTX_free", "EVP_aes_128_gcm", "EVP_aes_128_ctr",
    "EVP_EncryptInit_ex", "EVP_EncryptUpdate", "EVP_EncryptFinal_ex", "EVP_CIPHER_CTX_ctrl",
    "SHA1_Init", "SHA1_Update", "SHA1_Final", "OpenSSL_version",
};
static bool ssl_found = false;

const char *crypto_load(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return "";
    void *found[sizeof ssl_names / sizeof *ssl_names];
    _Static_assert(sizeof found == sizeof ssl, "one name for each function");
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (!(found[i] = dlsym(library, ssl_names[i]))) return ssl_names[i];
    memcpy(&ssl, found, sizeof ssl); /* the library stays open: senders use it to the end */
    ssl_found = true;
    return NULL;
}

const char *crypto_version(void) { return ssl_found ? ssl.OpenSSL_version(0) : NULL; }

/* HMAC (RFC 2104): the two keyed blocks are hashed once. */
static bool hmac_open(Sha1 *inner, Sha1 *outer, const uint8_t *key, int length) {
    uint8_t pad[64];
    for (int i = 0; i < 64; i++) pad[i] = 0x36 ^ (i < length ? key[i] : 0);
    bool done = ssl.SHA1_Init(inner) == 1 && ssl.SHA1_Update(inner, pad, 64) == 1;
    for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
    done = done && ssl.SHA1_Init(outer) == 1 && ssl.SHA1_Update(outer, pad, 64) == 1;
    wipe(pad, sizeof pad);
    return done;
}

bool cipher_open(Cipher *c, bool gcm, const uint8_t *key, const uint8_t *salt, const uint8_t *auth) {
    memset(c, 0, sizeof *c);
    c->gcm = gcm;
    memcpy(c->salt, salt, gcm ? 12 : 14);
    c->aes = ssl.EVP_CIPHER_CTX_new();
    if (!c->aes || ssl.EVP_EncryptInit_ex(c->aes, gcm ? ssl.EVP_aes_128_gcm() : ssl.EVP_aes_128_ctr(), NULL, key, NULL) != 1)
        return false;
    return gcm || hmac_open(&c->inner, &c->outer, auth, 20);
}

void cipher_close(Cipher *c) {
    if (c->aes) ssl.EVP_CIPHER_CTX_free(c->aes); /* cleanses the key schedule */
    wipe(c, sizeof *c);
}

void cipher_expect(const Cipher *c) { fetch(c->aes, 3 * CACHE_LINE_BYTES); }

/* Encrypt `body` of `from` into `to`. GCM also authenticates `aad` and writes 16 bytes of tag at `tag`. */
static bool gcm_seal(Cipher *c, uint32_t ssrc, uint64_t index, const uint8_t *aad, int aad_length,
                     const uint8_t *aad_end, const uint8_t *from, uint8_t *to, int length, uint8_t *tag) {
    uint8_t iv[12] = {0}; /* RFC 7714 section 8.1: 00 00 SSRC index(48), xor salt */
    put32(iv + 2, ssrc);
    put16(iv + 6, (uint32_t)(index >> 32));
    put32(iv + 8, (uint32_t)index);
    for (int i = 0; i < 12; i++) iv[i] ^= c->salt[i];
    int n;
    return ssl.EVP_EncryptInit_ex(c->aes, NULL, NULL, NULL, iv) == 1 &&
           ssl.EVP_EncryptUpdate(c->aes, NULL, &n, aad, aad_length) == 1 &&
           (!aad_end || ssl.EVP_EncryptUpdate(c->aes, NULL, &n, aad_end, SRTCP_INDEX_BYTES) == 1) &&
           (!length || ssl.EVP_EncryptUpdate(c->aes, to, &n, from, length) == 1) &&
           ssl.EVP_EncryptFinal_ex(c->aes, to + length, &n) == 1 &&
           ssl.EVP_CIPHER_CTX_ctrl(c->aes, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
}

static bool ctr_crypt(Cipher *c, uint32_t ssrc, uint64_t index, const uint8_t *from, uint8_t *to, int length) {
    uint8_t iv[16] = {0}; /* RFC 3711 section 4.1.1: salt * 2^16 xor SSRC * 2^64 xor index * 2^16 */
    put32(iv + 4, ssrc);
    put16(iv + 8, (uint32_t)(index >> 32));
    put32(iv + 10, (uint32_t)index);
    for (int i = 0; i < 14; i++) iv[i] ^= c->salt[i];
    int n;
    return ssl.EVP_EncryptInit_ex(c->aes, NULL, NULL, NULL, iv) == 1 &&
           (!length || ssl.EVP_EncryptUpdate(c->aes, to, &n, from, length) == 1);
}

static bool hmac_tag(Cipher *c, const uint8_t *packet, size_t length, const uint8_t *rollover, uint8_t *tag) {
    Sha1 inner = c->inner, outer = c->outer;
    uint8_t digest[20];
    bool done = ssl.SHA1_Update(&inner, packet, length) == 1 &&
                (!rollover || ssl.SHA1_Update(&inner, rollover, 4) == 1) &&
                ssl.SHA1_Final(digest, &inner) == 1 && ssl.SHA1_Update(&outer, digest, 20) == 1 &&
                ssl.SHA1_Final(digest, &outer) == 1;
    memcpy(tag, digest, 10);
    return done;
}

int protect_rtp(Cipher *c, uint8_t *packet, int header, const uint8_t *body, int length, uint64_t index) {
    uint32_t ssrc = get32(packet + 8);
    uint8_t *to = packet + header;
    if (c->gcm)
        return gcm_seal(c, ssrc, index, packet, header, NULL, body, to, length, to + length) ? header + length + 16 : 0;
    uint8_t rollover[4];
    put32(rollover, (uint32_t)(index >> 16));
    bool done = ctr_crypt(c, ssrc, index, body, to, length) &&
                hmac_tag(c, packet, (size_t)(header + length), rollover, to + length);
    return done ? header + length + 10 : 0;
}

int protect_rtcp(Cipher *c, uint8_t *packet, int length, uint32_t index) {
    uint32_t ssrc = get32(packet + 4);
    uint8_t trailer[SRTCP_INDEX_BYTES], *body = packet + 8;
    put32(trailer, 1u << 31 | index);
    if (c->gcm) { /* RFC 7714 section 9: the tag comes before the index */
        if (!gcm_seal(c, ssrc, index, packet, 8, trailer, body, body, length - 8, packet + length)) return 0;
        memcpy(packet + length + 16, trailer, SRTCP_INDEX_BYTES);
        return length + 16 + SRTCP_INDEX_BYTES;
    }
    if (!ctr_crypt(c, ssrc, index, body, body, length - 8)) return 0;
    memcpy(packet + length, trailer, SRTCP_INDEX_BYTES); /* RFC 3711 section 3.4: the other way round */
    length += SRTCP_INDEX_BYTES;
    return hmac_tag(c, packet, (size_t)length, NULL, packet + length) ? length + 10 : 0;
}

bool hmac_sha1(const uint8_t *key, int key_length, const uint8_t *first, size_t first_length, const uint8_t *second,
               size_t second_length, uint8_t *digest) {
    Sha1 inner, outer;
    bool done = ssl_found && hmac_open(&inner, &outer, key, key_length) && ssl.SHA1_Update(&inner, first, first_length) == 1 &&
                (!second_length || ssl.SHA1_Update(&inner, second, second_length) == 1) &&
                ssl.SHA1_Final(digest, &inner) == 1 && ssl.SHA1_Update(&outer, digest, 20) == 1 &&
                ssl.SHA1_Final(digest, &outer) == 1;
    wipe(&inner, sizeof inner);
    wipe(&outer, sizeof outer);
    return done;
}
