/*
 * Any octets as a configuration: what is wrong is said, and what is right is printed so that it can be read again and
 * prints the same.
 */
#include <stdlib.h>

#include "run/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void mistake(void *to, const char *text)
{
    unsigned *mistakes = to;
    must(text[0] != '\0' && !strchr(text, '\n'));
    ++*mistakes;
}

/* The text without the comments that say where a value came from. */
static void without_comments(struct buffer *b)
{
    size_t out = 0;
    bool comment = false;
    for (size_t i = 0; i < b->len; i++) {
        comment = b->at[i] != '\n' && (comment || (b->at[i] == '#' && i && b->at[i - 1] == ' '));
        if (!comment && b->at[i] != ' ')
            b->at[out++] = b->at[i];
    }
    b->len = out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config first, second;
    struct arena arena = {.chunks = NULL}, again = {.chunks = NULL};
    struct buffer text = {.at = NULL}, same = {.at = NULL};
    unsigned mistakes = 0;
    config_defaults(&first);
    if (config_read(&first, &arena, "fuzz.yaml", bytes_of(data, size), mistake, &mistakes)) {
        must(mistakes == 0);
        config_print(&first, &text);
        config_defaults(&second);
        must(config_read(&second, &again, "fuzz.yaml", buffer_bytes(&text), mistake, &mistakes));
        config_print(&second, &same);
        without_comments(&text);
        without_comments(&same);
        must(bytes_equal(buffer_bytes(&text), buffer_bytes(&same)));
    } else {
        must(mistakes > 0);
    }
    buffer_free(&text);
    buffer_free(&same);
    arena_free(&arena);
    arena_free(&again);
    return 0;
}
