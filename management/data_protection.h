/* SPDX-License-Identifier: Apache-2.0
 *
 * management/data_protection - values that are protected from end to end, whoever carries them
 * (class 30 of IEC 62056-6-2, version 0): a client that may not know what it forwards reads, writes
 * and calls for somebody else.
 *
 * Values are protected in layers, in the order of the protection parameters: at most one that
 * ciphers and one that signs. Keys, suite and counters of the meter are those of the first
 * Security setup. What a layer makes is an octet-string:
 *   authentication, encryption, both    security control, invocation counter, text, tag: what
 *                                       general-ciphering carries behind its key-info
 *   digital signature                   content and signature, each with its length: what
 *                                       general-signing carries behind its fields
 * The fields of these APDUs stand in the parameters; they are authenticated, or signed, as there, with
 * an empty date-time. Attributes are protected as one structure of their values, parameters of a
 * method and what it returns as they are; null-data if there are none.
 *
 * Whoever may call this object may do by it what he may do without it: rights of the role hold, and
 * what a guard demands of requests and answers, layers must give. required_protection has the bits of a security
 * policy. The object itself, associations and Security setups are not reached by it.
 *
 * The meter protects with what was asked for, from itself to the other of both titles: wrapped and
 * one-pass keys it makes anew and returns in the parameters, so protection_parameters_get may name
 * only keys that need no telling, and must have all fields. What was opened has used its counter up, for
 * good: 0.0.43.1.5 has the last one of all originators, 0.0.128.11.0 the last transaction-id of a
 * signature alone, which must rise as a number of eight octets.
 *
 * An optional part, as management/parameter_monitor: a meter without it answers that the object is
 * unavailable. Memory: twice WK_DATA_PROTECTION_ROOM octets. */
#ifndef WK_MANAGEMENT_DATA_PROTECTION_H
#define WK_MANAGEMENT_DATA_PROTECTION_H

#include "cosem/envelope.h"
#include "management/objects.h"
#include "port/hal.h"

#define WK_DATA_PROTECTION_LIST   8    /* attributes of a list */
#define WK_DATA_PROTECTION_VALUES 1024 /* octets of values that are protected at once */
#define WK_DATA_PROTECTION_ROOM                                                                \
    (WK_DATA_PROTECTION_VALUES + WK_CIPHER_RESERVE + WK_CIPHER_TAG + WK_ENVELOPE_CIPHERING +   \
     WK_ENVELOPE_SIGNING)

/* All members are private; initialised by wk_data_protection_init. */
struct wk_data_protection {
    const struct wk_object_class *objects;
    const struct wk_hal_crypto *crypto;
    uint8_t room[2][WK_DATA_PROTECTION_ROOM];
};

/** `crypto` must outlive it, and be that of the sessions. */
void wk_data_protection_init(struct wk_data_protection *protection,
                             const struct wk_hal_crypto *crypto);

#endif
