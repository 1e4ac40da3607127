/* The one error idiom: a struct on the caller's stack, written exactly when -1 is returned.
 *
 * A function that can fail returns 0 or -1, is MUST_CHECK and takes struct err *e last. Its outputs
 * are untouched when it fails. e is never NULL. Nothing here allocates. */
#ifndef TEECTL_BASE_ERR_H
#define TEECTL_BASE_ERR_H

#include "base/base.h"

/* id, name (stable: scripts read it), code on the wire (contract.md), HTTP status, exit status
 * (design.md), whether the same question would meet it again, and the words that a person sees
 * first.
 *
 * Two rows share a wire code where the contract gives one number two sentences. The rows from
 * ERR_NOT_FOUND on have the HTTP status as their code. Wire code 0: never leaves the program. */
#define ERR_LIST(X)                                                                                \
	X(ERR_INTERNAL, "internal", 0, 500, 1, false, "Internal fault")                            \
	X(ERR_NOT_DESIRED, "not-desired", 0, 500, 2, false, "Not in the desired state")            \
	X(ERR_WAITING, "waiting", 0, 500, 3, false, "Waiting for people")                          \
	X(ERR_PARTIAL, "partial", 0, 500, 4, false, "Some nodes done, some not")                   \
	X(ERR_REFUSED, "refused", 0, 500, 5, true, "Attestation or policy refused")                \
	X(ERR_USAGE, "usage", 0, 500, 64, false, "Usage")                                          \
	X(ERR_DATA, "data", 0, 500, 65, true, "Bad input data")                                    \
	X(ERR_NO_INPUT, "no-input", 0, 500, 66, true, "Input file missing")                        \
	X(ERR_UNREACHABLE, "unreachable", 0, 500, 69, false, "Unreachable")                        \
	X(ERR_TRY_AGAIN, "try-again", 0, 500, 75, false, "Timed out or locked")                    \
	X(ERR_CONFIG, "config", 0, 500, 78, true, "Cluster file invalid")                          \
	X(ERR_INTERRUPTED, "interrupted", 0, 500, 130, false, "Interrupted")                       \
	X(ERR_REQUEST, "request", 1000, 400, 65, true, "Invalid request")                          \
	X(ERR_NO_MANIFEST, "no-manifest", 1001, 409, 2, false, "Manifest envelope not found")      \
	X(ERR_NAMESPACE, "namespace", 1001, 400, 2, false, "Invalid namespace")                    \
	X(ERR_THRESHOLD, "threshold", 1002, 400, 65, true, "Invalid threshold")                    \
	X(ERR_MANIFEST, "manifest", 1002, 400, 65, true, "Invalid manifest")                       \
	X(ERR_SHARE, "share", 1003, 400, 65, true, "Share rejected")                               \
	X(ERR_RECONSTRUCTION, "reconstruction", 1004, 400, 65, true, "Key reconstruction failed")  \
	X(ERR_ATTESTATION, "attestation", 1005, 403, 5, true,                                      \
	  "Attestation document verification failed")                                              \
	X(ERR_PHASE, "phase", 1006, 409, 2, false, "Invalid state transition")                     \
	X(ERR_INJECTION, "injection", 1007, 400, 5, true, "Key injection failed")                  \
	X(ERR_APPROVAL, "approval", 1008, 403, 5, true, "Manifest not approved")                   \
	X(ERR_RATE, "rate", 1009, 429, 75, false, "Too many requests")                             \
	X(ERR_ENCLAVE, "enclave", 1010, 500, 69, false, "Internal error")                          \
	X(ERR_ACCESS, "access", 1011, 403, 77, true, "Access denied")                              \
	X(ERR_ORIGIN, "origin", 403, 403, 77, true, "Origin refused")                              \
	X(ERR_NOT_FOUND, "not-found", 404, 404, 69, false, "Not found")                            \
	X(ERR_METHOD, "method", 405, 405, 69, false, "Method not allowed")                         \
	X(ERR_LENGTH_REQUIRED, "length-required", 411, 411, 65, true, "Length required")           \
	X(ERR_TOO_LARGE, "too-large", 413, 413, 65, true, "Body too large")                        \
	X(ERR_MEDIA_TYPE, "media-type", 415, 415, 65, true, "Unsupported media type")              \
	X(ERR_MISDIRECTED, "misdirected", 421, 421, 69, false, "Misdirected request")              \
	X(ERR_HEADERS_TOO_LARGE, "headers-too-large", 431, 431, 65, true,                          \
	  "Header block too large")                                                                \
	X(ERR_UNAVAILABLE, "unavailable", 503, 503, 75, false, "Unavailable")

enum err_code {
#define X(id, name, wire, http, exit_status, is_final, words) id,
	ERR_LIST(X)
#undef X
	    ERR_COUNT
};

struct err_info {
	const char *name;
	int wire;
	int http;
	int exit_status;
	bool is_final;
	const char *words;
};

#define ERR_TEXT_MAX   480
#define ERR_REASON_MAX 48

struct err {
	enum err_code code;
	char reason[ERR_REASON_MAX]; /* which check, for machines: "chain:time@4", "pcr0"; or empty
	                              */
	const char *mark;            /* err_mark; or NULL */
	char text[ERR_TEXT_MAX];     /* "outer: inner: cause"; never a secret, never a newline */
};

/* Each returns -1, so that a caller can write: return err_set(e, ...). */
int err_set(struct err *e, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
int err_reason(struct err *e, enum err_code code, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Reasons of err_sys, where the machine is at fault and can be told so: rights, and room. */
#define ERR_PERMISSION "permission"
#define ERR_SPACE      "space"
/* Appends strerror(errnum). errnum is errno as the line after the failed call saw it. */
int err_sys(struct err *e, enum err_code code, int errnum, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Puts "context: " in front of the text; code, reason and mark stay. */
int err_wrap(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* What callers tell apart where failures have one reason: it is in no output, so that words may
 * change. mark: a constant of the module that sets it */
int err_mark(const char *mark, struct err *e);
bool err_has_mark(const struct err *failure, const char *mark);

const struct err_info *err_info(enum err_code code);

/* The code that an enclave's error body stands for. Two rows share 1001 and 1002: the words that
 * text begins with decide, else the first row. ERR_UNREACHABLE for a number nobody knows. */
enum err_code err_from_wire(int wire, const char *text);

/* Of several outcomes the one that decides the exit status (5, 77, 3, 4, 75, then the rest). */
enum err_code err_worse(enum err_code a, enum err_code b);

#endif
