/* SPDX-License-Identifier: Apache-2.0
 *
 * view/point_list - what views show, as names of COSEM objects: the one list for all of them.
 *
 * X(name, form, class, attribute, A, B, C, D, E, more C, more C, text): OBIS is
 * A-B:C.D.E*255. The form says what is made of the objects C and more C, see view/point.h. */
#ifndef WK_VIEW_POINT_LIST_H
#define WK_VIEW_POINT_LIST_H

#define WK_POINT_LIST(X)                                                                       \
    X(WK_POINT_SERIAL, TEXT, 1, 2, 0, 0, 96, 1, 0, 0, 0, "serial number")                      \
    X(WK_POINT_FIRMWARE, TEXT, 1, 2, 1, 0, 0, 2, 0, 0, 0, "firmware of management")            \
    X(WK_POINT_UTILITY_ID, TEXT, 1, 2, 0, 0, 96, 1, 1, 0, 0, "number of the utility")          \
    X(WK_POINT_CLOCK, TIME, 8, 2, 0, 0, 1, 0, 0, 0, 0, "clock")                                \
    X(WK_POINT_TARIFF, ONE, 1, 2, 0, 0, 96, 14, 0, 0, 0, "active tariff")                      \
    X(WK_POINT_FAILURES, ONE, 1, 2, 0, 0, 96, 7, 21, 0, 0, "power failures")                   \
    X(WK_POINT_LONG_FAILURES, ONE, 1, 2, 0, 0, 96, 7, 9, 0, 0, "long power failures")          \
    X(WK_POINT_SAGS_L1, ONE, 1, 2, 1, 0, 32, 32, 0, 0, 0, "sags L1")                           \
    X(WK_POINT_SAGS_L2, ONE, 1, 2, 1, 0, 52, 32, 0, 0, 0, "sags L2")                           \
    X(WK_POINT_SAGS_L3, ONE, 1, 2, 1, 0, 72, 32, 0, 0, 0, "sags L3")                           \
    X(WK_POINT_SWELLS_L1, ONE, 1, 2, 1, 0, 32, 36, 0, 0, 0, "swells L1")                       \
    X(WK_POINT_SWELLS_L2, ONE, 1, 2, 1, 0, 52, 36, 0, 0, 0, "swells L2")                       \
    X(WK_POINT_SWELLS_L3, ONE, 1, 2, 1, 0, 72, 36, 0, 0, 0, "swells L3")                       \
    X(WK_POINT_IMPORT, ONE, 3, 2, 1, 0, 1, 8, 0, 0, 0, "active energy import")                 \
    X(WK_POINT_EXPORT, ONE, 3, 2, 1, 0, 2, 8, 0, 0, 0, "active energy export")                 \
    X(WK_POINT_IMPORT_T1, ONE, 3, 2, 1, 0, 1, 8, 1, 0, 0, "active energy import T1")           \
    X(WK_POINT_IMPORT_T2, ONE, 3, 2, 1, 0, 1, 8, 2, 0, 0, "active energy import T2")           \
    X(WK_POINT_EXPORT_T1, ONE, 3, 2, 1, 0, 2, 8, 1, 0, 0, "active energy export T1")           \
    X(WK_POINT_EXPORT_T2, ONE, 3, 2, 1, 0, 2, 8, 2, 0, 0, "active energy export T2")           \
    X(WK_POINT_IMPORT_T3, ONE, 3, 2, 1, 0, 1, 8, 3, 0, 0, "active energy import T3")           \
    X(WK_POINT_IMPORT_T4, ONE, 3, 2, 1, 0, 1, 8, 4, 0, 0, "active energy import T4")           \
    X(WK_POINT_EXPORT_T3, ONE, 3, 2, 1, 0, 2, 8, 3, 0, 0, "active energy export T3")           \
    X(WK_POINT_EXPORT_T4, ONE, 3, 2, 1, 0, 2, 8, 4, 0, 0, "active energy export T4")           \
    X(WK_POINT_THROUGHPUT, SUM, 3, 2, 1, 0, 1, 8, 0, 2, 0, "active energy import + export")    \
    X(WK_POINT_IMPORT_L1, ONE, 3, 2, 1, 0, 21, 8, 0, 0, 0, "active energy import L1")          \
    X(WK_POINT_IMPORT_L2, ONE, 3, 2, 1, 0, 41, 8, 0, 0, 0, "active energy import L2")          \
    X(WK_POINT_IMPORT_L3, ONE, 3, 2, 1, 0, 61, 8, 0, 0, 0, "active energy import L3")          \
    X(WK_POINT_EXPORT_L1, ONE, 3, 2, 1, 0, 22, 8, 0, 0, 0, "active energy export L1")          \
    X(WK_POINT_EXPORT_L2, ONE, 3, 2, 1, 0, 42, 8, 0, 0, 0, "active energy export L2")          \
    X(WK_POINT_EXPORT_L3, ONE, 3, 2, 1, 0, 62, 8, 0, 0, 0, "active energy export L3")          \
    X(WK_POINT_THROUGHPUT_L1, SUM, 3, 2, 1, 0, 21, 8, 0, 22, 0,                                \
      "active energy import + export L1")                                                      \
    X(WK_POINT_THROUGHPUT_L2, SUM, 3, 2, 1, 0, 41, 8, 0, 42, 0,                                \
      "active energy import + export L2")                                                      \
    X(WK_POINT_THROUGHPUT_L3, SUM, 3, 2, 1, 0, 61, 8, 0, 62, 0,                                \
      "active energy import + export L3")                                                      \
    X(WK_POINT_VARH_IMPORT, ONE, 3, 2, 1, 0, 3, 8, 0, 0, 0, "reactive energy import")          \
    X(WK_POINT_VARH_EXPORT, ONE, 3, 2, 1, 0, 4, 8, 0, 0, 0, "reactive energy export")          \
    X(WK_POINT_VARH, SUM, 3, 2, 1, 0, 3, 8, 0, 4, 0, "reactive energy import + export")        \
    X(WK_POINT_VARH_Q1, ONE, 3, 2, 1, 0, 5, 8, 0, 0, 0, "reactive energy QI")                  \
    X(WK_POINT_VARH_Q2, ONE, 3, 2, 1, 0, 6, 8, 0, 0, 0, "reactive energy QII")                 \
    X(WK_POINT_VARH_Q3, ONE, 3, 2, 1, 0, 7, 8, 0, 0, 0, "reactive energy QIII")                \
    X(WK_POINT_VARH_Q4, ONE, 3, 2, 1, 0, 8, 8, 0, 0, 0, "reactive energy QIV")                 \
    X(WK_POINT_VAH_IMPORT, ONE, 3, 2, 1, 0, 9, 8, 0, 0, 0, "apparent energy import")           \
    X(WK_POINT_VAH_EXPORT, ONE, 3, 2, 1, 0, 10, 8, 0, 0, 0, "apparent energy export")          \
    X(WK_POINT_VAH, SUM, 3, 2, 1, 0, 9, 8, 0, 10, 0, "apparent energy import + export")        \
    X(WK_POINT_P_IMPORT, ONE, 3, 2, 1, 0, 1, 7, 0, 0, 0, "active power import")                \
    X(WK_POINT_P_EXPORT, ONE, 3, 2, 1, 0, 2, 7, 0, 0, 0, "active power export")                \
    X(WK_POINT_P, LESS, 3, 2, 1, 0, 1, 7, 0, 2, 0, "active power, import positive")            \
    X(WK_POINT_Q, LESS, 3, 2, 1, 0, 3, 7, 0, 4, 0, "reactive power, import positive")          \
    X(WK_POINT_S, ONE, 3, 2, 1, 0, 9, 7, 0, 0, 0, "apparent power")                            \
    X(WK_POINT_PF, ONE, 3, 2, 1, 0, 13, 7, 0, 0, 0, "power factor")                            \
    X(WK_POINT_HZ, ONE, 3, 2, 1, 0, 14, 7, 0, 0, 0, "frequency")                               \
    X(WK_POINT_U_L1, ONE, 3, 2, 1, 0, 32, 7, 0, 0, 0, "voltage L1")                            \
    X(WK_POINT_U_L2, ONE, 3, 2, 1, 0, 52, 7, 0, 0, 0, "voltage L2")                            \
    X(WK_POINT_U_L3, ONE, 3, 2, 1, 0, 72, 7, 0, 0, 0, "voltage L3")                            \
    X(WK_POINT_U, MEAN, 3, 2, 1, 0, 32, 7, 0, 52, 72, "voltage, mean of the phases")           \
    X(WK_POINT_I_L1, ONE, 3, 2, 1, 0, 31, 7, 0, 0, 0, "current L1")                            \
    X(WK_POINT_I_L2, ONE, 3, 2, 1, 0, 51, 7, 0, 0, 0, "current L2")                            \
    X(WK_POINT_I_L3, ONE, 3, 2, 1, 0, 71, 7, 0, 0, 0, "current L3")                            \
    X(WK_POINT_I_MEAN, MEAN, 3, 2, 1, 0, 31, 7, 0, 51, 71, "current, mean of the phases")      \
    X(WK_POINT_I_SUM, SUM, 3, 2, 1, 0, 31, 7, 0, 51, 71, "current, sum of the phases")         \
    X(WK_POINT_I_N, ONE, 3, 2, 1, 0, 91, 7, 0, 0, 0, "current of the neutral")                 \
    X(WK_POINT_P_L1, LESS, 3, 2, 1, 0, 21, 7, 0, 22, 0, "active power L1, import positive")    \
    X(WK_POINT_P_L2, LESS, 3, 2, 1, 0, 41, 7, 0, 42, 0, "active power L2, import positive")    \
    X(WK_POINT_P_L3, LESS, 3, 2, 1, 0, 61, 7, 0, 62, 0, "active power L3, import positive")    \
    X(WK_POINT_P_IMPORT_L1, ONE, 3, 2, 1, 0, 21, 7, 0, 0, 0, "active power import L1")         \
    X(WK_POINT_P_IMPORT_L2, ONE, 3, 2, 1, 0, 41, 7, 0, 0, 0, "active power import L2")         \
    X(WK_POINT_P_IMPORT_L3, ONE, 3, 2, 1, 0, 61, 7, 0, 0, 0, "active power import L3")         \
    X(WK_POINT_P_EXPORT_L1, ONE, 3, 2, 1, 0, 22, 7, 0, 0, 0, "active power export L1")         \
    X(WK_POINT_P_EXPORT_L2, ONE, 3, 2, 1, 0, 42, 7, 0, 0, 0, "active power export L2")         \
    X(WK_POINT_P_EXPORT_L3, ONE, 3, 2, 1, 0, 62, 7, 0, 0, 0, "active power export L3")         \
    X(WK_POINT_Q_L1, ONE, 3, 2, 1, 0, 23, 7, 0, 0, 0, "reactive power L1, import positive")    \
    X(WK_POINT_Q_L2, ONE, 3, 2, 1, 0, 43, 7, 0, 0, 0, "reactive power L2, import positive")    \
    X(WK_POINT_Q_L3, ONE, 3, 2, 1, 0, 63, 7, 0, 0, 0, "reactive power L3, import positive")    \
    X(WK_POINT_S_L1, ONE, 3, 2, 1, 0, 29, 7, 0, 0, 0, "apparent power L1")                     \
    X(WK_POINT_S_L2, ONE, 3, 2, 1, 0, 49, 7, 0, 0, 0, "apparent power L2")                     \
    X(WK_POINT_S_L3, ONE, 3, 2, 1, 0, 69, 7, 0, 0, 0, "apparent power L3")                     \
    X(WK_POINT_PF_L1, ONE, 3, 2, 1, 0, 33, 7, 0, 0, 0, "power factor L1")                      \
    X(WK_POINT_PF_L2, ONE, 3, 2, 1, 0, 53, 7, 0, 0, 0, "power factor L2")                      \
    X(WK_POINT_PF_L3, ONE, 3, 2, 1, 0, 73, 7, 0, 0, 0, "power factor L3")                      \
    X(WK_POINT_ANGLE_L1, ONE, 3, 2, 1, 0, 81, 7, 40, 0, 0, "angle of I L1 to U L1")            \
    X(WK_POINT_ANGLE_L2, ONE, 3, 2, 1, 0, 81, 7, 51, 0, 0, "angle of I L2 to U L2")            \
    X(WK_POINT_ANGLE_L3, ONE, 3, 2, 1, 0, 81, 7, 62, 0, 0, "angle of I L3 to U L3")            \
    X(WK_POINT_THD_U_L1, ONE, 3, 2, 1, 0, 32, 7, 124, 0, 0, "THD of the voltage L1")           \
    X(WK_POINT_THD_U_L2, ONE, 3, 2, 1, 0, 52, 7, 124, 0, 0, "THD of the voltage L2")           \
    X(WK_POINT_THD_U_L3, ONE, 3, 2, 1, 0, 72, 7, 124, 0, 0, "THD of the voltage L3")           \
    X(WK_POINT_THD_U, MEAN, 3, 2, 1, 0, 32, 7, 124, 52, 72, "THD of the voltages, mean")       \
    X(WK_POINT_THD_I_L1, ONE, 3, 2, 1, 0, 31, 7, 124, 0, 0, "THD of the current L1")           \
    X(WK_POINT_THD_I_L2, ONE, 3, 2, 1, 0, 51, 7, 124, 0, 0, "THD of the current L2")           \
    X(WK_POINT_THD_I_L3, ONE, 3, 2, 1, 0, 71, 7, 124, 0, 0, "THD of the current L3")           \
    X(WK_POINT_THD_I, MEAN, 3, 2, 1, 0, 31, 7, 124, 51, 71, "THD of the currents, mean")       \
    X(WK_POINT_DEMAND, ONE, 5, 3, 1, 0, 1, 4, 0, 0, 0, "demand of the last interval")          \
    X(WK_POINT_DEMAND_NOW, ONE, 5, 2, 1, 0, 1, 4, 0, 0, 0, "demand so far")                    \
    X(WK_POINT_DEMAND_MAX, ONE, 4, 2, 1, 0, 1, 6, 0, 0, 0, "maximum demand")                   \
    X(WK_POINT_DEMAND_MAX_TIME, TIME, 4, 5, 1, 0, 1, 6, 0, 0, 0, "time of maximum demand")     \
    X(WK_POINT_DEMAND_PERIODS, ONE, 5, 9, 1, 0, 1, 4, 0, 0, 0, "periods of demand in one")     \
    X(WK_POINT_DEMAND_PERIOD, ONE, 5, 8, 1, 0, 1, 4, 0, 0, 0, "period of demand, s")           \
    X(WK_POINT_SUPPLY, ONE, 70, 2, 0, 0, 96, 3, 10, 0, 0, "supply: 1 = closed")                \
    X(WK_POINT_RELAY_1, ONE, 70, 2, 0, 1, 96, 3, 10, 0, 0, "load relay 1: 1 = closed")         \
    X(WK_POINT_RELAY_2, ONE, 70, 2, 0, 2, 96, 3, 10, 0, 0, "load relay 2: 1 = closed")

#endif
