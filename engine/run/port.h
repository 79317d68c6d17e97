/*
 * port: where others push captures: a TCP or UNIX socket ("pcap over IP"), of which each connection is one capture, or
 * a FIFO, of which each writer is (several at once would mix their octets, as FIFOs do).
 *
 * One connection is read at a time; further ones wait in the listen queue (PORT_WAITING of them).
 *
 * Owner: the reader's thread.
 */
#ifndef VIGIA_RUN_PORT_H
#define VIGIA_RUN_PORT_H

#include "run/config.h"
#include "run/reader.h"

enum { PORT_WAITING = 16 };

struct port;

/* Listens there; a UNIX socket is made anew, a FIFO where there is none, for its owner alone. `complain` is called on
 * the reader's thread. */
struct port *port_open(const struct config_listen *where, void (*complain)(void *to, const char *text), void *to,
                       struct fail *why);

struct reader_source port_source(struct port *p);

void port_close(struct port *p);

#endif
