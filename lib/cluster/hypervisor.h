/* The program that starts an enclave on this machine and stands where the Nitro hypervisor stands.
 */
#ifndef TEECTL_CLUSTER_HYPERVISOR_H
#define TEECTL_CLUSTER_HYPERVISOR_H

#include "base/err.h"

#define HYPERVISOR "teectl-hv"

/* Its path: beside this program, else the first on the PATH. Nobody but a group or an owner may
 * have put it there, as it is run with our rights. fails  ERR_NO_INPUT: it is in neither place;
 * ERR_DATA: whoever is on this machine may change it */
MUST_CHECK int hypervisor_find(char **ret, struct err *e);

#endif
