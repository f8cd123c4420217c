/* SPDX-License-Identifier: Apache-2.0
 *
 * management/objects_buffer - class 7 (profile generic) over a log of the store. Buffers are
 * written entry by entry straight from the store, so a range of any length needs no memory. */
#ifndef WK_MANAGEMENT_OBJECTS_BUFFER_H
#define WK_MANAGEMENT_OBJECTS_BUFFER_H

#include "management/objects.h"

struct wk_objects_column {
    uint16_t class_id;
    uint8_t obis[6];
    uint8_t phases;    /* the column exists in meters with at least so many phases */
    uint8_t attribute; /* 0 = 2, the value */
};

struct wk_objects_buffer;

/* Numbers of the oldest entry held and of the next one to come. */
typedef wk_err (*wk_objects_buffer_span)(const struct wk_objects_buffer *buffer,
                                         uint64_t *oldest, uint64_t *next);
/* Entries [*first, *next) hold those of a range of time, `count` in all. */
typedef wk_err (*wk_objects_buffer_find)(const struct wk_objects_buffer *buffer,
                                         const struct wk_object_selection *selection,
                                         struct wk_object_cursor *cursor, uint64_t *count);
/* The first entry of the range at or after *number. */
typedef wk_err (*wk_objects_buffer_skip)(const struct wk_objects_buffer *buffer,
                                         const struct wk_object_selection *selection,
                                         uint64_t *number);
/* Reads entry `number` (they come in order) and writes columns first..end - 1, counted from 0
 * among those this meter has. */
typedef wk_err (*wk_objects_buffer_put)(const struct wk_objects_buffer *buffer, uint64_t number,
                                        uint8_t first, uint8_t end, struct wk_bytes_out *out);

struct wk_objects_buffer {
    const struct wk_rooms *rooms;
    const struct wk_objects_column *columns;
    uint8_t rows;                /* of `columns` */
    uint8_t log;                 /* of the store */
    uint32_t period_s;           /* 0: not periodic */
    uint32_t capacity;           /* entries there is room for, about */
    void *context;               /* of the functions: where they stand */
    wk_objects_buffer_span span; /* NULL: an entry is one of the log */
    wk_objects_buffer_find find;
    wk_objects_buffer_skip skip; /* NULL: entries [first, next) are all of the range */
    wk_objects_buffer_put put;
};

/** Entries of `octets` each that a log holds at least. */
uint32_t wk_objects_buffer_capacity(const struct wk_store *store, uint8_t log, uint32_t octets);

/** Attributes 2..8 of class 7. */
WK_MUST_USE wk_err wk_objects_buffer_get(const struct wk_objects_buffer *buffer,
                                         uint8_t attribute,
                                         const struct wk_object_selection *selection,
                                         struct wk_object_cursor *cursor,
                                         struct wk_bytes_out *out);

/** The time of an entry as a column; `status` as in cosem/datetime.h. */
void wk_objects_buffer_put_clock(struct wk_bytes_out *out, const struct wk_clock *clock,
                                 struct wk_utc at, uint8_t status);

#endif
