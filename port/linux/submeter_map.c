/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/submeter_map.h"

#define INT_SIZE       107 /* models 201..204 with id and length */
#define FLOAT_SIZE     126 /* models 211..214 */
#define SDM_MOST       60  /* registers that older SDM630 deliver at once */

#define COUNT(entries) (sizeof(entries) / sizeof((entries)[0]))

/* SunSpec models 201..204: offsets from the register of the model's id. PF is in percent. */
static const struct wk_submeter_entry k_int[] = {
    {WK_SUBMETER_I1, 3, WK_SUBMETER_INT16, 6, 6},
    {WK_SUBMETER_I2, 4, WK_SUBMETER_INT16, 6, 6},
    {WK_SUBMETER_I3, 5, WK_SUBMETER_INT16, 6, 6},
    {WK_SUBMETER_U1, 8, WK_SUBMETER_INT16, 3, 15},
    {WK_SUBMETER_U2, 9, WK_SUBMETER_INT16, 3, 15},
    {WK_SUBMETER_U3, 10, WK_SUBMETER_INT16, 3, 15},
    {WK_SUBMETER_F, 16, WK_SUBMETER_INT16, 6, 17},
    {WK_SUBMETER_P, 18, WK_SUBMETER_INT16, 3, 22},
    {WK_SUBMETER_P1, 19, WK_SUBMETER_INT16, 3, 22},
    {WK_SUBMETER_P2, 20, WK_SUBMETER_INT16, 3, 22},
    {WK_SUBMETER_P3, 21, WK_SUBMETER_INT16, 3, 22},
    {WK_SUBMETER_S, 23, WK_SUBMETER_INT16, 3, 27},
    {WK_SUBMETER_Q, 28, WK_SUBMETER_INT16, 3, 32},
    {WK_SUBMETER_PF, 33, WK_SUBMETER_INT16, 1, 37},
    {WK_SUBMETER_EXPORT, 38, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_EXPORT1, 40, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_EXPORT2, 42, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_EXPORT3, 44, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_IMPORT, 46, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_IMPORT1, 48, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_IMPORT2, 50, WK_SUBMETER_ACC32, 6, 54},
    {WK_SUBMETER_IMPORT3, 52, WK_SUBMETER_ACC32, 6, 54},
};

/* SunSpec models 211..214 */
static const struct wk_submeter_entry k_float[] = {
    {WK_SUBMETER_I1, 4, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_I2, 6, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_I3, 8, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_U1, 12, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_U2, 14, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_U3, 16, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_F, 26, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_P, 28, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P1, 30, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P2, 32, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P3, 34, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_S, 36, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_Q, 44, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_PF, 52, WK_SUBMETER_FLOAT32, 1, 0},
    {WK_SUBMETER_EXPORT, 60, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_EXPORT1, 62, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_EXPORT2, 64, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_EXPORT3, 66, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT, 68, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT1, 70, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT2, 72, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT3, 74, WK_SUBMETER_FLOAT32, 6, 0},
};

/* Eastron SDM630, input registers; energies in kWh */
static const struct wk_submeter_entry k_sdm630[] = {
    {WK_SUBMETER_U1, 0, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_U2, 2, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_U3, 4, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_I1, 6, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_I2, 8, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_I3, 10, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_P1, 12, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P2, 14, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P3, 0x10, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_P, 0x34, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_S, 0x38, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_Q, 0x3C, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_PF, 0x3E, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_F, 0x46, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT, 0x48, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_EXPORT, 0x4A, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_IMPORT1, 0x15A, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_IMPORT2, 0x15C, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_IMPORT3, 0x15E, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_EXPORT1, 0x160, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_EXPORT2, 0x162, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_EXPORT3, 0x164, WK_SUBMETER_FLOAT32, 9, 0},
};

/* Eastron SDM120, SDM220, SDM230 */
static const struct wk_submeter_entry k_sdm120[] = {
    {WK_SUBMETER_U1, 0, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_I1, 6, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_P, 12, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_S, 18, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_Q, 24, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_PF, 30, WK_SUBMETER_FLOAT32, 3, 0},
    {WK_SUBMETER_F, 70, WK_SUBMETER_FLOAT32, 6, 0},
    {WK_SUBMETER_IMPORT, 72, WK_SUBMETER_FLOAT32, 9, 0},
    {WK_SUBMETER_EXPORT, 74, WK_SUBMETER_FLOAT32, 9, 0},
};

static const struct wk_submeter_table k_int_table = {WK_MODBUS_HOLDING, INT_SIZE,
                                                     WK_MODBUS_REGISTERS, COUNT(k_int), k_int};
static const struct wk_submeter_table k_float_table = {
    WK_MODBUS_HOLDING, FLOAT_SIZE, WK_MODBUS_REGISTERS, COUNT(k_float), k_float};
static const struct wk_submeter_table k_sdm630_table = {WK_MODBUS_INPUT, 0, SDM_MOST,
                                                        COUNT(k_sdm630), k_sdm630};
static const struct wk_submeter_table k_sdm120_table = {WK_MODBUS_INPUT, 0, SDM_MOST,
                                                        COUNT(k_sdm120), k_sdm120};

const struct wk_submeter_table *wk_submeter_table_of(wk_submeter_map map, uint16_t model)
{
    if (map == WK_SUBMETER_SDM630) {
        return &k_sdm630_table;
    }
    if (map == WK_SUBMETER_SDM120) {
        return &k_sdm120_table;
    }
    return model >= 201 && model <= 204   ? &k_int_table
           : model >= 211 && model <= 214 ? &k_float_table
                                          : NULL;
}
