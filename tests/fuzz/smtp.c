/*
 * Any octets as a conversation in SMTP, and mail.
 *
 *     fuzz_smtp CORPUS SEEDS     SEEDS: what tests/fuzz/speech.py wrote
 */
#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    converse(data, size, &dissector_smtp);
    return 0;
}
