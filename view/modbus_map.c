/* SPDX-License-Identifier: Apache-2.0 */
#include "view/modbus_map.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define U16(at, value, text)                                                                   \
    {                                                                                          \
        at, WK_MODBUS_MAP_U16, 1, 0, 0, value, text                                            \
    }
#define U32(at, value, text)                                                                   \
    {                                                                                          \
        at, WK_MODBUS_MAP_U32, 2, 0, 0, value, text                                            \
    }
#define TEXT(at, words, point)                                                                 \
    {                                                                                          \
        at, WK_MODBUS_MAP_TEXT, words, 0, WK_POINT_##point, 0, NULL                            \
    }
#define WORDS(at, words, text)                                                                 \
    {                                                                                          \
        at, WK_MODBUS_MAP_TEXT, words, 0, 0, 0, text                                           \
    }
#define INT(at, exponent, point)                                                               \
    {                                                                                          \
        at, WK_MODBUS_MAP_INT16, 1, exponent, WK_POINT_##point, 0, NULL                        \
    }
#define NO_INT(at)                                                                             \
    {                                                                                          \
        at, WK_MODBUS_MAP_INT16, 1, 0, 0, 0, "-"                                               \
    }
#define SF(at, exponent, text) U16(at, (uint16_t)(exponent), text)
#define ACC(at, point)                                                                         \
    {                                                                                          \
        at, WK_MODBUS_MAP_ACC32, 2, 0, WK_POINT_##point, 0, NULL                               \
    }
#define NO_ACC(at)                                                                             \
    {                                                                                          \
        at, WK_MODBUS_MAP_ACC32, 2, 0, 0, 0, "-"                                               \
    }
#define REAL(at, exponent, point)                                                              \
    {                                                                                          \
        at, WK_MODBUS_MAP_FLOAT, 2, exponent, WK_POINT_##point, 0, NULL                        \
    }
#define LONG(at, exponent, point)                                                              \
    {                                                                                          \
        at, WK_MODBUS_MAP_INT64, 4, exponent, WK_POINT_##point, 0, NULL                        \
    }
#define SPECIAL(at, type, words, text)                                                         \
    {                                                                                          \
        at, WK_MODBUS_MAP_##type, words, 0, 0, 0, text                                         \
    }
#define POWER WK_MODBUS_MAP_POWER

/* ---- SunSpec ----------------------------------------------------------------------------- */

#define SUNSPEC_COMMON 70
#define SUNSPEC_INT    107
#define SUNSPEC_FLOAT  126

static const struct wk_modbus_map_row k_common[] = {
    U32(0, 0x53756E53, "\"SunS\""),
    U16(2, 1, "model 1"),
    U16(3, 66, "its length"),
    WORDS(4, 16, "Wattkeeper"),
    WORDS(20, 16, "smart meter"),
    WORDS(36, 8, ""),
    TEXT(44, 8, FIRMWARE),
    TEXT(52, 16, SERIAL),
    SPECIAL(68, UNIT, 1, "our address"),
    U16(69, 0x8000, "-"),
};

static const struct wk_modbus_map_row k_int[] = {
    {0, WK_MODBUS_MAP_MODEL, 1, 0, 0, 201, "model 201 or 203"},
    U16(1, SUNSPEC_INT - 2, "its length"),
    INT(2, -2, I_SUM),
    INT(3, -2, I_L1),
    INT(4, -2, I_L2),
    INT(5, -2, I_L3),
    SF(6, -2, "A_SF"),
    INT(7, -1, U),
    INT(8, -1, U_L1),
    INT(9, -1, U_L2),
    INT(10, -1, U_L3),
    NO_INT(11),
    NO_INT(12),
    NO_INT(13),
    NO_INT(14),
    SF(15, -1, "V_SF"),
    INT(16, -2, HZ),
    SF(17, -2, "Hz_SF"),
    INT(18, POWER, P),
    INT(19, POWER, P_L1),
    INT(20, POWER, P_L2),
    INT(21, POWER, P_L3),
    SPECIAL(22, POWER_SF, 1, "W_SF"),
    INT(23, POWER, S),
    INT(24, POWER, S_L1),
    INT(25, POWER, S_L2),
    INT(26, POWER, S_L3),
    SPECIAL(27, POWER_SF, 1, "VA_SF"),
    INT(28, POWER, Q),
    INT(29, POWER, Q_L1),
    INT(30, POWER, Q_L2),
    INT(31, POWER, Q_L3),
    SPECIAL(32, POWER_SF, 1, "VAR_SF"),
    INT(33, -3, PF),
    INT(34, -3, PF_L1),
    INT(35, -3, PF_L2),
    INT(36, -3, PF_L3),
    SF(37, -1, "PF_SF: of percent"),
    ACC(38, EXPORT),
    ACC(40, EXPORT_L1),
    ACC(42, EXPORT_L2),
    ACC(44, EXPORT_L3),
    ACC(46, IMPORT),
    ACC(48, IMPORT_L1),
    ACC(50, IMPORT_L2),
    ACC(52, IMPORT_L3),
    SF(54, 0, "TotWh_SF"),
    ACC(55, VAH_EXPORT),
    NO_ACC(57),
    NO_ACC(59),
    NO_ACC(61),
    ACC(63, VAH_IMPORT),
    NO_ACC(65),
    NO_ACC(67),
    NO_ACC(69),
    SF(71, 0, "TotVAh_SF"),
    ACC(72, VARH_Q1),
    NO_ACC(74),
    NO_ACC(76),
    NO_ACC(78),
    ACC(80, VARH_Q2),
    NO_ACC(82),
    NO_ACC(84),
    NO_ACC(86),
    ACC(88, VARH_Q3),
    NO_ACC(90),
    NO_ACC(92),
    NO_ACC(94),
    ACC(96, VARH_Q4),
    NO_ACC(98),
    NO_ACC(100),
    NO_ACC(102),
    SF(104, 0, "TotVArh_SF"),
    U32(105, 0, "events"),
};

