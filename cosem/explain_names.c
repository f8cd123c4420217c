/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/envelope.h"
#include "cosem/explain_part.h"
#include "cosem/hdlc.h"

struct name {
    uint32_t number;
    const char *text;
};

static const char *look(const struct name *names, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number) {
            return names[i].text;
        }
    }
    return NULL;
}

#define LOOK(names, number) look(names, sizeof names / sizeof names[0], number)

const char *wk_explain_apdu_name(uint32_t tag)
{
    static const struct name k_names[] = {
        {0x01, "initiate-request"},
        {0x08, "initiate-response"},
        {0x0E, "confirmed-service-error"},
        {0x0F, "data-notification"},
        {0x10, "data-notification-confirm"},
        {0x21, "glo-initiate-request"},
        {0x28, "glo-initiate-response"},
        {0x2E, "glo-confirmed-service-error"},
        {0x41, "ded-initiate-request"},
        {0x48, "ded-initiate-response"},
        {0x4E, "ded-confirmed-service-error"},
        {0x60, "aarq"},
        {0x61, "aare"},
        {0x62, "rlrq"},
        {0x63, "rlre"},
        {0xC0, "get-request"},
        {0xC1, "set-request"},
        {0xC2, "event-notification-request"},
        {0xC3, "action-request"},
        {0xC4, "get-response"},
        {0xC5, "set-response"},
        {0xC7, "action-response"},
        {0xC8, "glo-get-request"},
        {0xC9, "glo-set-request"},
        {0xCA, "glo-event-notification-request"},
        {0xCB, "glo-action-request"},
        {0xCC, "glo-get-response"},
        {0xCD, "glo-set-response"},
        {0xCF, "glo-action-response"},
        {0xD0, "ded-get-request"},
        {0xD1, "ded-set-request"},
        {0xD2, "ded-event-notification-request"},
        {0xD3, "ded-action-request"},
        {0xD4, "ded-get-response"},
        {0xD5, "ded-set-response"},
        {0xD7, "ded-action-response"},
        {0xD8, "exception-response"},
        {0xD9, "access-request"},
        {0xDA, "access-response"},
        {0xDB, "general-glo-ciphering"},
        {0xDC, "general-ded-ciphering"},
        {0xDD, "general-ciphering"},
        {0xDF, "general-signing"},
        {0xE0, "general-block-transfer"},
    };
    return LOOK(k_names, tag);
}

const char *wk_explain_type_name(uint32_t tag)
{
    static const struct name k_names[] = {
        {WK_AXDR_NULL, "null-data"},
        {WK_AXDR_ARRAY, "array"},
        {WK_AXDR_STRUCTURE, "structure"},
        {WK_AXDR_BOOLEAN, "boolean"},
        {WK_AXDR_BIT_STRING, "bit-string"},
        {WK_AXDR_DOUBLE_LONG, "double-long"},
        {WK_AXDR_DOUBLE_LONG_UNSIGNED, "double-long-unsigned"},
        {WK_AXDR_OCTET_STRING, "octet-string"},
        {WK_AXDR_VISIBLE_STRING, "visible-string"},
        {WK_AXDR_UTF8_STRING, "utf8-string"},
        {WK_AXDR_BCD, "bcd"},
        {WK_AXDR_INTEGER, "integer"},
        {WK_AXDR_LONG, "long"},
        {WK_AXDR_UNSIGNED, "unsigned"},
        {WK_AXDR_LONG_UNSIGNED, "long-unsigned"},
        {WK_AXDR_COMPACT_ARRAY, "compact-array"},
        {WK_AXDR_LONG64, "long64"},
        {WK_AXDR_LONG64_UNSIGNED, "long64-unsigned"},
        {WK_AXDR_ENUM, "enum"},
        {WK_AXDR_FLOAT32, "float32"},
        {WK_AXDR_FLOAT64, "float64"},
        {WK_AXDR_DATE_TIME, "date-time"},
        {WK_AXDR_DATE, "date"},
        {WK_AXDR_TIME, "time"},
        {WK_AXDR_DELTA_INTEGER, "delta-integer"},
        {WK_AXDR_DELTA_LONG, "delta-long"},
        {WK_AXDR_DELTA_DOUBLE_LONG, "delta-double-long"},
        {WK_AXDR_DELTA_UNSIGNED, "delta-unsigned"},
        {WK_AXDR_DELTA_LONG_UNSIGNED, "delta-long-unsigned"},
        {WK_AXDR_DELTA_DOUBLE_LONG_UNSIGNED, "delta-double-long-unsigned"},
        {WK_AXDR_DONT_CARE, "dont-care"},
    };
    return LOOK(k_names, tag);
}

