/*
 * Any octets as a conversation in SMB 2.
 *
 *     fuzz_smb2 CORPUS SEEDS     SEEDS: what tests/fuzz/speech.py wrote
 */
#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    converse(data, size, &dissector_smb2);
    return 0;
}
