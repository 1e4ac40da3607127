/* The life of one enclave, seen from outside: answers its NSM requests, passes signals on to it,
 * renews its certificate, and ends when it ends. One thread, driven by events. */
#ifndef TEECTL_HV_SERVE_H
#define TEECTL_HV_SERVE_H

#include "hv/machine.h"
#include "hv/start.h"

/* Blocks the signals that are passed on, from before the start of the enclave; -> a signalfd. */
MUST_CHECK int serve_signals(int *ret_fd, struct err *e);
/* pki          where the next leaf comes from
 * *ret_status  the enclave's exit status, 128 + n when signal n ended it */
MUST_CHECK int serve(struct machine *machine, const struct enclave *enclave, int signals,
                     const struct pki_place *pki, int *ret_status, struct err *e);

#endif
