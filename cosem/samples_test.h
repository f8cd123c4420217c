/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/samples_test - one APDU of every kind, written down by hand from the abstract syntax of
 * IEC 62056-5-3, with words that stand in what cosem/explain tells of it. */
#ifndef WK_COSEM_SAMPLES_TEST_H
#define WK_COSEM_SAMPLES_TEST_H

#define CLOCK  "0008 0000010000FF 02 "
#define ENERGY "0003 0100010800FF 02 "
#define LAMP   "0046 0000600300FF 01 "
#define TIME   "07EA0B150603110100000000"
#define OID    "60857405080"
#define ASKS   "00 065F1F0400007E1F04B0"
#define GRANTS "0800065F1F040000501D01F40007"

typedef enum wk_sample_reader {
    REQUEST = 0,
    RESPONSE,
    ACCESS_REQUEST,
    ACCESS_RESPONSE,
    EXCEPTION,
    AARQ,
    AARE,
    RLRQ,
    RLRE,
    INITIATE_REQUEST,
    INITIATE_RESPONSE,
    CONFIRM,
    NOTIFICATION,
    EVENT,
    NONE /* told only */
} wk_sample_reader;

static const struct wk_sample {
    wk_sample_reader reader;
    const char *told; /* stands in what is told */
    const char *hex;
} k_samples[] = {
    {REQUEST, "service:get-request-normal ", "C001C1" CLOCK "00"},
    {REQUEST, "access-selector=2 access-parameters[",
     "C001C1 0007 0100630100FF 02 01 02 0204 0600000001 0600000010 120001 120000"},
    {REQUEST, "service:get-request-next ", "C002C1 00000001"},
    {REQUEST, "service:get-request-with-list ", "C003C1 02" CLOCK "00" ENERGY "00"},
    {REQUEST, "service:set-request-normal ", "C101C1" CLOCK "00 090C" TIME},
    {REQUEST, "service:set-request-with-first-datablock ",
     "C102C1" CLOCK "00 00 00000001 03 090C07"},
    {REQUEST, "service:set-request-with-datablock ", "C103C1 01 00000002 01 EA"},
    {REQUEST, "service:set-request-with-list ", "C104C1 02" CLOCK "00" ENERGY "00 02 1105 00"},
    {REQUEST, "service:set-request-with-list-and-first-datablock ",
     "C105C1 02" CLOCK "00" ENERGY "00 00 00000001 02 0211"},
    {REQUEST, "service:action-request-normal ", "C301C1" LAMP "01 0F00"},
    {REQUEST, "present=0 ", "C30141" LAMP "00"},
    {REQUEST, "service:action-request-next-pblock ", "C302C1 00000003"},
    {REQUEST, "service:action-request-with-list ", "C303C1 02" LAMP LAMP "02 0F00 00"},
    {REQUEST, "service:action-request-with-first-pblock ", "C304C1" LAMP "00 00000001 02 0904"},
    {REQUEST, "service:action-request-with-list-and-first-pblock ",
     "C305C1 02" LAMP LAMP "00 00000001 02 020F"},
    {REQUEST, "service:action-request-with-pblock ", "C306C1 01 00000002 01 00"},
    {RESPONSE, "choice=0:data data=1234 ]", "C401C1 00 06000004D2"},
    {RESPONSE, "data-access-result=4:", "C401C1 01 04"},
    {RESPONSE, "service:get-response-with-datablock ", "C402C1 00 00000001 00 02 0102"},
    {RESPONSE, "data-access-result=2:", "C402C1 01 00000001 01 02"},
    {RESPONSE, "service:get-response-with-list ", "C403C1 02 00 1105 01 0B"},
    {RESPONSE, "service:set-response-normal ", "C501C1 00"},
    {RESPONSE, "service:set-response-datablock ", "C502C1 00000001"},
    {RESPONSE, "service:set-response-last-datablock ", "C503C1 03 00000002"},
    {RESPONSE, "service:set-response-last-datablock-with-list ", "C504C1 02 00 0C 00000002"},
    {RESPONSE, "service:set-response-with-list ", "C505C1 02 00 03"},
    {RESPONSE, "service:action-response-normal ", "C701C1 00 00"},
    {RESPONSE, "choice=0:data ", "C701C1 00 01 00 1105"},
    {RESPONSE, "choice=1:data-access-result ", "C701C1 01 01 01 04"},
    {RESPONSE, "service:action-response-with-pblock ", "C702C1 00 00000001 02 0001"},
    {RESPONSE, "service:action-response-with-list ", "C703C1 02 00 00 03 01 00 1101"},
    {RESPONSE, "service:action-response-next-pblock ", "C704C1 00000001"},
    {ACCESS_REQUEST,
     "kind=3:", "D9 40000007 00 03 01" CLOCK "02" CLOCK "03" LAMP "03 00 090C" TIME " 0F01"},
    {ACCESS_REQUEST, "kind=4:",
     "D9 60000007 0C" TIME "02 04" CLOCK "02 0600000001"
     "05" CLOCK "01 00 02 00 1105"},
    {ACCESS_RESPONSE, "access-response-specification[", "DA 40000007 00 00 01 1105 01 01 00"},
    {ACCESS_RESPONSE, "access-request-specification[",
     "DA 50000007 0C" TIME "01 02 01" CLOCK "03" LAMP "02 00 00 02 01 03 03 04"},
    {EXCEPTION, "state-error=1:", "D8 01 02"},
    {EXCEPTION, "expected-invocation-counter=4660 ", "D8 01 06 00001234"},
    {AARQ, "application-context-name:", "601D A109 0607" OID "101 BE10 040E 01 00 00" ASKS},
    {AARQ, "mechanism-name:",
     "604A A109 0607" OID "103 A60A 0408 4D4D4D0000BC614E"
     "8A02 0780 8B07" OID "205 AC12 8010 000102030405060708090A0B0C0D0E0F"
     "BE10 040E 01 00 00" ASKS},
    {AARE, "acse-service-user=0:",
     "6129 A109 0607" OID "101 A203 020100 A305 A103 020100"
     "BE10 040E" GRANTS},
    {AARE, "acse-service-user=14:",
     "6156 A109 0607" OID "103 A203 020100 A305 A103 02010E"
     "A40A 0408 4D4D4D0000000001 8802 0780 8907" OID "205"
     "AA12 8010 101112131415161718191A1B1C1D1E1F"
     "BE10 040E" GRANTS},
    {AARE, "acse-service-provider=1 ", "6117 A109 0607" OID "101 A203 020101 A305 A203 020101"},
    {RLRQ, "reason=0:", "6203 800100"},
    {RLRQ, "initiate-request[", "6215 800100 BE10 040E 01 00 00" ASKS},
    {RLRE, "reason=0:", "6303 800100"},
    {INITIATE_REQUEST, "client-max-receive-pdu-size=1200 ", "01 00 00" ASKS},
    {INITIATE_REQUEST, "dedicated-key", "01 01 10 00112233445566778899AABBCCDDEEFF 00" ASKS},
    {INITIATE_RESPONSE, "vaa-name=7 ", GRANTS},
    {INITIATE_RESPONSE, "value=2:", "0E 01 06 02"},
    {CONFIRM, "long-invoke-id-and-priority=7 ", "10 00000007 00"},
    {NOTIFICATION, "notification-body[", "0F 00000007 0C" TIME "0202 1105 1106"},
    {EVENT, "attribute-value=5 ", "C2 01 0C" TIME CLOCK "1105"},
    {EVENT, "attribute-value=5 ", "C2 00" CLOCK "1105"},
    {NONE, "reason=1:", "6303 800101"},
    {NONE, "responding-AE-qualifier", "6115 A109 0607" OID "101 A503 020101 A203 020100"},
};
#define SAMPLES (sizeof k_samples / sizeof k_samples[0])

#endif
