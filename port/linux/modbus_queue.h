/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_queue - the one owner of a Modbus line: whoever wants something of a unit there
 * puts a request into its queue, and a thread of its own asks one after the other.
 *
 * The time of the line is divided, not the number of requests: half of it for the meter's own
 * sub-meters, half for the clients of a gateway, and within each half the same for everybody who
 * waits; what one half does not need, the other has. So a client that asks without a pause, or a
 * unit that does not answer and costs a timeout each time, takes from the others no more than its
 * share. The line's silence after a request is waited for before the next one is chosen: who asks one
 * thing after the other is not passed over because it has to think for a moment.
 *
 * A connection over TCP is closed when nothing was asked for two seconds. */
#ifndef WK_PORT_LINUX_MODBUS_QUEUE_H
#define WK_PORT_LINUX_MODBUS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "port/linux/modbus_master.h"

#define WK_MODBUS_QUEUE_JOBS      128 /* that wait, of all customers */
#define WK_MODBUS_QUEUE_EACH      16  /* of one customer */
#define WK_MODBUS_QUEUE_CUSTOMERS 64  /* whose shares are known at a time */
#define WK_MODBUS_QUEUE_TIMEOUT   10000

typedef enum wk_modbus_class {
    WK_MODBUS_OWN = 0, /* sub-meters */
    WK_MODBUS_CLIENT,  /* of a gateway */
    WK_MODBUS_CLASSES,
} wk_modbus_class;

struct wk_modbus_result {
    wk_err err; /* as wk_modbus_exchange; WK_E_CLOSED: it was not asked any more */
    uint64_t customer;
    uint32_t tag;
    struct wk_modbus_message answer; /* of WK_OK and WK_E_REFUSED */
    char why[WK_MODBUS_WHY];         /* of an error */
};

struct wk_modbus_job {
    wk_modbus_class class;
    uint64_t customer; /* a number of its own, whatever the class */
    uint32_t tag;      /* the customer's */
    struct wk_modbus_message request;
    uint32_t timeout_ms; /* 1..WK_MODBUS_QUEUE_TIMEOUT, beside the time on the wire */
    uint32_t retries;
    void *self;
    /** In the thread of the queue, or of wk_modbus_queue_forget; it must not wait, nor call the queue. */
    void (*done)(void *self, const struct wk_modbus_result *result);
};

struct wk_modbus_queue_counts {
    uint64_t asked; /* with repetitions */
    uint64_t repeated;
    uint64_t junk;                    /* octets passed over */
    uint64_t jobs[WK_MODBUS_CLASSES]; /* that were done */
    int64_t line_us[WK_MODBUS_CLASSES];
    uint64_t refused;  /* jobs for which there was no room */
    uint64_t restless; /* after which the line did not become silent */
};

struct wk_modbus_queue;

/** Starts the owner of the line `uri` (port/linux/modbus_master). A line that cannot be opened now is
 *  tried with each request. WK_E_ARGUMENT: the URI; WK_E_IO: no memory or no thread. */
WK_MUST_USE wk_err wk_modbus_queue_start(struct wk_modbus_queue **queue, const char *uri,
                                         char why[WK_MODBUS_WHY]);
/** Asks for a job, which is copied; `done` is called once if this is WK_OK. WK_E_FULL: no room in
 *  the queue; WK_E_BUSY: the customer has WK_MODBUS_QUEUE_EACH waiting. */
WK_MUST_USE wk_err wk_modbus_queue_put(struct wk_modbus_queue *queue,
                                       const struct wk_modbus_job *job);
/** The same, and waits; job->done is not called. Errors of both, and result->why. */
WK_MUST_USE wk_err wk_modbus_queue_ask(struct wk_modbus_queue *queue,
                                       const struct wk_modbus_job *job,
                                       struct wk_modbus_result *result);
/** Drops what waits of a customer; each is told WK_E_CLOSED. What is under way is told as ever. */
void wk_modbus_queue_forget(struct wk_modbus_queue *queue, uint64_t customer);
struct wk_modbus_queue_counts wk_modbus_queue_counts(struct wk_modbus_queue *queue);
/** Ends the request under way, tells all that wait WK_E_CLOSED, and frees the queue. */
void wk_modbus_queue_stop(struct wk_modbus_queue *queue);

#endif
