/*
 * Any octets as a conversation in POP3.
 *
 *     fuzz_pop3 CORPUS SEEDS     SEEDS: what tests/fuzz/speech.py wrote
 */
#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    converse(data, size, &dissector_pop3);
    return 0;
}