const char *wk_explain_result_name(uint32_t number)
{
    static const struct name k_names[] = {
        {WK_APDU_SUCCESS, "success"},
        {WK_APDU_HARDWARE_FAULT, "hardware-fault"},
        {WK_APDU_TEMPORARY_FAILURE, "temporary-failure"},
        {WK_APDU_READ_WRITE_DENIED, "read-write-denied"},
        {WK_APDU_OBJECT_UNDEFINED, "object-undefined"},
        {WK_APDU_CLASS_INCONSISTENT, "object-class-inconsistent"},
        {WK_APDU_OBJECT_UNAVAILABLE, "object-unavailable"},
        {WK_APDU_TYPE_UNMATCHED, "type-unmatched"},
        {WK_APDU_SCOPE_VIOLATED, "scope-of-access-violated"},
        {WK_APDU_BLOCK_UNAVAILABLE, "data-block-unavailable"},
        {WK_APDU_LONG_GET_ABORTED, "long-get-aborted"},
        {WK_APDU_NO_LONG_GET, "no-long-get-in-progress"},
        {WK_APDU_LONG_SET_ABORTED, "long-set-aborted"},
        {WK_APDU_NO_LONG_SET, "no-long-set-in-progress"},
        {WK_APDU_BLOCK_NUMBER_INVALID, "data-block-number-invalid"},
        {WK_APDU_OTHER_REASON, "other-reason"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_state_error_name(uint32_t number)
{
    static const struct name k_names[] = {{1, "service-not-allowed"}, {2, "service-unknown"}};
    return LOOK(k_names, number);
}

const char *wk_explain_service_error_name(uint32_t number)
{
    static const struct name k_names[] = {
        {1, "operation-not-possible"}, {2, "service-not-supported"},
        {3, "other-reason"},           {4, "pdu-too-long"},
        {5, "deciphering-error"},      {6, "invocation-counter-error"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_confirmed_name(uint32_t number)
{
    static const struct name k_names[] = {{1, "initiate-error"}, {5, "read"}, {6, "write"}};
    return LOOK(k_names, number);
}

const char *wk_explain_initiate_error_name(uint32_t number)
{
    static const struct name k_names[] = {
        {0, "other"},
        {1, "dlms-version-too-low"},
        {2, "incompatible-conformance"},
        {3, "pdu-size-too-short"},
        {4, "refused-by-the-VDE-handler"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_access_name(uint32_t number)
{
    static const struct name k_names[] = {
        {1, "get"},
        {2, "set"},
        {3, "action"},
        {4, "get-with-selection"},
        {5, "set-with-selection"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_choice_name(uint32_t number)
{
    static const struct name k_names[] = {{0, "data"}, {1, "data-access-result"}};
    return LOOK(k_names, number);
}

const char *wk_explain_context_name(uint32_t number)
{
    static const struct name k_names[] = {
        {1, "logical names, no ciphering"},
        {2, "short names, no ciphering"},
        {3, "logical names, with ciphering"},
        {4, "short names, with ciphering"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_mechanism_name(uint32_t number)
{
    static const struct name k_names[] = {
        {0, "lowest level security"},        {1, "low level security"},
        {2, "high level security"},          {3, "high level security, MD5"},
        {4, "high level security, SHA-1"},   {5, "high level security, GMAC"},
        {6, "high level security, SHA-256"}, {7, "high level security, ECDSA"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_association_name(uint32_t number)
{
    static const struct name k_names[] = {
        {0, "accepted"}, {1, "rejected-permanent"}, {2, "rejected-transient"}};
    return LOOK(k_names, number);
}

const char *wk_explain_diagnostic_name(uint32_t number)
{
    static const struct name k_names[] = {
        {0, "null"},
        {1, "no-reason-given"},
        {2, "application-context-name-not-supported"},
        {3, "calling-AP-title-not-recognized"},
        {11, "authentication-mechanism-name-not-recognised"},
        {12, "authentication-mechanism-name-required"},
        {13, "authentication-failure"},
        {14, "authentication-required"},
    };
    return LOOK(k_names, number);
}

const char *wk_explain_release_name(uint32_t number)
{
    static const struct name k_names[] = {{0, "normal"}, {1, "urgent"}, {30, "user-defined"}};
    return LOOK(k_names, number);
}

const char *wk_explain_frame_name(uint32_t number)
{
    static const struct name k_names[] = {
        {WK_HDLC_I, "I"},       {WK_HDLC_RR, "RR"},     {WK_HDLC_RNR, "RNR"},
        {WK_HDLC_SNRM, "SNRM"}, {WK_HDLC_DISC, "DISC"}, {WK_HDLC_UA, "UA"},
        {WK_HDLC_DM, "DM"},     {WK_HDLC_FRMR, "FRMR"}, {WK_HDLC_UI, "UI"},
    };
    const char *name = LOOK(k_names, number);
    return name == NULL ? "not of COSEM" : name;
}

const char *wk_explain_sap_name(uint32_t number)
{
    static const struct name k_names[] = {{1, "management"}, {16, "public client"}};
    return LOOK(k_names, number);
}

const char *wk_explain_key_name(uint32_t number)
{
    static const struct name k_names[] = {
        {0, "identified-key"}, {1, "wrapped-key"}, {2, "agreed-key"}};
    return LOOK(k_names, number);
}

const char *wk_explain_class_name(uint32_t class_id)
{
    static const struct name k_names[] = {
        {1, "data"},
        {3, "register"},
        {4, "extended register"},
        {5, "demand register"},
        {6, "register activation"},
        {7, "profile generic"},
        {8, "clock"},
        {9, "script table"},
        {10, "schedule"},
        {11, "special days table"},
        {12, "association SN"},
        {15, "association LN"},
        {17, "SAP assignment"},
        {18, "image transfer"},
        {19, "IEC local port setup"},
        {20, "activity calendar"},
        {21, "register monitor"},
        {22, "single action schedule"},
        {23, "IEC HDLC setup"},
        {24, "IEC twisted pair setup"},
        {26, "utility tables"},
        {27, "modem configuration"},
        {28, "auto answer"},
        {29, "auto connect"},
        {30, "data protection"},
        {40, "push setup"},
        {41, "TCP-UDP setup"},
        {42, "IPv4 setup"},
        {43, "MAC address setup"},
        {44, "PPP setup"},
        {45, "GPRS modem setup"},
        {46, "SMTP setup"},
        {47, "GSM diagnostic"},
        {48, "IPv6 setup"},
        {61, "register table"},
        {62, "compact data"},
        {63, "status mapping"},
        {64, "security setup"},
        {65, "parameter monitor"},
        {67, "sensor manager"},
        {68, "arbitrator"},
        {70, "disconnect control"},
        {71, "limiter"},
        {72, "M-Bus client"},
        {111, "account"},
        {112, "credit"},
        {113, "charge"},
        {115, "token gateway"},
        {122, "function control"},
        {124, "communication port protection"},
    };
    return LOOK(k_names, class_id);
}

const char *wk_explain_unit(uint32_t unit)
{
    static const struct name k_names[] = {
        {1, "a"},         {2, "mo"},       {3, "wk"},       {4, "d"},         {5, "h"},
        {6, "min"},       {7, "s"},        {8, "deg"},      {9, "degC"},      {10, "currency"},
        {11, "m"},        {12, "m/s"},     {13, "m3"},      {14, "m3"},       {15, "m3/h"},
        {16, "m3/h"},     {17, "m3/d"},    {18, "m3/d"},    {19, "l"},        {20, "kg"},
        {21, "N"},        {22, "Nm"},      {23, "Pa"},      {24, "bar"},      {25, "J"},
        {26, "J/h"},      {27, "W"},       {28, "VA"},      {29, "var"},      {30, "Wh"},
        {31, "VAh"},      {32, "varh"},    {33, "A"},       {34, "C"},        {35, "V"},
        {36, "V/m"},      {37, "F"},       {38, "Ohm"},     {39, "Ohm m2/m"}, {40, "Wb"},
        {41, "T"},        {42, "A/m"},     {43, "H"},       {44, "Hz"},       {45, "1/(Wh)"},
        {46, "1/(varh)"}, {47, "1/(VAh)"}, {48, "V2h"},     {49, "A2h"},      {50, "kg/s"},
        {51, "S"},        {52, "K"},       {53, "1/(V2h)"}, {54, "1/(A2h)"},  {55, "1/m3"},
        {56, "%"},        {57, "Ah"},      {60, "Wh/m3"},   {61, "J/m3"},     {62, "Mol%"},
        {63, "g/m3"},     {64, "Pa s"},    {65, "J/kg"},    {70, "dBm"},      {71, "dBuV"},
        {72, "dB"},       {254, "other"},  {255, "count"},
    };
    return LOOK(k_names, unit);
}
