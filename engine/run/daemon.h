/*
 * daemon: all sensors, all indicators, until it is told to stop. Builds, starts, reloads, stops, and owns what runs.
 *
 * Threads: a listener for each worker, a reader for each folder and port, the crier, the archivist, and a builder while
 * a generation is built. The thread that calls is the supervisor: signals, the control socket, interfaces that went
 * away, indicator files that changed.
 *
 * Reload (SIGHUP, `vigia reload`, a changed indicator file): the configuration is read again and the next generation is
 * built beside the running one, at low priority, then put in its place. What cannot be built leaves the old one in
 * place, and stderr says why. The list of indicators, flood and the journal's bounds change so; every other setting
 * that says something else is named, and holds from the next start on. Who asks by `vigia reload` gets the outcome of
 * the build that began after the request.
 */
#ifndef VIGIA_RUN_DAEMON_H
#define VIGIA_RUN_DAEMON_H

#include "run/options.h"

enum { DAEMON_RELOAD_S = 300 /* that who asks for a reload waits for its outcome */ };

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int daemon_run(const struct options *o);

#endif
