/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "headend/stamp.h"
#include "tests/wk_test.h"

static char directory[64];
static char plan_path[96];
static char config_path[96];
static char why[WK_INI_WHY];

static const char k_plan[] = "# a plan\n"
                             "[plan]\n"
                             "name = Household\n"
                             "currency = EUR\n"
                             "zone = central-europe\n"
                             "standing_per_day = 0.25\n"
                             "vat_percent = 19\n"
                             "[rate t1]\n"
                             "name = Day\n"
                             "price_per_kwh = 0.3142\n"
                             "[rate t2]\n"
                             "name = Night\n"
                             "price_per_kwh = 0.2311\n"
                             "[season winter]\n"
                             "from = 10-01\n"
                             "[season summer]\n"
                             "from = 04-01\n"
                             "[day winter mon-fri]\n"
                             "bands = 00:00 t2, 06:00 t1, 22:00 t2\n"
                             "[day winter sat,sun]\n"
                             "bands = 00:00 t2\n"
                             "[day summer mon-sun]\n"
                             "bands = 00:00 t1\n"
                             "[special 2007-12-25]\n"
                             "as = sun\n";

static const char k_config[] = "[headend]\n"
                               "archive = a.db\n"
                               "port = 0\n"
                               "token = 0123456789\n"
                               "poll_s = 2\n"
                               "[plan home]\n"
                               "file = plan.ini\n"
                               "[meter WK-1]\n"
                               "host = 127.0.0.1\n"
                               "plan = home\n"
                               "phases = 3\n"
                               "installed = 2007-02-01T00:00:00Z\n"
                               "password = secret\n";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

static void set_up(void)
{
    snprintf(directory, sizeof directory, "/tmp/wk-registry-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        abort();
    }
    snprintf(plan_path, sizeof plan_path, "%s/plan.ini", directory);
    snprintf(config_path, sizeof config_path, "%s/headend.ini", directory);
    write_file(plan_path, k_plan);
    write_file(config_path, k_config);
}

static void tear_down(void)
{
    unlink(plan_path);
    unlink(config_path);
    rmdir(directory);
}

