/*
 * keys: CURVE keys (RFC 26) in files.
 *
 * NAME.key holds a pair, NAME.pub its public half; each is YAML, a line a key, in Z85 (RFC 32):
 *
 *     # CURVE key pair of vigia: keep it secret
 *     public-key: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
 *     secret-key: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
 *
 * Any thread.
 */
#ifndef VIGIA_RUN_KEYS_H
#define VIGIA_RUN_KEYS_H

#include "base/zmtp.h"

enum { KEYS_FILE_MAX = 4096 /* octets */ };

/* Writes NAME.key, which only its owner may read, and NAME.pub. A file that is there already is never written over; on
 * failure none is left behind. */
bool keys_write(const char *name, const struct zmtp_keys *keys, struct fail *why);

/* Reads a pair. A file that anybody but its owner may read is refused, and so is a public key of another pair. */
bool keys_read(const char *path, struct zmtp_keys *keys, struct fail *why);

/* Reads the public key of a NAME.pub. */
bool keys_read_public(const char *path, char public_key[ZMTP_KEY_TEXT], struct fail *why);

#endif
