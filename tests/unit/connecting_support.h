/* A node that is refused between its connection's beginning and its end: what asks then must not
 * leave. Of one program, once. */
#ifndef TEECTL_TESTS_CONNECTING_SUPPORT_H
#define TEECTL_TESTS_CONNECTING_SUPPORT_H

#include "tee_support.h"

#include "client/transfer.h"

#include <dlfcn.h>

/* What happens as the operation is on its way to be connected; NULL: nothing. */
static struct plot *connecting;

/* In place of libcurl's. */
CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	CURLMcode (*real)(CURLM *, CURL *), result;
	struct transfer *t = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_add_handle");
	result = real(multi, easy);
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
	if (connecting && t)
		contest_now(connecting, t->row->name, /* is_retry= */ false);
	return result;
}

#endif
