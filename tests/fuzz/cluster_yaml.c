/* The cluster file's reader: whatever it accepts, `measure --write` can find its way in too. */
#include "cluster/config_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(cluster) struct cluster c = { 0 };
	struct view text = view_new(data, size);
	struct config_spot spot = { 0 };
	struct err e;

	if (cluster_parse("c.yaml", text, &c, &e) < 0)
		return 0;
	if (c.node_count == 0 || c.propagate.source >= c.node_count ||
	    c.quorum.members.threshold > (int64_t)c.quorum.members.count)
		abort();
	if (config_locate_pcrs("c.yaml", text, &spot, &e) == 0 &&
	    (spot.end > size || (spot.has_pcrs && spot.start > spot.end)))
		abort();
	return 0;
}
