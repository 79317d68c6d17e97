/*
 * misp: the manifest of a MISP feed (misp-core-format, "Manifest"), which names the events of a folder.
 *
 * The events themselves are read by `format_misp` (misp.c says how).
 */
#ifndef VIGIA_FEED_MISP_H
#define VIGIA_FEED_MISP_H

#include "base/fail.h"

#define MISP_MANIFEST "manifest.json"

/* An event as the manifest lists it. Borrowed for the length of the call. */
struct misp_listed {
    struct bytes uuid;   /* as it is written: whether it can name a file is for `misp_uuid_is_safe` */
    struct bytes sha256; /* hex digits, of `integrity:sha256`; empty where the feed gives none */
    unsigned line;       /* where its entry begins */
};

/* Tells each event in the manifest's order. False with a reason when it is no manifest, or when one breaks off: what
 * stood before was told. */
bool misp_manifest_read(struct bytes content, void (*listed)(void *to, const struct misp_listed *event), void *to,
                        struct fail *why);

/* RFC 9562's form, 8-4-4-4-12 hex digits: nothing else becomes part of a path. */
bool misp_uuid_is_safe(struct bytes uuid);

#endif
