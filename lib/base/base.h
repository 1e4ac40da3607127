/* The few words that every file of teectl is written with. */
#ifndef TEECTL_BASE_BASE_H
#define TEECTL_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

/* AUTO(buf) struct buf b = BUF_INIT(64);  calls buf_drop(&b) when b leaves scope. */
#define AUTO(type) __attribute__((cleanup(type##_drop)))

/* MOVE(x) yields x and leaves zeroes behind: ownership goes to whoever reads it.
 * For pointers and owning structs; file descriptors have MOVE_FD, since 0 is stdin. */
#define MOVE(x)                                                                                    \
	({                                                                                         \
		__typeof__(x) moved_ = (x);                                                        \
		(x) = (__typeof__(x)){ 0 };                                                        \
		moved_;                                                                            \
	})

#define MOVE_FD(x)                                                                                 \
	({                                                                                         \
		int moved_ = (x);                                                                  \
		(x) = -1;                                                                          \
		moved_;                                                                            \
	})

/* Hides a return, which is safe because whatever a function owns is AUTO. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			return -1;                                                                 \
	} while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
