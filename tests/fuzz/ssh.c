/*
 * Any octets as a conversation in SSH.
 *
 *     fuzz_ssh CORPUS SEEDS     SEEDS: what tests/fuzz/speech.py wrote
 */
#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    converse(data, size, &dissector_ssh);
    return 0;
}
