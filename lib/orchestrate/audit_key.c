/* What audit.c replays of the key's way: shares that were sent, exports, and the receipts of both
 * sides. */
#include "orchestrate/audit_internal.h"

/* The manifest that a signed statement names. */
static int statement_manifest(const struct audit *a, const struct journal_entry *entry,
                              const struct audit_manifest **ret, struct err *e)
{
	const struct audit_manifest *found =
	    audit_find_manifest(a, buf_view(&entry->line.manifest));

	if (!found)
		return audit_refuse("manifest", "it names a manifest that is not in the journal",
		                    e);
	*ret = found;
	return 0;
}

int audit_replay_share(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	const struct audit_manifest *manifest = NULL;
	const struct member *member;
	struct hash256 setup_key = hash_of_field(&entry->line.setup_key);
	uint8_t message[STATEMENT_LEN];
	struct public_key key;

	TRY(statement_manifest(a, entry, &manifest, e));
	if (!audit_find_boot(a, &setup_key, (struct view){ 0 }))
		return audit_refuse(
		    "setup_key", "the share is for a setup key that no document here attests", e);
	member =
	    member_set_find(&manifest->envelope.manifest.share_set, buf_view(&entry->line.member));
	if (!member)
		return audit_refuse("member", "it is of nobody in the share set", e);
	statement_format(STATEMENT_SHARE_SUBMIT, &manifest->hash, setup_key.bytes,
	                 entry->line.sealed.data, message);
	if (public_key_parse(buf_view(&member->pub_key), &key, e) < 0 ||
	    public_key_verify(&key, VIEW_OF(message), buf_view(&entry->line.signature), e) < 0)
		return audit_refuse("share-submit", "the share is not signed by its member", e);
	return 0;
}

/* Any manifest's: they have one quorum key. */
int audit_replay_export(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	const struct audit_manifest *manifests = a->manifests.items;
	struct hash256 peer = hash_of_field(&entry->line.peer);
	struct hash256 sealed = hash_of_field(&entry->line.sealed);
	const struct audit_document *document = audit_find_document(a, &peer);
	struct audit_export *export;

	if (!document || !document->has_boot)
		return audit_refuse("peer", "no document here attests the TEE that the key is for",
		                    e);
	if (public_key_verify_hash(&manifests[0].quorum_key, &sealed,
	                           buf_view(&entry->line.signature), e) < 0)
		return audit_refuse("export-signature",
		                    "what was exported is not signed by the quorum key", e);
	TRY(wire_list_add(&a->exports, &audit_export_schema, &export, e));
	export->peer = peer;
	export->sealed = sealed;
	export->number = entry->number;
	return wire_set(&export->source, buf_view(&entry->line.node), e);
}

static bool is_own(const struct audit *a, const struct receipt *receipt)
{
	const struct audit_export *exports = a->exports.items;

	if (receipt->kind == RECEIPT_EXPORT)
		return audit_find_document(a, &receipt->subject) != NULL;
	for (size_t i = 0; receipt->kind == RECEIPT_INJECT && i < a->exports.count; i++)
		if (hash_equal(&exports[i].sealed, &receipt->subject))
			return true;
	return receipt->kind != RECEIPT_INJECT;
}

static int keep_receipt(struct audit *a, const struct receipt *receipt,
                        const struct audit_boot *boot, bool is_verified, struct err *e)
{
	struct audit_receipt *kept;

	TRY(wire_list_add(&a->receipts, &audit_receipt_schema, &kept, e));
	*kept = (struct audit_receipt){ .receipt = *receipt,
		                        .boot = audit_boot_index(a, boot),
		                        .is_verified = is_verified };
	a->counts.unverified_receipts += !is_verified;
	a->counts.foreign += !is_own(a, receipt);
	return 0;
}

/* Signed by the quorum key, and the next of its boot. */
static int check_receipt(const struct audit_manifest *manifest, const struct journal_entry *entry,
                         struct audit_boot *boot, struct err *e)
{
	struct hash256 previous = hash_of_field(&entry->line.previous);
	struct receipt receipt;
	struct hash256 message;

	TRY(receipt_verify(buf_view(&entry->line.body), buf_view(&entry->line.signature),
	                   &manifest->hash, &previous, &manifest->quorum_key, &receipt, &message,
	                   e));
	if (receipt.sequence != boot->receipt_count || !hash_equal(&previous, &boot->message))
		return err_reason(e, ERR_REFUSED, "receipt",
		                  "receipt %llu of this boot, expected %llu: one is missing, or "
		                  "stands twice",
		                  (unsigned long long)receipt.sequence,
		                  (unsigned long long)boot->receipt_count);
	if (boot->module_id.len && !hash_equal(&boot->manifest, &manifest->hash))
		return audit_refuse("receipt", "the TEE's documents commit to another manifest", e);
	boot->receipt_count++;
	boot->message = message;
	return 0;
}

int audit_replay_receipt(struct audit *a, const struct journal_entry *entry, struct err *e)
{
	const struct audit_manifest *manifest = NULL;
	struct audit_boot *boot;
	struct receipt receipt;

	TRY(statement_manifest(a, entry, &manifest, e));
	TRY(receipt_parse(buf_view(&entry->line.body), &receipt, e));
	TRY(audit_meet_boot(a, entry, &receipt.setup_key, (struct view){ 0 }, &boot, e));
	if (entry->line.previous.len)
		TRY(check_receipt(manifest, entry, boot, e));
	return keep_receipt(a, &receipt, boot, entry->line.previous.len > 0, e);
}