static const struct wk_modbus_map_row k_float[] = {
    {0, WK_MODBUS_MAP_MODEL, 1, 0, 0, 211, "model 211 or 213"},
    U16(1, SUNSPEC_FLOAT - 2, "its length"),
    REAL(2, 0, I_SUM),
    REAL(4, 0, I_L1),
    REAL(6, 0, I_L2),
    REAL(8, 0, I_L3),
    REAL(10, 0, U),
    REAL(12, 0, U_L1),
    REAL(14, 0, U_L2),
    REAL(16, 0, U_L3),
    REAL(26, 0, HZ),
    REAL(28, 0, P),
    REAL(30, 0, P_L1),
    REAL(32, 0, P_L2),
    REAL(34, 0, P_L3),
    REAL(36, 0, S),
    REAL(38, 0, S_L1),
    REAL(40, 0, S_L2),
    REAL(42, 0, S_L3),
    REAL(44, 0, Q),
    REAL(46, 0, Q_L1),
    REAL(48, 0, Q_L2),
    REAL(50, 0, Q_L3),
    REAL(52, 0, PF),
    REAL(54, 0, PF_L1),
    REAL(56, 0, PF_L2),
    REAL(58, 0, PF_L3),
    REAL(60, 0, EXPORT),
    REAL(62, 0, EXPORT_L1),
    REAL(64, 0, EXPORT_L2),
    REAL(66, 0, EXPORT_L3),
    REAL(68, 0, IMPORT),
    REAL(70, 0, IMPORT_L1),
    REAL(72, 0, IMPORT_L2),
    REAL(74, 0, IMPORT_L3),
    REAL(76, 0, VAH_EXPORT),
    REAL(84, 0, VAH_IMPORT),
    REAL(92, 0, VARH_Q1),
    REAL(100, 0, VARH_Q2),
    REAL(108, 0, VARH_Q3),
    REAL(116, 0, VARH_Q4),
    U32(124, 0, "events"),
};

static const struct wk_modbus_map_row k_end[] = {
    U16(0, 0xFFFF, "end"),
    U16(1, 0, "its length"),
};

/* ---- Eastron SDM630 ---------------------------------------------------------------------- */

#define SDM_INPUT 0x180

