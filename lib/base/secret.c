#include "base/secret.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* 2048 blocks of 32 bytes: a genesis of 255 members holds 255 shares in blocks of 64 and the
 * coefficients in one of 8 KiB; private keys take a few hundred bytes each. */
#define ARENA_SIZE  65536
#define ARENA_BLOCK 32

/* Which kinds of mappings a core file has, a bit each (core(5)). */
#define CORE_FILTER      "/proc/self/coredump_filter"
#define CORE_ELF_HEADERS 0x10

int secret_arena_open(bool *ret_locked, struct err *e)
{
	static bool locked;

	/* Else libcrypto opens openssl.cnf, which may name engines and providers, at its first use.
	 */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return err_set(e, ERR_INTERNAL, "libcrypto does not start");
	if (!CRYPTO_secure_malloc_initialized()) {
		int made = CRYPTO_secure_malloc_init(ARENA_SIZE, ARENA_BLOCK);

		if (made == 0)
			return err_set(e, ERR_INTERNAL, "no memory for the arena of secrets");
		locked = made == 1; /* 2: mapped, not locked (RLIMIT_MEMLOCK) */
	}
	*ret_locked = locked;
	return 0;
}

int secret_empty_cores(struct err *e)
{
	AUTO(fd) int fd = open(CORE_FILTER, O_WRONLY | O_CLOEXEC);
	char text[16];

	if (fd < 0)
		return err_sys(e, ERR_INTERNAL, errno, CORE_FILTER);
	snprintf(text, sizeof(text), "%#x", CORE_ELF_HEADERS);
	return fd_write(fd, CORE_FILTER, view_text(text), e);
}

bool secret_cores_are_empty(void)
{
	AUTO(buf) struct buf text = BUF_INIT(64);
	char empty[16];
	struct err why;

	snprintf(empty, sizeof(empty), "%08x\n", CORE_ELF_HEADERS); /* as the kernel writes it */
	return file_read_regular(CORE_FILTER, &text, &why) == 0 &&
	       strcmp(buf_text(&text), empty) == 0;
}

#define XMM_REGISTERS                                                                              \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",   \
	    "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* The asm says which registers it changes, and the compiler may take nothing of this function for
 * granted: GCC (-fipa-ra) would else let a caller in this file keep values in those that it does
 * not name. zmm16 to 31 are what libc's functions for AVX-512 take, so as to need no vzeroupper.
 */
#if __has_attribute(noipa)
__attribute__((noipa))
#else
__attribute__((noinline))
#endif
void secret_forget_registers(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
		                 "vpxord %%zmm\\n, %%zmm\\n, %%zmm\\n\n\t"
		                 ".endr" ::
		                     : "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" ::: "memory", XMM_REGISTERS);
	else
		__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		                 "pxor %%xmm\\n, %%xmm\\n\n\t"
		                 ".endr" ::
		                     : "memory", XMM_REGISTERS);
#elif defined(__aarch64__)
	/* Of 8 to 15 the low halves are the caller's: the compiler puts them back. */
	__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,"
	                 "25,26,27,28,29,30,31\n\t"
	                 "movi v\\n\\().2d, #0\n\t"
	                 ".endr" ::
	                     : "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
	                       "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
	                       "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
	                       "v30", "v31");
#endif
}

int secret_alloc(size_t len, struct secret *ret, struct err *e)
{
	uint8_t *data = OPENSSL_secure_zalloc(len ? len : 1);

	/* Without the arena OpenSSL hands out ordinary memory in silence. */
	if (!data || !CRYPTO_secure_allocated(data)) {
		OPENSSL_free(data);
		return err_set(e, ERR_INTERNAL, "no locked memory for a %zu-byte secret", len);
	}
	*ret = (struct secret){ data, len };
	return 0;
}

int secret_copy(struct view bytes, struct secret *ret, struct err *e)
{
	TRY(secret_alloc(bytes.len, ret, e));
	if (bytes.len)
		memcpy(ret->data, bytes.data, bytes.len);
	secret_forget_registers();
	return 0;
}

void secret_drop(struct secret *s)
{
	if (s->data)
		OPENSSL_secure_clear_free(s->data, s->len ? s->len : 1);
	*s = (struct secret){ 0 };
	secret_forget_registers();
}

struct view secret_view(const struct secret *s)
{
	return (struct view){ s->data, s->len };
}

bool secret_equal(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}
