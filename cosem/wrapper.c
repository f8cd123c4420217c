/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/wrapper.h"

#include <stdbool.h>
#include <string.h>

void wk_wrapper_put(struct wk_bytes_out *out, const struct wk_wrapper *head)
{
    wk_bytes_out_u16be(out, WK_WRAPPER_VERSION);
    wk_bytes_out_u16be(out, head->source);
    wk_bytes_out_u16be(out, head->destination);
    wk_bytes_out_u16be(out, head->length);
}

void wk_wrapper_read(struct wk_bytes_in *in, struct wk_wrapper *head)
{
    const uint16_t version = wk_bytes_in_u16be(in);
    head->source = wk_bytes_in_u16be(in);
    head->destination = wk_bytes_in_u16be(in);
    head->length = wk_bytes_in_u16be(in);
    if (in->fault == WK_OK && (version != WK_WRAPPER_VERSION || head->length == 0)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

void wk_wrapper_split_init(struct wk_wrapper_split *split, uint8_t *data, size_t room)
{
    *split = (struct wk_wrapper_split){.data = data, .room = room};
}

uint8_t *wk_wrapper_split_space(struct wk_wrapper_split *split, size_t *size)
{
    if (split->first > 0) {
        memmove(split->data, split->data + split->first, split->last - split->first);
        split->last -= split->first;
        split->first = 0;
    }
    *size = split->room - split->last;
    return split->data + split->last;
}

wk_err wk_wrapper_split_received(struct wk_wrapper_split *split, size_t size)
{
    if (size > split->room - split->last) {
        return WK_E_ARGUMENT;
    }
    split->last += size;
    return WK_OK;
}

/* Whether the waiting octets from `at` on can begin a frame that fits: as far as they have
 * come, version and length are right. */
static bool can_begin(const struct wk_wrapper_split *split, size_t at)
{
    const uint8_t *octets = split->data + at;
    const size_t size = split->last - at;
    if (octets[0] != 0 || (size > 1 && octets[1] != WK_WRAPPER_VERSION)) {
        return false;
    }
    if (size < WK_WRAPPER_SIZE) {
        return true;
    }
    const size_t length = (size_t)octets[6] << 8 | octets[7];
    return length > 0 && length <= split->room - WK_WRAPPER_SIZE;
}

wk_err wk_wrapper_split_next(struct wk_wrapper_split *split, struct wk_wrapper *head,
                             struct wk_bytes_in *apdu)
{
    const size_t begin = split->first;
    while (split->first < split->last && !can_begin(split, split->first)) {
        split->first++;
    }
    if (split->first != begin) {
        split->dropped += (uint32_t)(split->first - begin);
        return WK_E_FORMAT;
    }
    const size_t waiting = split->last - split->first;
    if (waiting < WK_WRAPPER_SIZE) {
        return WK_E_SHORT;
    }
    struct wk_bytes_in in = wk_bytes_in_of(split->data + split->first, waiting);
    wk_wrapper_read(&in, head);
    const uint8_t *octets = wk_bytes_in_take(&in, head->length);
    if (in.fault != WK_OK) {
        return in.fault;
    }
    *apdu = wk_bytes_in_of(octets, head->length);
    split->first += WK_WRAPPER_SIZE + (size_t)head->length;
    return WK_OK;
}
