/*
 * Any octets as a conversation in IMAP.
 *
 *     fuzz_imap CORPUS SEEDS     SEEDS: what tests/fuzz/speech.py wrote
 */
#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    converse(data, size, &dissector_imap);
    return 0;
}
