/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of an authority, and the revocation list that is made of it. */
#include <errno.h>
#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/authority_part.h"
#include "port/linux/ini.h"
#include "port/linux/whole_file.h"

#define INDEX     "index"
#define LIST      "crl.pem"
#define LINE_MOST 192 /* octets of a row, most */
#define BACK_S    300 /* clocks differ */

struct rows {
    struct wk_authority_row *row; /* owned */
    size_t count;
};

/* ---- the index --------------------------------------------------------------------------- */

static bool read_row(char *line, struct wk_authority_row *row)
{
    const char *field[5];
    for (size_t i = 0; i < 5; i++) {
        field[i] = strsep(&line, i < 4 ? " " : "\n");
        if (field[i] == NULL) {
            return false;
        }
    }
    *row = (struct wk_authority_row){.serial = ""};
    return wk_ini_text(field[0], row->serial, sizeof row->serial) == WK_OK &&
           wk_ini_integer(field[1], 0, INT64_MAX, &row->from_s) == WK_OK &&
           wk_ini_integer(field[2], 0, INT64_MAX, &row->until_s) == WK_OK &&
           wk_ini_integer(field[3], 0, INT64_MAX, &row->revoked_s) == WK_OK &&
           wk_ini_text(field[4], row->subject, sizeof row->subject) == WK_OK;
}

static wk_err read_rows(const struct wk_authority *authority, struct rows *rows,
                        char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    char line[LINE_MOST];
    wk_authority_path(authority->folder, INDEX, path);
    *rows = (struct rows){calloc(WK_AUTHORITY_MOST, sizeof *rows->row), 0};
    FILE *file = fopen(path, "re");
    if (rows->row == NULL || (file == NULL && errno != ENOENT)) {
        (void)wk_authority_fail(error, WK_E_IO, path, strerror(errno));
        free(rows->row);
        return WK_E_IO;
    }
    bool good = true;
    while (file != NULL && good && fgets(line, sizeof line, file) != NULL) {
        good = rows->count < WK_AUTHORITY_MOST && read_row(line, &rows->row[rows->count]);
        rows->count += good ? 1 : 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!good) {
        (void)wk_authority_fail(error, WK_E_FORMAT, path, "has a line that is no row of it");
        free(rows->row);
        return WK_E_FORMAT;
    }
    return WK_OK;
}

static wk_err write_rows(const struct wk_authority *authority, const struct rows *rows,
                         char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    char *text = calloc(rows->count + 1, LINE_MOST);
    size_t size = 0;
    wk_authority_path(authority->folder, INDEX, path);
    for (size_t i = 0; text != NULL && i < rows->count; i++) {
        const struct wk_authority_row *row = &rows->row[i];
        size += (size_t)snprintf(text + size, LINE_MOST,
                                 "%s %" PRId64 " %" PRId64 " %" PRId64 " %s\n", row->serial,
                                 row->from_s, row->until_s, row->revoked_s, row->subject);
    }
    const wk_err err = text != NULL ? wk_whole_file_put(path, text, size) : WK_E_IO;
    free(text);
    return err == WK_OK ? WK_OK : wk_authority_fail(error, WK_E_IO, path, strerror(errno));
}

wk_err wk_authority_note(const struct wk_authority *authority,
                         const struct wk_authority_row *row, char error[WK_AUTHORITY_ERROR])
{
    struct rows rows;
    WK_TRY(read_rows(authority, &rows, error));
    wk_err err = WK_E_FULL;
    if (rows.count < WK_AUTHORITY_MOST) {
        rows.row[rows.count++] = *row;
        err = write_rows(authority, &rows, error);
    } else {
        (void)wk_authority_fail(error, err, authority->folder, "its index is full");
    }
    free(rows.row);
    return err;
}

wk_err wk_authority_each(const struct wk_authority *authority, wk_authority_visit visit,
                         void *self, char error[WK_AUTHORITY_ERROR])
{
    struct rows rows;
    wk_err err = WK_OK;
    WK_TRY(read_rows(authority, &rows, error));
    for (size_t i = 0; err == WK_OK && i < rows.count; i++) {
        err = visit(self, &rows.row[i]);
    }
    free(rows.row);
    return err;
}

/* ---- the revocation list ----------------------------------------------------------------- */

static bool add_revoked(X509_CRL *list, const struct wk_authority_row *row)
{
    BIGNUM *number = NULL;
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *since = ASN1_TIME_set(NULL, (time_t)row->revoked_s);
    ASN1_INTEGER *serial =
        BN_hex2bn(&number, row->serial) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool good = revoked != NULL && since != NULL && serial != NULL &&
                X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
                X509_REVOKED_set_revocationDate(revoked, since) == 1;
    good = good && X509_CRL_add0_revoked(list, revoked) == 1;
    if (!good) {
        X509_REVOKED_free(revoked);
    }
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(since);
    BN_free(number);
    return good;
}

