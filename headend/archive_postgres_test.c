/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a server can do to an archive: end, lose an answer, refuse, be somebody else. Run by
 * tests/chain/test_postgres.py, which starts the server; WK_TEST_ARCHIVE is a database of it,
 * WK_TEST_SOCKET the folder of its socket. */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "headend/archive_postgres.h"
#include "headend/archive_postgres_db.h"
#include "headend/test_archive.h"
#include "tests/wk_test.h"

#define MANY 5000

static struct test_archive t;
static struct wk_archive *const a = &t.archive;

static struct wk_archive_record record(int64_t seq)
{
    static const uint8_t k_octets[] = "what a meter sent";
    return (struct wk_archive_record){
        .meter = t.meter, .epoch = -5, .seq = seq, .octets = k_octets, .size = sizeof k_octets};
}

static wk_err count_record(void *context, const struct wk_archive_record *row)
{
    int64_t *count = context;
    return row->size == 18 && row->seq == (*count)++ ? WK_OK : WK_E_CORRUPT;
}

static int64_t records(void)
{
    int64_t count = 0;
    const struct wk_archive_record key = record(0);
    return a->record_each(a->self, &key, 2 * MANY, count_record, &count) == WK_OK ? count : -1;
}

static wk_err put_records(int64_t first, int64_t count)
{
    WK_TRY(a->begin(a->self));
    for (int64_t i = first; i < first + count; i++) {
        const struct wk_archive_record row = record(i);
        WK_TRY(a->record_put(a->self, &row));
    }
    const wk_err err = a->commit(a->self);
    a->rollback(a->self);
    return err;
}

/* The server ends all sessions but the one that asks. */
static bool end_sessions(void)
{
    const bool is_done = test_archive_sql(
        &t, "DO 'BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND pid <> pg_backend_pid(); END'");
    usleep(100000);
    return is_done;
}

