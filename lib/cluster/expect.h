/* What the cluster file's enclaves must measure: PCR0..3 before any of them runs. */
#ifndef TEECTL_CLUSTER_EXPECT_H
#define TEECTL_CLUSTER_EXPECT_H

#include "cluster/config.h"
#include "proto/launch.h"

/* Measures image, runtime, launch options and role as the hypervisor will.
 * fails  ERR_CONFIG: the file names no image; ERR_NO_INPUT: there is none */
MUST_CHECK int cluster_measure(const struct cluster *c, struct pcr_set *ret, struct err *e);

/* What PCR2 measures of the options that `up` passes. ret: zeroed; dropped by the caller. */
MUST_CHECK int cluster_measured_options(const struct cluster *c, struct launch_values *ret,
                                        struct err *e);

/* The pinned values; those that the file does not pin as cluster_measure finds them. PCR3 alone
 * needs no image. */
MUST_CHECK int cluster_expect(const struct cluster *c, struct pcr_set *ret, struct err *e);
/* Is there an image here to measure? */
bool cluster_has_image(const struct cluster *c);
/* What the file would launch measures, whatever it pins, as far as it can be told here: what can't
 * be measured has no length. */
MUST_CHECK int cluster_measure_here(const struct cluster *c, struct pcr_set *ret, struct err *e);
/* Does the file pin all that an image is measured for? */
bool cluster_pins_image(const struct cluster *c);
/* set: what was measured, or zeroed; afterwards what is pinned stands in its place. */
void cluster_lay_pins(const struct cluster *c, struct pcr_set *set);

#endif
