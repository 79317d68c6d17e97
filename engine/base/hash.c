/*
 * hash: where the random key comes from.
 */
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void hash_key_random(struct hash_key *key)
{
    for (size_t have = 0; have < sizeof key->secret;) {
        ssize_t got = getrandom(key->secret + have, sizeof key->secret - have, 0);
        if (got > 0) {
            have += (size_t)got;
        } else if (errno != EINTR) {
            perror("vigia: error: getrandom");
            abort(); /* an unkeyed table would be worse */
        }
    }
}