/* The text with `from` replaced by `to`. */
static const char *changed(const char *text, const char *from, const char *to)
{
    static char out[4096];
    const char *at = strstr(text, from);
    if (at == NULL) {
        abort();
    }
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

struct fault {
    const char *from;
    const char *to;
    const char *wanted[2]; /* both are in the error text */
};

static void a_configuration_is_read_whole(void)
{
    struct wk_registry r;
    set_up();
    EXPECT_OK(wk_registry_read(config_path, &r, why));
    EXPECT_I64(1, r.meters);
    EXPECT_I64(3, r.meter[0].phases);
    EXPECT_I64(1170288000, r.meter[0].installed_s);
    EXPECT_I64(4059, r.meter[0].port);
    EXPECT_I64(2, r.poll_s);
    EXPECT(strncmp(r.archive, directory, strlen(directory)) == 0); /* beside the file */
    EXPECT(wk_registry_find(&r, "WK-1") == &r.meter[0] && wk_registry_find(&r, "x") == NULL);
    wk_registry_free(&r);
    tear_down();
}

static void a_broker_is_read_with_its_prefix(void)
{
    struct wk_registry r;
    set_up();
    write_file(config_path, changed(k_config, "poll_s = 2",
                                    "link_mqtt = mqtts://broker.example:8883/city/east\n"
                                    "link_mqtt_user = headend\nlink_mqtt_password = secret"));
    EXPECT_OK(wk_registry_read(config_path, &r, why));
    EXPECT(strcmp(r.link_mqtt.kind->scheme, "mqtts") == 0);
    EXPECT(strcmp(r.link_mqtt.host, "broker.example") == 0);
    EXPECT_I64(8883, r.link_mqtt.port);
    EXPECT(strcmp(r.link_mqtt.rest, "/city/east") == 0);
    EXPECT(strcmp(r.link_mqtt_user, "headend") == 0);
    wk_registry_free(&r);
    tear_down();
}

static void every_fault_of_a_configuration_is_named_with_its_line(void)
{
    static const struct fault k_faults[] = {
        {"poll_s", "pol_s", {":5:", "unknown key in [headend]: 'pol_s'"}},
        {"poll_s = 2", "poll_s = 0", {":5:", "1..86400"}},
        {"poll_s = 2", "poll_s = 2x", {":5:", "2x"}},
        {"port = 0", "port = 65536", {":3:", "bad value for port"}},
        {"token = 0123456789", "token = abc", {":4:", "8..127"}},
        {"poll_s = 2", "link_tls_port = 8485", {"end of the file", "needs tls_ca"}},
        {"poll_s = 2", "link_mqtt = mqtts://broker:8883", {":5:", "HOST:PORT/PREFIX"}},
        {"poll_s = 2", "link_mqtt = mqtt://broker:1883/a/#", {":5:", "HOST:PORT/PREFIX"}},
        {"poll_s = 2", "link_mqtt = udp://broker:1883", {":5:", "HOST:PORT/PREFIX"}},
        {"[plan home]", "[planet home]", {":6:", "unknown section: 'planet'"}},
        {"file = plan.ini", "file = none.ini", {":7:", "cannot be opened"}},
        {"plan = home", "plan = away", {":10:", "no such [plan]"}},
        {"phases = 3", "phases = 2", {":11:", "phases"}},
        {"00:00:00Z", "00:00Z", {":12:", "installed"}},
        {"password = secret", "", {"end of the file", "needs a password"}},
        {"host = 127.0.0.1", "", {"end of the file", "host and plan"}},
        {"password = secret", "role = management", {"end of the file", "ek, ak and title"}},
        {"password = secret", "ek = 00zz", {":13:", "not shown"}},
        {"password = secret", "password secret", {":13:", "key = value"}},
        {"password = secret", "password = s\n[meter WK-1]", {":14:", "there already"}},
        {"[meter WK-1]", "[meter a/b]", {":8:", "serial number"}},
        {"archive = a.db", "", {"end of the file", "archive"}},
    };
    struct wk_registry r;
    set_up();
    for (size_t i = 0; i < sizeof k_faults / sizeof k_faults[0]; i++) {
        write_file(config_path, changed(k_config, k_faults[i].from, k_faults[i].to));
        why[0] = '\0';
        EXPECT(wk_registry_read(config_path, &r, why) != WK_OK);
        if (strstr(why, k_faults[i].wanted[0]) == NULL ||
            strstr(why, k_faults[i].wanted[1]) == NULL) {
            printf("# fault %zu gave: %s\n", i, why);
        }
        EXPECT(strstr(why, k_faults[i].wanted[0]) != NULL);
        EXPECT(strstr(why, k_faults[i].wanted[1]) != NULL);
    }
    tear_down();
}

static void every_fault_of_a_plan_is_named(void)
{
    static const struct fault k_faults[] = {
        {"currency = EUR", "currency = euro", {":4:", "euro"}},
        {"central-europe", "mars", {":5:", "mars"}},
        {"0.25", "0.2500001", {":6:", "0.2500001"}},
        {"vat_percent = 19", "vat_percent = 101", {":7:", "101"}},
        {"vat_percent = 19\n", "", {"plan.ini", "vat_percent"}},
        {"[rate t1]", "[rate t5]", {":8:", "t1, t2, t3 or t4"}},
        {"0.3142", "1e3", {":10:", "at most 6 decimals"}},
        {"from = 10-01", "from = 13-01", {":15:", "MM-DD"}},
        {"winter mon-fri", "autumn mon-fri", {":18:", "no season"}},
        {"winter mon-fri", "winter moon", {":18:", "mon-fri"}},
        {"00:00 t2, 06:00 t1", "01:00 t2, 06:00 t1", {":19:", "bands must"}},
        {"06:00 t1, 22:00 t2", "06:00 t1, 06:00 t2", {":19:", "bands must"}},
        {"06:00 t1, 22:00 t2", "06:00 t1,", {":19:", "bands must"}},
        {"06:00 t1", "06:00 t4", {"plan.ini", "without a price"}},
        {"sat,sun", "sat", {"plan.ini", "not all weekdays"}},
        {"sat,sun", "fri-sun", {":21:", "bands already"}},
        {"2007-12-25", "2007-02-30", {":24:", "needs a date"}},
        {"as = sun", "as = sunday", {":25:", "sunday"}},
    };
    struct wk_plan plan;
    set_up();
    for (size_t i = 0; i < sizeof k_faults / sizeof k_faults[0]; i++) {
        write_file(plan_path, changed(k_plan, k_faults[i].from, k_faults[i].to));
        why[0] = '\0';
        const wk_err err = wk_plan_read(plan_path, &plan, why);
        if (err == WK_OK || strstr(why, k_faults[i].wanted[0]) == NULL ||
            strstr(why, k_faults[i].wanted[1]) == NULL) {
            printf("# fault %zu gave %s: %s\n", i, wk_err_name(err), why);
        }
        EXPECT(err != WK_OK);
        EXPECT(strstr(why, k_faults[i].wanted[0]) != NULL);
        EXPECT(strstr(why, k_faults[i].wanted[1]) != NULL);
    }
    tear_down();
}

static int rate_at(const struct wk_plan *plan, const char *stamp)
{
    int64_t utc_s;
    int rate = -1;
    return wk_stamp_parse(stamp, &utc_s) == WK_OK &&
                   wk_plan_rate_at(plan, utc_s, &rate) == WK_OK
               ? rate + 1
               : -1;
}

static void rates_follow_season_weekday_special_days_and_summer_time(void)
{
    struct wk_plan plan;
    set_up();
    EXPECT_OK(wk_plan_read(plan_path, &plan, why));
    EXPECT_I64(2, rate_at(&plan, "2007-02-01T04:59:59Z")); /* Thursday 05:59 local */
    EXPECT_I64(1, rate_at(&plan, "2007-02-01T05:00:00Z")); /* 06:00 */
    EXPECT_I64(2, rate_at(&plan, "2007-02-01T21:00:00Z")); /* 22:00 */
    EXPECT_I64(2, rate_at(&plan, "2007-02-03T11:00:00Z")); /* Saturday */
    EXPECT_I64(2, rate_at(&plan, "2007-03-31T21:59:59Z")); /* 23:59 in winter's calendar */
    EXPECT_I64(1, rate_at(&plan, "2007-03-31T22:00:00Z")); /* 1 April 00:00 local */
    EXPECT_I64(2, rate_at(&plan, "2007-12-25T11:00:00Z")); /* a Tuesday billed as Sunday */
    EXPECT_I64(1, rate_at(&plan, "2007-12-27T11:00:00Z"));
    tear_down();
}

static void zones_and_stamps_are_read_strictly(void)
{
    struct wk_zone zone;
    int64_t utc_s;
    EXPECT_OK(wk_stamp_parse_zone("-03:30", &zone));
    EXPECT_I64(-210, zone.offset_min);
    EXPECT_ERR(WK_E_FORMAT, wk_stamp_parse_zone("+5:30", &zone));
    EXPECT_ERR(WK_E_FORMAT, wk_stamp_parse_zone("+15:00", &zone));
    EXPECT_OK(wk_stamp_parse("2106-01-01T00:00:00Z", &utc_s) == WK_E_RANGE ? WK_OK : WK_E_IO);
    EXPECT_ERR(WK_E_FORMAT, wk_stamp_parse("2007-02-01T00:00:00Z ", &utc_s));
    EXPECT_ERR(WK_E_RANGE, wk_stamp_parse("2007-02-29T00:00:00Z", &utc_s));
}

WK_TEST_MAIN(T(a_configuration_is_read_whole), T(a_broker_is_read_with_its_prefix),
             T(every_fault_of_a_configuration_is_named_with_its_line),
             T(every_fault_of_a_plan_is_named),
             T(rates_follow_season_weekday_special_days_and_summer_time),
             T(zones_and_stamps_are_read_strictly))