static void records_go_to_the_server_together(void)
{
    struct timespec from;
    struct timespec to;
    test_archive_open(&t, 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    EXPECT_OK(put_records(0, MANY));
    clock_gettime(CLOCK_MONOTONIC, &to);
    EXPECT_I64(MANY, records());
    EXPECT_OK(put_records(0, MANY + 1)); /* all but one are known */
    EXPECT_I64(MANY + 1, records());
    printf("# %.0f records/s in one transaction of %d\n",
           MANY /
               ((double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec)),
           MANY);
    test_archive_close(&t);
}

static void a_lost_connection_fails_its_transaction_and_the_next_begins_anew(void)
{
    struct wk_archive_record row;
    test_archive_open(&t, 0);
    EXPECT_OK(put_records(0, 10));
    EXPECT_OK(a->begin(a->self));
    row = record(10);
    EXPECT_OK(a->record_put(a->self, &row));
    EXPECT(end_sessions());
    EXPECT_ERR(WK_E_IO, a->commit(a->self));
    EXPECT(strstr(a->why(a->self), "terminating") != NULL ||
           strstr(a->why(a->self), "lost") != NULL);
    EXPECT_ERR(WK_E_IO, a->record_put(a->self, &row)); /* until it is rolled back */
    a->rollback(a->self);
    EXPECT_I64(10, records());
    EXPECT_OK(put_records(10, 10));
    EXPECT_I64(20, records());
    test_archive_close(&t);
}

static void a_connection_that_died_idle_is_not_noticed_outside(void)
{
    test_archive_open(&t, 0);
    EXPECT_OK(put_records(0, 3));
    EXPECT(end_sessions());
    EXPECT_I64(3, records());
    EXPECT(end_sessions());
    EXPECT_OK(put_records(3, 3));
    EXPECT(end_sessions());
    EXPECT_OK(a->mark_put(a->self, t.meter, WK_MARK_READ, 9));
    test_archive_close(&t);
}

static void what_fails_in_the_pipeline_fails_the_commit(void)
{
    struct wk_archive_record row;
    test_archive_open(&t, 0);
    EXPECT(test_archive_sql(&t,
                            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                            "\\$\\$ BEGIN IF NEW.seq = 2 THEN RAISE 'No space left on "
                            "device' USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END "
                            "\\$\\$; CREATE TRIGGER full_disk BEFORE INSERT ON link_record "
                            "FOR EACH ROW EXECUTE FUNCTION full_disk()"));
    EXPECT_ERR(WK_E_FULL, put_records(0, 4));
    EXPECT(strstr(a->why(a->self), "No space") != NULL);
    EXPECT_I64(0, records());
    EXPECT_OK(a->begin(a->self));
    for (int64_t i = 0; i < 4; i++) {
        row = record(i);
        EXPECT_OK(a->record_put(a->self, &row));
    }
    int64_t value;
    EXPECT_ERR(WK_E_FULL, a->mark_get(a->self, t.meter, WK_MARK_READ, &value));
    EXPECT_ERR(WK_E_FULL, a->commit(a->self));
    a->rollback(a->self);
    EXPECT_OK(put_records(0, 2));
    EXPECT_I64(2, records());
    test_archive_close(&t);
}

/* ---- a commit in doubt ------------------------------------------------------------------- */

/* Between a client and the server: carries octets, and, when it is armed, loses the answer to COMMIT. */
struct relay {
    int listener;
    volatile bool armed;
    volatile bool ended;
    char server[108];
};

static bool carry(int from, int to, bool *is_commit)
{
    char octets[8192];
    const ssize_t size = read(from, octets, sizeof octets);
    *is_commit = size > 0 && memmem(octets, (size_t)size, "COMMIT", 6) != NULL;
    return size > 0 && write(to, octets, (size_t)size) == size;
}

static void relay_one(struct relay *relay, int client)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(to.sun_path, relay->server, sizeof to.sun_path);
    bool goes_on = connect(server, (const struct sockaddr *)&to, sizeof to) == 0;
    while (goes_on && !relay->ended) {
        struct pollfd events[] = {{.fd = client, .events = POLLIN},
                                  {.fd = server, .events = POLLIN}};
        bool is_commit = false;
        bool answer;
        poll(events, 2, 100);
        if (events[0].revents != 0) {
            goes_on = carry(client, server, &is_commit);
        } else if (events[1].revents != 0) {
            goes_on = carry(server, client, &answer);
        }
        if (is_commit && relay->armed) {
            relay->armed = false;
            goes_on = poll(&events[1], 1, 5000) < 0; /* it has answered: it is committed */
        }
    }
    close(server);
    close(client);
}

static void *relay_all(void *self)
{
    struct relay *relay = self;
    while (!relay->ended) {
        struct pollfd event = {.fd = relay->listener, .events = POLLIN};
        if (poll(&event, 1, 50) > 0) {
            relay_one(relay, accept(relay->listener, NULL, NULL));
        }
    }
    return NULL;
}

static void a_commit_whose_answer_is_lost_can_be_repeated(void)
{
    static struct relay relay;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    pthread_t thread;
    char path[64] = "/tmp/wk-relay-XXXXXX";
    char address[256];
    char why[WK_ARCHIVE_WHY];
    struct wk_archive direct;
    test_archive_open(&t, 0);
    EXPECT(mkdtemp(path) != NULL);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.5432", path);
    snprintf(relay.server, sizeof relay.server, "%s/.s.PGSQL.5432", getenv("WK_TEST_SOCKET"));
    relay.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_I64(0, bind(relay.listener, (const struct sockaddr *)&at, sizeof at));
    EXPECT_I64(0, listen(relay.listener, 4));
    EXPECT_I64(0, pthread_create(&thread, NULL, relay_all, &relay));
    snprintf(address, sizeof address, "postgresql://wattkeeper@/a?host=%s", path);
    direct = t.archive;
    EXPECT_OK(wk_archive_postgres_open(address, TEST_INSTANCE, &t.archive, why));
    EXPECT_OK(put_records(0, 5));
    relay.armed = true;
    EXPECT_ERR(WK_E_IO, put_records(5, 5));
    EXPECT(!relay.armed);
    EXPECT_I64(10, records()); /* it was committed, and nobody was told */
    EXPECT_OK(put_records(5, 5));
    EXPECT_I64(10, records());
    t.archive.close(t.archive.self);
    t.archive = direct;
    relay.ended = true;
    pthread_join(thread, NULL);
    close(relay.listener);
    unlink(at.sun_path);
    rmdir(path);
    test_archive_close(&t);
}

