/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/explain_part - what the files of room explain say to each other.
 *
 * Readers take from a cursor and tell the sink what they took; after a fault they tell nothing
 * more, and wk_explain_finish tells the fault. */
#ifndef WK_COSEM_EXPLAIN_PART_H
#define WK_COSEM_EXPLAIN_PART_H

#include "cosem/explain.h"

typedef const char *wk_explain_names(uint32_t number);

/* ---- explain_data.c ---------------------------------------------------------------------- */

void wk_explain_put(struct wk_explain *explain, const struct wk_explain_item *item);
void wk_explain_open(struct wk_explain *explain, const struct wk_bytes_in *in, const char *name,
                     int64_t count);
void wk_explain_close(struct wk_explain *explain);
void wk_explain_note(struct wk_explain *explain, const char *name, const char *meaning);
/** `octets` at `offset` are wrong because of `why`. */
void wk_explain_fault(struct wk_explain *explain, size_t offset, const char *why,
                      struct wk_bytes_in octets);
/** Tells the fault of `in`, or what is left over. */
void wk_explain_finish(struct wk_explain *explain, struct wk_bytes_in *in);

uint32_t wk_explain_u8(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                       wk_explain_names *names);
uint32_t wk_explain_u16(struct wk_explain *explain, struct wk_bytes_in *in, const char *name,
                        wk_explain_names *names);
uint32_t wk_explain_u32(struct wk_explain *explain, struct wk_bytes_in *in, const char *name);
/** `size` octets as they are. */
struct wk_bytes_in wk_explain_octets(struct wk_explain *explain, struct wk_bytes_in *in,
                                     const char *name, size_t size);
/** A length, and that many octets; twelve of them may be a date-time. */
struct wk_bytes_in wk_explain_string(struct wk_explain *explain, struct wk_bytes_in *in,
                                     const char *name);
void wk_explain_obis(struct wk_explain *explain, struct wk_bytes_in *in, const char *name);
/** One value of "Data", whole. */
void wk_explain_data(struct wk_explain *explain, struct wk_bytes_in *in, const char *name);

/* ---- explain_apdu.c, explain_access.c, explain_acse.c, explain_cipher.c -------------------- */

/** Each explains what follows the tag. False: a tag that is not theirs. */
bool wk_explain_service(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag);
bool wk_explain_notice(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag);
bool wk_explain_acse(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag);
bool wk_explain_protected(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag,
                          int layer);

/** Class, name and attribute or method. */
void wk_explain_target(struct wk_explain *explain, struct wk_bytes_in *in, const char *id);

/* ---- explain_names.c ----------------------------------------------------------------------- */

wk_explain_names wk_explain_result_name;
wk_explain_names wk_explain_state_error_name;
wk_explain_names wk_explain_service_error_name;
wk_explain_names wk_explain_confirmed_name;
wk_explain_names wk_explain_initiate_error_name;
wk_explain_names wk_explain_access_name;
wk_explain_names wk_explain_choice_name; /* of a result: 0 data, 1 data-access-result */
wk_explain_names wk_explain_type_name;   /* of "Data" */
wk_explain_names wk_explain_context_name;
wk_explain_names wk_explain_mechanism_name;
wk_explain_names wk_explain_association_name;
wk_explain_names wk_explain_diagnostic_name;
wk_explain_names wk_explain_release_name;
wk_explain_names wk_explain_frame_name; /* of wk_hdlc_control */
wk_explain_names wk_explain_sap_name;
wk_explain_names wk_explain_key_name; /* of wk_envelope_key_kind */

#endif
