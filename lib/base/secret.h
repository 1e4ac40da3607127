/* Secret bytes: locked memory with guard pages, left out of core files, wiped when freed.
 *
 * There is no formatter and no message field for a secret, so that the compiler says no. Its bytes
 * leave only through secret_view: `git grep secret_view` is the list to audit. */
#ifndef TEECTL_BASE_SECRET_H
#define TEECTL_BASE_SECRET_H

#include "base/buf.h"

struct secret {
	uint8_t *data;
	size_t len;
};

/* Opens the arena, and starts libcrypto without any configuration file. First thing in main(),
 * before any other thread. *ret_locked tells whether the kernel granted the lock: without it
 * secrets still stay out of cores, but may be swapped. Safe to call twice. */
MUST_CHECK int secret_arena_open(bool *ret_locked, struct err *e);

/* Empties the core files of this process, and of all that it starts afterwards: OpenSSL's working
 * memory, on the stack and in the heap, has seeds and scalars for moments. What remains is
 * registers, and the list of what was mapped (core(5), coredump_filter). For a program's main(): a
 * library leaves it to its host.
 * fails  ERR_INTERNAL: the kernel does not let it, say since /proc can't be written */
MUST_CHECK int secret_empty_cores(struct err *e);
bool secret_cores_are_empty(void); /* false also where that can't be told */

MUST_CHECK int secret_alloc(size_t len, struct secret *ret, struct err *e); /* zeroes */
MUST_CHECK int secret_copy(struct view bytes, struct secret *ret, struct err *e);
void secret_drop(struct secret *s);
struct view secret_view(const struct secret *s);
bool secret_equal(struct view a, struct view b); /* in time that depends on the lengths alone */

/* Zeroes the vector registers: libc copies and compares through them, nothing else clears them, and
 * a core file has them. secret_copy and secret_drop do it too, and so each function that ends with
 * a secret of its own. On x86-64 and AArch64; elsewhere it does nothing. */
void secret_forget_registers(void);

#endif
