/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/submeter - reads other meters over Modbus: SunSpec meter models 201..204 (integers
 * with scale factors) and 211..214 (float32), Eastron SDM630 and SDM120 (float32).
 *
 * Every value comes in the project's units, whatever the meter's were. What a meter marks as not
 * implemented (0x8000, NaN), or refuses, is absent. Positive power is import. Neighbouring
 * registers are read together; a meter that refuses such a block is asked value by value from then
 * on. The 32-bit energy counters of SunSpec wrap: they are carried on while this struct lives, so
 * read them more often than they can turn half. */
#ifndef WK_PORT_LINUX_SUBMETER_H
#define WK_PORT_LINUX_SUBMETER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "port/linux/modbus_frame.h"

/* name, key in JSON, unit shown, decimals of the unit shown that the integer holds */
#define WK_SUBMETER_LIST(X)                                                                    \
    X(WK_SUBMETER_U1, "u_l1_mv", "V", 3)                                                       \
    X(WK_SUBMETER_U2, "u_l2_mv", "V", 3)                                                       \
    X(WK_SUBMETER_U3, "u_l3_mv", "V", 3)                                                       \
    X(WK_SUBMETER_I1, "i_l1_ua", "A", 6)                                                       \
    X(WK_SUBMETER_I2, "i_l2_ua", "A", 6)                                                       \
    X(WK_SUBMETER_I3, "i_l3_ua", "A", 6)                                                       \
    X(WK_SUBMETER_P1, "p_l1_mw", "W", 3)                                                       \
    X(WK_SUBMETER_P2, "p_l2_mw", "W", 3)                                                       \
    X(WK_SUBMETER_P3, "p_l3_mw", "W", 3)                                                       \
    X(WK_SUBMETER_P, "p_mw", "W", 3)                                                           \
    X(WK_SUBMETER_Q, "q_mvar", "var", 3)                                                       \
    X(WK_SUBMETER_S, "s_mva", "VA", 3)                                                         \
    X(WK_SUBMETER_PF, "pf_permille", "", 3)                                                    \
    X(WK_SUBMETER_F, "f_uhz", "Hz", 6)                                                         \
    X(WK_SUBMETER_IMPORT, "import_uwh", "kWh", 9)                                              \
    X(WK_SUBMETER_EXPORT, "export_uwh", "kWh", 9)                                              \
    X(WK_SUBMETER_IMPORT1, "import_l1_uwh", "kWh", 9)                                          \
    X(WK_SUBMETER_IMPORT2, "import_l2_uwh", "kWh", 9)                                          \
    X(WK_SUBMETER_IMPORT3, "import_l3_uwh", "kWh", 9)                                          \
    X(WK_SUBMETER_EXPORT1, "export_l1_uwh", "kWh", 9)                                          \
    X(WK_SUBMETER_EXPORT2, "export_l2_uwh", "kWh", 9)                                          \
    X(WK_SUBMETER_EXPORT3, "export_l3_uwh", "kWh", 9)

#define WK_SUBMETER_ENUM(name, key, unit, decimals) name,
typedef enum wk_submeter_quantity {
    WK_SUBMETER_LIST(WK_SUBMETER_ENUM) WK_SUBMETER_QUANTITIES
} wk_submeter_quantity;
#undef WK_SUBMETER_ENUM

struct wk_submeter_name {
    const char *key;
    const char *unit;
    uint8_t decimals;
};
extern const struct wk_submeter_name wk_submeter_names[WK_SUBMETER_QUANTITIES];

typedef enum wk_submeter_map {
    WK_SUBMETER_SUNSPEC = 1,
    WK_SUBMETER_SDM630,
    WK_SUBMETER_SDM120,
} wk_submeter_map;

/* Where registers come from: a Modbus master, or a test. */
struct wk_submeter_bus {
    void *self;
    wk_err (*read)(void *self, const struct wk_modbus_request *request, uint16_t *to);
    /** Exception code of the last WK_E_REFUSED. */
    uint8_t (*exception)(void *self);
};

#define WK_SUBMETER_TEXT 33
#define WK_SUBMETER_WHY  160

struct wk_submeter {
    wk_submeter_map map;
    uint8_t unit;
    bool found;                   /* SunSpec: the model's place is known */
    uint16_t model;               /* SunSpec: 201..204, 211..214 */
    uint16_t base;                /* register of its id */
    bool single;                  /* the meter refuses blocks */
    uint64_t absent;              /* entries of the map that it refuses */
    char maker[WK_SUBMETER_TEXT]; /* SunSpec: of model 1; else empty */
    char type[WK_SUBMETER_TEXT];
    char serial[WK_SUBMETER_TEXT];
    uint32_t have; /* bit per quantity: value[] holds one */
    int64_t value[WK_SUBMETER_QUANTITIES];
    uint32_t last[WK_SUBMETER_QUANTITIES];  /* counters, as they were read */
    uint32_t turns[WK_SUBMETER_QUANTITIES]; /* how often each has wrapped */
    bool counted;                           /* `last` is valid */
    char why[WK_SUBMETER_WHY];
};

/** The map that a word of the configuration names. WK_E_NOT_FOUND: none. */
WK_MUST_USE wk_err wk_submeter_map_of(const char *word, wk_submeter_map *map);

void wk_submeter_init(struct wk_submeter *submeter, wk_submeter_map map, uint8_t unit);

/** Reads all values once, and first finds the SunSpec models. On error submeter->why, empty if the
 *  bus knows better; the values stay. WK_E_NOT_FOUND: no SunSpec meter; WK_E_FORMAT: its models
 *  make no sense; else the error of the bus. */
WK_MUST_USE wk_err wk_submeter_read(struct wk_submeter *submeter,
                                    const struct wk_submeter_bus *bus);

#endif