/* ---- whom it is ---------------------------------------------------------------------------- */

static wk_err connect_once(const char *address, uint32_t instance, char why[WK_ARCHIVE_WHY])
{
    static struct wk_postgres db;
    db = (struct wk_postgres){.instance = instance};
    snprintf(db.address, sizeof db.address, "%s", address);
    const wk_err err = wk_postgres_connect(&db);
    snprintf(why, WK_ARCHIVE_WHY, "%s", db.sql.why);
    wk_postgres_disconnect(&db);
    return err;
}

static void two_head_ends_do_not_share_a_database(void)
{
    char why[WK_ARCHIVE_WHY];
    struct wk_archive other;
    test_archive_open(&t, 0);
    EXPECT_OK(connect_once(t.database, TEST_INSTANCE, why)); /* another handle of the same */
    EXPECT_ERR(WK_E_BUSY, connect_once(t.database, 0xFFFFFFF0U, why));
    EXPECT(strstr(why, "another head-end has this database: wk-headendd (process") != NULL);
    const pid_t child = fork();
    if (child == 0) {
        _exit(wk_archive_postgres_open(t.database, 99, &other, why) == WK_OK ? 0 : 1);
    }
    usleep(600000);
    test_archive_close(&t); /* now the other one may begin */
    int status = -1;
    EXPECT_I64(child, waitpid(child, &status, 0));
    EXPECT_I64(0, status);
}

static void another_archive_at_the_same_address_is_refused(void)
{
    char why[WK_ARCHIVE_WHY];
    test_archive_open(&t, 0);
    EXPECT(test_archive_sql(&t, "DROP SCHEMA wattkeeper CASCADE"));
    EXPECT(end_sessions());
    EXPECT_ERR(WK_E_CORRUPT, a->begin(a->self));
    EXPECT(strstr(a->why(a->self), "gone") != NULL);
    EXPECT_OK(connect_once(t.database, TEST_INSTANCE, why)); /* makes a fresh one */
    usleep(600000);
    EXPECT_ERR(WK_E_CORRUPT, a->begin(a->self));
    EXPECT(strstr(a->why(a->self), "another archive than before") != NULL);
    test_archive_close(&t);
}

static void what_is_wrong_is_said_and_what_to_do(void)
{
    static const struct {
        const char *address; /* % = folder of the socket */
        wk_err err;
        const char *says;
    } k_cases[] = {
        {"postgresql:///a?host=/nowhere", WK_E_IO, "is the server running"},
        {"postgresql://wattkeeper@/missing?host=%s", WK_E_IO, "createdb -E UTF8"},
        {"postgresql://nobody_there@/a?host=%s", WK_E_IO, "createuser"},
        {"postgresql://locked:secret-wrong@/a?host=%s", WK_E_IO, "the password is wrong"},
        {"postgresql://locked@/a?host=%s", WK_E_IO, "it wants a password"},
        {"postgresql://locked:right@/a?host=%s", WK_E_IO, "let the role own the database"},
        {"postgresql://wattkeeper@/latin?host=%s", WK_E_UNSUPPORTED, "not in UTF-8"},
        {"postgresql://wattkeeper@/a?host=%s&nonsense=1", WK_E_IO, "nonsense"},
    };
    test_archive_open(&t, 0);
    EXPECT(test_archive_sql(&t, "DROP SCHEMA wattkeeper CASCADE"));
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        char address[256];
        char why[WK_ARCHIVE_WHY];
        snprintf(address, sizeof address, k_cases[i].address, getenv("WK_TEST_SOCKET"));
        const wk_err err = connect_once(address, TEST_INSTANCE, why);
        printf("# %s\n", why);
        EXPECT_I64(k_cases[i].err, err);
        EXPECT(strstr(why, k_cases[i].says) != NULL);
        EXPECT(strstr(why, "secret") == NULL && strchr(why, '\n') == NULL);
    }
    test_archive_close(&t);
}