static const struct wk_modbus_map_row k_sdm[] = {
    REAL(0x00, 0, U_L1),
    REAL(0x02, 0, U_L2),
    REAL(0x04, 0, U_L3),
    REAL(0x06, 0, I_L1),
    REAL(0x08, 0, I_L2),
    REAL(0x0A, 0, I_L3),
    REAL(0x0C, 0, P_L1),
    REAL(0x0E, 0, P_L2),
    REAL(0x10, 0, P_L3),
    REAL(0x12, 0, S_L1),
    REAL(0x14, 0, S_L2),
    REAL(0x16, 0, S_L3),
    REAL(0x18, 0, Q_L1),
    REAL(0x1A, 0, Q_L2),
    REAL(0x1C, 0, Q_L3),
    REAL(0x1E, 0, PF_L1),
    REAL(0x20, 0, PF_L2),
    REAL(0x22, 0, PF_L3),
    REAL(0x24, 0, ANGLE_L1),
    REAL(0x26, 0, ANGLE_L2),
    REAL(0x28, 0, ANGLE_L3),
    REAL(0x2A, 0, U),
    REAL(0x2E, 0, I_MEAN),
    REAL(0x30, 0, I_SUM),
    REAL(0x34, 0, P),
    REAL(0x38, 0, S),
    REAL(0x3C, 0, Q),
    REAL(0x3E, 0, PF),
    REAL(0x46, 0, HZ),
    REAL(0x48, 3, IMPORT),
    REAL(0x4A, 3, EXPORT),
    REAL(0x4C, 3, VARH_IMPORT),
    REAL(0x4E, 3, VARH_EXPORT),
    REAL(0x50, 3, VAH),
    REAL(0x54, 0, DEMAND),
    REAL(0x56, 0, DEMAND_MAX),
    REAL(0xE0, 0, I_N),
    REAL(0xEA, 0, THD_U_L1),
    REAL(0xEC, 0, THD_U_L2),
    REAL(0xEE, 0, THD_U_L3),
    REAL(0xF0, 0, THD_I_L1),
    REAL(0xF2, 0, THD_I_L2),
    REAL(0xF4, 0, THD_I_L3),
    REAL(0xF8, 0, THD_U),
    REAL(0xFA, 0, THD_I),
    REAL(0x156, 3, THROUGHPUT),
    REAL(0x158, 3, VARH),
    REAL(0x15A, 3, IMPORT_L1),
    REAL(0x15C, 3, IMPORT_L2),
    REAL(0x15E, 3, IMPORT_L3),
    REAL(0x160, 3, EXPORT_L1),
    REAL(0x162, 3, EXPORT_L2),
    REAL(0x164, 3, EXPORT_L3),
    REAL(0x166, 3, THROUGHPUT_L1),
    REAL(0x168, 3, THROUGHPUT_L2),
    REAL(0x16A, 3, THROUGHPUT_L3),
};

static const struct wk_modbus_map_row k_sdm_holding[] = {
    {0x02, WK_MODBUS_MAP_FLOAT_MINUTES, 2, 0, WK_POINT_DEMAND_PERIOD, 0,
     "period of demand, min"},
    SPECIAL(0x0A, FLOAT_WIRES, 2, "system: 1 = one phase, 3 = three phases with neutral"),
    SPECIAL(0x14, FLOAT_UNIT, 2, "our address"),
    SPECIAL(0x1C, FLOAT_BAUD, 2, "rate of the line: 0 = 2400 ... 4 = 38400"),
};

static const struct wk_modbus_map_row k_sdm_serial[] = {
    SPECIAL(0, SERIAL32, 2, "last nine digits of the serial number"),
};

/* ---- 64 bits ----------------------------------------------------------------------------- */

#define ALL_BASE 8192
#define ALL_SIZE 272
#define RELAYS   8960

static const struct wk_modbus_map_row k_all[] = {
    U16(0, 0x574B, "\"WK\""),
    U16(1, 1, "version of this map"),
    SPECIAL(2, PHASES, 1, "phases: 1 or 3"),
    {3, WK_MODBUS_MAP_UINT16, 1, 0, WK_POINT_TARIFF, 0, NULL},
    SPECIAL(4, UTC, 4, "time of the meter, s since 1970, UTC"),
    LONG(8, 0, FAILURES),
    LONG(12, -6, IMPORT),
    LONG(16, -6, EXPORT),
    LONG(20, -6, VARH_IMPORT),
    LONG(24, -6, VARH_EXPORT),
    LONG(28, -6, VARH_Q1),
    LONG(32, -6, VARH_Q2),
    LONG(36, -6, VARH_Q3),
    LONG(40, -6, VARH_Q4),
    LONG(44, -6, VAH_IMPORT),
    LONG(48, -6, VAH_EXPORT),
    LONG(52, -6, IMPORT_T1),
    LONG(56, -6, IMPORT_T2),
    LONG(60, -6, EXPORT_T1),
    LONG(64, -6, EXPORT_T2),
    LONG(68, -6, IMPORT_L1),
    LONG(72, -6, IMPORT_L2),
    LONG(76, -6, IMPORT_L3),
    LONG(80, -6, EXPORT_L1),
    LONG(84, -6, EXPORT_L2),
    LONG(88, -6, EXPORT_L3),
    LONG(92, -3, P),
    LONG(96, -3, Q),
    LONG(100, -3, S),
    LONG(104, -3, PF),
    LONG(108, -3, HZ),
    LONG(112, -3, U_L1),
    LONG(116, -3, U_L2),
    LONG(120, -3, U_L3),
    LONG(124, -3, I_L1),
    LONG(128, -3, I_L2),
    LONG(132, -3, I_L3),
    LONG(136, -3, I_N),
    LONG(140, -3, P_L1),
    LONG(144, -3, P_L2),
    LONG(148, -3, P_L3),
    LONG(152, -3, Q_L1),
    LONG(156, -3, Q_L2),
    LONG(160, -3, Q_L3),
    LONG(164, -3, S_L1),
    LONG(168, -3, S_L2),
    LONG(172, -3, S_L3),
    LONG(176, -3, PF_L1),
    LONG(180, -3, PF_L2),
    LONG(184, -3, PF_L3),
    LONG(188, -3, ANGLE_L1),
    LONG(192, -3, ANGLE_L2),
    LONG(196, -3, ANGLE_L3),
    LONG(200, -3, THD_U_L1),
    LONG(204, -3, THD_U_L2),
    LONG(208, -3, THD_U_L3),
    LONG(212, -3, THD_I_L1),
    LONG(216, -3, THD_I_L2),
    LONG(220, -3, THD_I_L3),
    LONG(224, -3, DEMAND_NOW),
    LONG(228, -3, DEMAND),
    LONG(232, -3, DEMAND_MAX),
};

