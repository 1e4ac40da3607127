#include "cluster/expect.h"

#include "attest/measure.h"
#include "base/file.h"

/* ret: its values are those of options, which the caller drops after it. */
static int parse_options(const struct cluster *c, bool is_half_enough, char ***options,
                         struct launch *ret, struct err *e)
{
	size_t count = 0;

	TRY(is_half_enough ? cluster_options_known(c, options, e) : cluster_options(c, options, e));
	while ((*options)[count])
		count++;
	return launch_parse(*options, count, ret, e);
}

static int measure_launch(const struct cluster *c, bool is_half_enough, struct pcr *ret,
                          struct err *e)
{
	AUTO(cluster_options) char **options = NULL;
	struct launch launch;

	TRY(parse_options(c, is_half_enough, &options, &launch, e));
	return launch_measure(&launch, ret, e);
}

int cluster_measured_options(const struct cluster *c, struct launch_values *ret, struct err *e)
{
	AUTO(cluster_options) char **options = NULL;
	struct launch launch;

	TRY(parse_options(c, /* is_half_enough= */ false, &options, &launch, e));
	return launch_spell(&launch, ret, e);
}

static int measure_role(const struct cluster *c, struct pcr *ret, struct err *e)
{
	return pcr_measure_name(c->enclave.role ? c->enclave.role : "", ret, e);
}

int cluster_measure(const struct cluster *c, struct pcr_set *ret, struct err *e)
{
	AUTO(fd) int image = -1;
	struct pcr_set set = { 0 };

	if (!c->enclave.image)
		return err_set(e, ERR_CONFIG,
		               "'%s' names no enclave.image to measure, and pins no pcrs", c->path);
	TRY(measure_image(c->enclave.image, &image, &set.values[PCR_IMAGE], e));
	if (measure_runtime(image, &set.values[PCR_RUNTIME], e) < 0)
		return err_wrap(e, "'%s'", c->enclave.image);
	TRY(measure_launch(c, /* is_half_enough= */ false, &set.values[PCR_OPTIONS], e));
	TRY(measure_role(c, &set.values[PCR_ROLE], e));
	*ret = set;
	return 0;
}

/* PCR0..2 */
bool cluster_pins_image(const struct cluster *c)
{
	bool is_pinned = true;

	for (unsigned i = PCR_IMAGE; i <= PCR_OPTIONS; i++)
		is_pinned = is_pinned && c->enclave.pcrs.values[i].len != 0;
	return is_pinned;
}

void cluster_lay_pins(const struct cluster *c, struct pcr_set *set)
{
	for (unsigned i = 0; i < PCR_POLICY_COUNT; i++)
		if (c->enclave.pcrs.values[i].len)
			set->values[i] = c->enclave.pcrs.values[i];
}

int cluster_expect(const struct cluster *c, struct pcr_set *ret, struct err *e)
{
	struct pcr_set set = { 0 };

	/* Where others launch there may be no image here, and none is needed for the role. */
	if (cluster_pins_image(c))
		TRY(measure_role(c, &set.values[PCR_ROLE], e));
	else
		TRY(cluster_measure(c, &set, e));
	cluster_lay_pins(c, &set);
	*ret = set;
	return 0;
}

bool cluster_has_image(const struct cluster *c)
{
	return c->enclave.image && file_is_there(c->enclave.image);
}

int cluster_measure_here(const struct cluster *c, struct pcr_set *ret, struct err *e)
{
	AUTO(fd) int image = -1;
	struct pcr_set set = { 0 };
	struct err ignored;

	if (cluster_has_image(c)) {
		TRY(measure_image(c->enclave.image, &image, &set.values[PCR_IMAGE], e));
		TRY(measure_runtime(image, &set.values[PCR_RUNTIME], e));
		/* Not every member's key need be here, which the options name. */
		if (measure_launch(c, /* is_half_enough= */ true, &set.values[PCR_OPTIONS],
		                   &ignored) < 0)
			set.values[PCR_OPTIONS] = (struct pcr){ 0 };
	}
	TRY(measure_role(c, &set.values[PCR_ROLE], e));
	*ret = set;
	return 0;
}