/* Numbers of lists go up (RFC 5280, 5.2.3): the second in which it was made, and the count. */
static bool number_list(X509_CRL *list, int64_t now_s)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    const bool good = number != NULL && ASN1_INTEGER_set_int64(number, now_s) == 1 &&
                      X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0) == 1;
    ASN1_INTEGER_free(number);
    return good;
}

static bool fill(X509_CRL *list, const struct wk_authority *authority, const struct rows *rows,
                 int64_t now_s, int64_t life_s)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now_s - BACK_S));
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(now_s + life_s));
    bool good = from != NULL && until != NULL &&
                X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->root)) == 1 &&
                X509_CRL_set1_lastUpdate(list, from) == 1 &&
                X509_CRL_set1_nextUpdate(list, until) == 1 && number_list(list, now_s);
    for (size_t i = 0; good && i < rows->count; i++) {
        /* what has expired is refused without the list */
        const bool wanted =
            rows->row[i].revoked_s != 0 && rows->row[i].until_s >= now_s - BACK_S;
        good = !wanted || add_revoked(list, &rows->row[i]);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return good && X509_CRL_sort(list) == 1 &&
           X509_CRL_sign(list, authority->key, wk_authority_hash(authority->key)) > 0;
}

static wk_err write_list(const struct wk_authority *authority, const struct rows *rows,
                         int64_t now_s, int64_t life_s, char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    char *data = NULL;
    X509_CRL *list = X509_CRL_new();
    BIO *text = BIO_new(BIO_s_mem());
    wk_authority_path(authority->folder, LIST, path);
    const bool good = list != NULL && text != NULL &&
                      fill(list, authority, rows, now_s, life_s) &&
                      PEM_write_bio_X509_CRL(text, list) == 1;
    const long size = good ? BIO_get_mem_data(text, &data) : 0;
    const wk_err err = size > 0 ? wk_whole_file_put(path, data, (size_t)size) : WK_E_IO;
    BIO_free(text);
    X509_CRL_free(list);
    return err == WK_OK ? WK_OK
                        : wk_authority_fail(error, WK_E_IO, path, "the list cannot be written");
}

wk_err wk_authority_list(const struct wk_authority *authority, int64_t now_s, int64_t life_s,
                         char error[WK_AUTHORITY_ERROR])
{
    struct rows rows;
    const int lock = wk_authority_lock(authority->folder);
    if (lock < 0) {
        return wk_authority_fail(error, WK_E_IO, authority->folder, strerror(errno));
    }
    wk_err err = read_rows(authority, &rows, error);
    if (err == WK_OK) {
        err = write_list(authority, &rows, now_s, life_s, error);
        free(rows.row);
    }
    (void)close(lock);
    return err;
}

bool wk_authority_list_is_old(const char *folder, int64_t now_s)
{
    char path[WK_AUTHORITY_FILE];
    struct stat status;
    wk_authority_path(folder, LIST, path);
    return stat(path, &status) != 0 ||
           now_s - (int64_t)status.st_mtim.tv_sec > WK_AUTHORITY_LIST_S / 2;
}

/* ---- revoking ---------------------------------------------------------------------------- */

static int mark(struct rows *rows, const char *which, int64_t now_s)
{
    int count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct wk_authority_row *row = &rows->row[i];
        const bool named = strcasecmp(row->serial, which) == 0 ||
                           (strcmp(row->subject, which) == 0 && row->until_s > now_s);
        if (named && row->revoked_s == 0) {
            row->revoked_s = now_s;
            count++;
        }
    }
    return count;
}

static wk_err take_back(const struct wk_authority *authority, const char *which, int64_t now_s,
                        int *count, char error[WK_AUTHORITY_ERROR])
{
    struct rows rows;
    WK_TRY(read_rows(authority, &rows, error));
    *count = mark(&rows, which, now_s);
    wk_err err = *count > 0 ? WK_OK
                            : wk_authority_fail(error, WK_E_NOT_FOUND, which,
                                                "no valid certificate has this number or name");
    if (err == WK_OK) {
        err = write_rows(authority, &rows, error);
    }
    if (err == WK_OK) {
        err = write_list(authority, &rows, now_s, WK_AUTHORITY_LIST_S, error);
    }
    free(rows.row);
    return err;
}

wk_err wk_authority_revoke(const struct wk_authority *authority, const char *which,
                           int64_t now_s, int *count, char error[WK_AUTHORITY_ERROR])
{
    const int lock = wk_authority_lock(authority->folder);
    *count = 0;
    if (lock < 0) {
        return wk_authority_fail(error, WK_E_IO, authority->folder, strerror(errno));
    }
    const wk_err err = take_back(authority, which, now_s, count, error);
    (void)close(lock);
    return err;
}
