/*
 * daemon: all sensors, all indicators, until it is told to stop. Builds, starts, reloads, stops, and owns what runs.
 *
 * Threads: a listener for each worker, a reader for each folder and port, the crier, the archivist, and a builder while
 * a generation is built. The thread that calls is the supervisor: signals, the control socket, interfaces that went
 * away, indicator files that changed.
 *
 * Reload (SIGHUP, `vigia reload`, a changed indicator file): the configuration is read again and the next generation is
 * built beside the running one, at low priority, then put in its place. What cannot be built leaves the old one in
 * place, and stderr says why. Only indicators change so; every other setting needs a restart.
 */
#ifndef VIGIA_RUN_DAEMON_H
#define VIGIA_RUN_DAEMON_H

#include "run/options.h"

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int daemon_run(const struct options *o);

#endif
