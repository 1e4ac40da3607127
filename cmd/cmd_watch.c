#include "base/clock.h"
#include "base/text.h"
#include "metrics_server.h"
#include "orchestrate/distance.h"
#include "orchestrate/watch.h"
#include "print.h"
#include "report.h"
#include "session.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct watch_args {
	bool once;
	int topology;
	const char *metrics;
};

static const struct opt opts[] = {
	{ .name = "once",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct watch_args, once),
	  .doc = "one round, for cron; the status says how the cluster stands" },
	{ .name = "metrics",
	  .kind = OPT_TEXT,
	  .metavar = "HOST:PORT",
	  .offset = offsetof(struct watch_args, metrics),
	  .doc = "serve Prometheus's metrics there; default: the cluster file's watch.metrics" },
	OPT_TOPOLOGY(watch_args),
};

/* A line of -o ndjson. */
struct watch_line {
	struct buf time, node, step, text, next;
	int event;
	bool has_node, has_step, has_elapsed, has_distance;
	int64_t elapsed_ms, ready_count, node_count, distance_to_ceremony;
};
static const struct wire_field watch_line_fields[] = {
	JSON_TEXT(watch_line, time),
	JSON_WORD(watch_line, event, watch_event_names),
	JSON_MAYBE(watch_line, node, struct buf, has_node, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_MAYBE(watch_line, step, struct buf, has_step, .kind = WIRE_TEXT, .max = WIRE_TEXT_MAX),
	JSON_TEXT(watch_line, text),
	JSON_TEXT(watch_line, next),
	JSON_MAYBE(watch_line, elapsed_ms, int64_t, has_elapsed, .kind = WIRE_NUMBER, .min = 0,
	           .max = INT64_MAX),
	JSON_NUMBER(watch_line, ready_count),
	JSON_NUMBER(watch_line, node_count),
	JSON_MAYBE(watch_line, distance_to_ceremony, int64_t, has_distance, .kind = WIRE_NUMBER,
	           .min = -1, .max = INT64_MAX),
};
static const struct wire_schema watch_line_schema = JSON_SCHEMA(watch_line, watch_line_fields);
WIRE_DROP(watch_line);

/* What the callbacks need. */
struct watching {
	struct context *c;
	struct metrics_server *server;
	bool is_once;
	int signal;         /* the last that came; 0: none */
	struct err failure; /* the first of telling; text empty: none */
};

static int fill_line(const struct watch_event *event, struct watch_line *line, struct err *e)
{
	char now[TIME_TEXT_LEN];

	time_format(clock_unix_ms(), now);
	TRY(wire_set_text(&line->time, now, e));
	line->event = (int)event->kind;
	line->has_node = event->node != NULL;
	line->has_step = event->step != NULL;
	line->has_elapsed = event->elapsed_us > 0;
	line->elapsed_ms = (event->elapsed_us + 500) / 1000;
	line->ready_count = event->report->ready_count;
	line->node_count = event->report->node_count;
	line->has_distance = event->report->has_distance;
	line->distance_to_ceremony = event->report->distance;
	if (event->node)
		TRY(wire_set_text(&line->node, event->node, e));
	if (event->step)
		TRY(wire_set_text(&line->step, event->step, e));
	TRY(wire_set_text(&line->next, event->next ? event->next : "", e));
	return wire_set_text(&line->text, event->text, e);
}

static void print_event(struct context *c, const struct watch_event *event)
{
	static const char *const words[] = {
		[WATCH_NODE] = "",
		[WATCH_QUARANTINED] = "quarantined: ",
		[WATCH_RELEASED] = "no longer quarantined: ",
		[WATCH_DONE] = "",
		[WATCH_FAILED] = "failed: ",
		[WATCH_CRASH_LOOP] = "crash loop: ",
		[WATCH_CLUSTER] = "",
		[WATCH_WARNING] = "warning: ",
		[WATCH_PEOPLE] = "people are needed: ",
		[WATCH_NOBODY] = "",
		[WATCH_BUSY] = "nothing is healed: ",
		[WATCH_LEADER] = "this watcher ",
		[WATCH_FILE] = "",
	};
	const char *told = event->brief ? event->brief : event->text;
	char text[PROGRESS_LINE_MAX], took[32] = "", now[TIME_TEXT_LEN];

	snprintf(text, sizeof(text), "%s",
	         event->node ? session_without_node(told, event->node) : told);
	if (event->elapsed_us)
		snprintf(took, sizeof(took), " (%lld ms)",
		         (long long)(event->elapsed_us + 500) / 1000);
	time_format(clock_unix_ms(), now);
	print_line(c, "%s %s%s%s%s%s%s%s", now, event->node ? event->node : "",
	           event->node ? ": " : "", event->step ? event->step : "",
	           event->step ? event->kind == WATCH_FAILED ? " " : ": " : "", words[event->kind],
	           text, took);
	if (event->next && event->next[0])
		print_line(c, "%s next: %s", now, event->next);
	fflush(stdout); /* a line is news */
}

static void on_event(void *context, const struct watch_event *event)
{
	struct watching *w = context;
	AUTO(watch_line) struct watch_line line = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(PROGRESS_LINE_MAX);
	struct watch_event own = *event;
	struct err e;

	/* The library suggests verbs; what is printed are commands. */
	if (context_commands(w->c, event->text, &text, &e) == 0)
		own.text = buf_text(&text);
	if (w->is_once && event->next && event->next[0])
		context_hint(w->c, "%s", event->next);
	print_event(w->c, &own); /* its brief form has no command */
	if ((fill_line(&own, &line, &e) < 0 ||
	     print_json(w->c, &watch_line_schema, &line, &e) < 0) &&
	    !w->failure.text[0])
		w->failure = e;
}

static void on_round(void *context, const struct watch *watch)
{
	struct watching *w = context;
	AUTO(buf) struct buf text = BUF_INIT(METRICS_MAX);
	struct err e;

	if (w->server && (watch_metrics_format(watch, TEECTL_VERSION, &text, &e) < 0 ||
	                  metrics_server_publish(w->server, buf_view(&text), &e) < 0))
		context_say(w->c, "metrics: %s", e.text);
}

static bool on_interrupt(void *context)
{
	struct watching *w = context;
	struct signalfd_siginfo info;

	while (read(w->c->interrupt_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		w->signal = (int)info.ssi_signo;
	return false; /* the run itself counts */
}

static int start_server(struct watching *w, const struct watch_args *args, struct err *e)
{
	const char *address = args->metrics ? args->metrics : w->c->cluster.watch.metrics;
	unsigned port;

	if (!address)
		return 0;
	if (metrics_server_start(address, &w->server, &port, e) < 0) {
		if (e->code == ERR_UNREACHABLE)
			context_hint(w->c,
			             "end what listens there, or name another port: --metrics "
			             "HOST:PORT, or watch.metrics of the cluster file");
		return -1;
	}
	context_say(w->c, "metrics: http://%.*s:%u/metrics", (int)(strrchr(address, ':') - address),
	            address, port);
	return 0;
}

static struct watch_options options_of(struct watching *w, const struct watch_args *args)
{
	struct watch_options options = {
		.run = session_options(w->c, /* to_change= */ false, NULL),
		.topology = session_topology(w->c, args->topology),
		.is_file_topology = args->topology < 0,
		.is_once = args->once,
		.on_event = on_event,
		.on_round = on_round,
		.context = w,
	};

	options.run.on_interrupt = on_interrupt;
	options.run.interrupt_context = w;
	return options;
}

static void watching_drop(struct watching *w)
{
	metrics_server_drop(&w->server);
}

static int run(struct context *c, const void *arguments, struct err *e)
{
	const struct watch_args *args = arguments;
	AUTO(watching) struct watching w = { .c = c, .is_once = args->once };
	struct watch_options options;

	if (c->global.output == OUTPUT_JSON)
		return err_set(e, ERR_USAGE, "a watch has no end, so it takes -o ndjson, not json");
	options = options_of(&w, args);
	TRY(start_server(&w, args, e));
	if (watch_run(&c->cluster, &options, e) < 0) {
		if (strcmp(e->reason, "etcd") == 0)
			context_hint(c, "teectl preflight says which member of etcd answers");
		return -1;
	}
	if (w.failure.text[0]) {
		*e = w.failure;
		return -1;
	}
	/* Who stops a service wants it stopped, and it did well. */
	if (w.signal == SIGINT)
		return err_set(e, ERR_INTERRUPTED, "interrupted; what was under way is finished");
	if (w.signal)
		context_say(c, "stopped by %s; nothing is under way",
		            w.signal == SIGTERM ? "SIGTERM" : strsignal(w.signal));
	return 0;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.summary = "keep the cluster as the file says",
	.details =
	    "Asks every node for its status each watch.interval, attests those that changed at "
	    "once and all of them each watch.reattest, and heals what needs no people: a node of "
	    "this machine that ended is launched again, a TEE that was restarted or replaced gets "
	    "the key forwarded from a ready one, one in UnrecoverableError that runs here is "
	    "stopped and started when another holds the key. A node that is launched again and "
	    "again waits longer each time, up to five minutes.\n\n"
	    "It never does a genesis, a boot or a share: what people have to do it names, with the "
	    "command. A TEE whose document does not verify is quarantined: nothing is forwarded "
	    "from or to it until it verifies again; one that does not prove the key that it says it "
	    "has is counted for nothing. At each change it says how many losses are "
	    "left until people are needed, and warns when fewer than keepReady TEEs hold the key. "
	    "A line a change, with its time; with -o ndjson an object.\n\n"
	    "It holds the state's lock only while it heals, so that other verbs run beside it: while "
	    "one of them does, it says which, heals nothing, and calls for nobody. "
	    "Where the cluster file names etcd (state.etcd), several may watch: one leads and heals, "
	    "the others look and take its place when its lease ends. Genesis, manifests and "
	    "encrypted shares are kept there too: the verbs that change them give them to etcd at "
	    "their end, and a watch both ways. What comes from etcd is judged as a run judges its "
	    "own state before anything of it is kept, and overwrites nothing.\n\n"
	    "Two watchers on one machine are the same command twice, with one state folder. On "
	    "several machines each has a state folder of its own, and a cluster file that names "
	    "every node by its `url`, the root by a copy of it (attestation: root: FILE), and the "
	    "same etcd. A watcher that could heal nothing, since its nodes were launched from "
	    "another state folder or it has no root to judge by, says so and does not lead.\n\n"
	    "Before each round it looks whether the cluster file or the current manifest has "
	    "changed, and says when it takes the new one over, with the nodes that are new and those "
	    "that are no longer in it; a file is taken over once it is the same at two looks. A file that can't be read, or "
	    "that is not fit for the manifest, since its pins or its image are those of the next "
	    "one, say, is told once, and the one before stays in force until it is: from teectl "
	    "manifest adopt it goes by the new ones, and TEEs of the manifest before are judged "
	    "by theirs until teectl upgrade has replaced them. Another name, state folder, etcd "
	    "or watch.metrics takes a new start.\n\n"
	    "SIGTERM ends it with status 0, Ctrl-C with 130, both once what is under way is "
	    "finished. With --once it does one round, and its status says how the cluster stands: "
	    "3 where members are waited for, because shares are missing or the key is lost. "
	    "--timeout is that of one heal. --metrics serves GET /metrics and /healthz, without "
	    "TLS, to who asks for an address or localhost: for this machine, or behind a proxy; "
	    "configs/alerts.yaml has rules for it.",
	.examples = { { "teectl watch --metrics 127.0.0.1:9464", "as a service" },
	              { "teectl watch --once", "from cron" },
	              { "teectl watch -o ndjson | jq -r 'select(.event == \"warning\").text'",
	                "what somebody should look at" } },
	.exits = { 2, 3, 4, 5, 69, 77 },
	.needs = NEEDS_RUN,
	.timeout_ms = 120000,
	.opts = opts,
	.opt_count = COUNT(opts),
	.args_size = sizeof(struct watch_args),
	.run = run,
};