static const struct wk_modbus_map_row k_relays[] = {
    {0, WK_MODBUS_MAP_UINT16, 1, 0, WK_POINT_SUPPLY, 0, NULL},
    {1, WK_MODBUS_MAP_SWITCH, 1, 0, WK_POINT_RELAY_1, 0, NULL},
    {2, WK_MODBUS_MAP_SWITCH, 1, 0, WK_POINT_RELAY_2, 0, NULL},
};

/* ---- blocks ------------------------------------------------------------------------------ */

#define NAN_FILL                                                                               \
    {                                                                                          \
        0x7FC0, 0, 0x7FC0, 0                                                                   \
    }

#define SUNSPEC(base)                                                                          \
    {"SunSpec, common model", base, SUNSPEC_COMMON, WK_MODBUS_MAP_BOTH,                        \
     COUNT(k_common),         {0},  k_common},                                                 \
        {"SunSpec, integers",                                                                  \
         base + SUNSPEC_COMMON,                                                                \
         SUNSPEC_INT,                                                                          \
         WK_MODBUS_MAP_BOTH,                                                                   \
         COUNT(k_int),                                                                         \
         {0x8000, 0x8000, 0x8000, 0x8000},                                                     \
         k_int},                                                                               \
        {"SunSpec, float32",                                                                   \
         base + SUNSPEC_COMMON + SUNSPEC_INT,                                                  \
         SUNSPEC_FLOAT,                                                                        \
         WK_MODBUS_MAP_BOTH,                                                                   \
         COUNT(k_float),                                                                       \
         NAN_FILL,                                                                             \
         k_float},                                                                             \
    {                                                                                          \
        "SunSpec, end", base + SUNSPEC_COMMON + SUNSPEC_INT + SUNSPEC_FLOAT, 2,                \
            WK_MODBUS_MAP_BOTH, COUNT(k_end), {0}, k_end                                       \
    }

const struct wk_modbus_map_block wk_modbus_map_blocks[] = {
    {"SDM630, input registers", 0, SDM_INPUT, WK_MODBUS_MAP_INPUT, COUNT(k_sdm), NAN_FILL,
     k_sdm},
    {"SDM630, holding registers", 0, 0x20, WK_MODBUS_MAP_HOLDING, COUNT(k_sdm_holding),
     NAN_FILL, k_sdm_holding},
    {"64 bits", ALL_BASE, ALL_SIZE, WK_MODBUS_MAP_BOTH, COUNT(k_all), {0x8000, 0, 0, 0}, k_all},
    {"switches", RELAYS, 3, WK_MODBUS_MAP_HOLDING, COUNT(k_relays), {0}, k_relays},
    SUNSPEC(40000),
    SUNSPEC(50000),
    {"SDM630, serial number",
     0xFC00,
     2,
     WK_MODBUS_MAP_HOLDING,
     COUNT(k_sdm_serial),
     {0},
     k_sdm_serial},
};
const size_t wk_modbus_map_block_count = COUNT(wk_modbus_map_blocks);

const struct wk_modbus_map_block *wk_modbus_map_find(uint8_t space, uint16_t address)
{
    for (size_t n = 0; n < COUNT(wk_modbus_map_blocks); n++) {
        const struct wk_modbus_map_block *block = &wk_modbus_map_blocks[n];
        if ((block->spaces & space) != 0 && address >= block->base &&
            address - block->base < block->size) {
            return block;
        }
    }
    return NULL;
}

const struct wk_modbus_map_row *wk_modbus_map_row_of(const struct wk_modbus_map_block *block,
                                                     uint16_t at)
{
    size_t first = 0;
    size_t end = block->count;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        const struct wk_modbus_map_row *row = &block->rows[middle];
        if (at >= row->at && at < row->at + row->words) {
            return row;
        }
        if (at < row->at) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    return NULL;
}
