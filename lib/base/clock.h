/* The clocks. Functions that judge time take it as an argument; main reads it here. */
#ifndef TEECTL_BASE_CLOCK_H
#define TEECTL_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
/* Goes on while the machine is suspended, which the monotonic clock does not. */
int64_t clock_since_boot_ms(void);
int64_t clock_unix_ms(void);

#endif