static bool set_fsync(const char *value)
{
    char command[512];
    snprintf(command, sizeof command,
             "psql -X -q -d '%s' -c \"ALTER SYSTEM SET fsync = %s\" -c \"SELECT "
             "pg_reload_conf()\" >/dev/null",
             t.database, value);
    const bool is_done = system(command) == 0;
    usleep(200000);
    return is_done;
}

static void a_server_that_does_not_keep_what_it_commits_is_refused(void)
{
    char why[WK_ARCHIVE_WHY];
    test_archive_open(&t, 0);
    EXPECT(set_fsync("off"));
    const wk_err err = connect_once(t.database, TEST_INSTANCE, why);
    EXPECT(set_fsync("on"));
    EXPECT_I64(WK_E_UNSUPPORTED, err);
    EXPECT(strstr(why, "fsync = on") != NULL);
    EXPECT(test_archive_sql(&t, "ALTER ROLE wattkeeper SET synchronous_commit TO off"));
    EXPECT(end_sessions());
    EXPECT_OK(put_records(0, 1));
    EXPECT(test_archive_sql(&t, "ALTER ROLE wattkeeper RESET synchronous_commit"));
    PGresult *is = NULL;
    struct wk_postgres *db = a->self;
    EXPECT_OK(wk_postgres_execute(db, "SHOW synchronous_commit", &is));
    const bool is_on = strcmp(PQgetvalue(is, 0, 0), "on") == 0;
    PQclear(is);
    EXPECT(is_on);
    test_archive_close(&t);
}

static wk_err see_text(void *context, const struct wk_archive_exception *row)
{
    snprintf(context, WK_ARCHIVE_TEXT, "%s", row->text);
    return WK_OK;
}

static void octets_that_are_no_text_do_not_stop_it(void)
{
    struct wk_archive_exception row = {.kind = "changed",
                                       .text = "caf\xC3\xA9 \xE2\x82\xAC \xFF"
                                               "\xC3"};
    char got[WK_ARCHIVE_TEXT] = "";
    test_archive_open(&t, 0);
    row.meter = t.meter;
    EXPECT_OK(a->exception_put(a->self, &row));
    EXPECT_ERR(WK_E_STATE, a->exception_put(a->self, &row));
    EXPECT_OK(a->exception_each(a->self, t.meter, see_text, got));
    EXPECT(strcmp(got, "caf\xC3\xA9 \xE2\x82\xAC ??") == 0);
    test_archive_close(&t);
}

WK_TEST_MAIN(T(records_go_to_the_server_together),
             T(a_lost_connection_fails_its_transaction_and_the_next_begins_anew),
             T(a_connection_that_died_idle_is_not_noticed_outside),
             T(what_fails_in_the_pipeline_fails_the_commit),
             T(a_commit_whose_answer_is_lost_can_be_repeated),
             T(two_head_ends_do_not_share_a_database),
             T(another_archive_at_the_same_address_is_refused),
             T(what_is_wrong_is_said_and_what_to_do),
             T(a_server_that_does_not_keep_what_it_commits_is_refused),
             T(octets_that_are_no_text_do_not_stop_it))
