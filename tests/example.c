/* The ten lines that libteectl is for: brings a cluster from nothing to a proven key. */
#include "teectl.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct teectl_error e;
	struct teectl *cluster = teectl_open(argc > 1 ? argv[1] : "cluster.yaml", &e);

	if (!cluster || teectl_up(cluster, &e) < 0 || teectl_genesis(cluster, &e) < 0 ||
	    teectl_inject(cluster, &e) < 0 || teectl_propagate(cluster, &e) < 0 ||
	    teectl_verify(cluster, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		teectl_close(cluster);
		return e.status;
	}
	puts("every enclave holds the quorum key");
	teectl_close(cluster);
	return 0;
}
