/* SPDX-License-Identifier: Apache-2.0
 *
 * wk image - firmware images: signs and shows them, brings them to a meter and into force. */
#include "app/wk_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "app/wk.h"
#include "port/linux/pem.h"

static struct wk_image_order order;

static const char k_help[] =
    "usage: wk image key KEY.pem\n"
    "       wk image sign --key KEY.pem --version A.B.C PROGRAM IMAGE\n"
    "       wk image show IMAGE [--key KEY.pem]\n"
    "       wk image send|status|verify|activate HOST[:PORT] [IMAGE] [OPTIONS]\n"
    "key prints the maker's public key as the configuration of a meter has it; sign makes an\n"
    "image of an executable; show tells what an image is and whether it is whole, with --key\n"
    "also whether that maker signed it. send brings an image to a meter and has it verified:\n"
    "blocks that are there already are not sent again, so after a failure say it once more.\n"
    "activate puts the verified image into force and waits until it shows that it works.\n"
    "  --key FILE         private key in PEM, P-256 or P-384; key, show: or a certificate\n"
    "  --version A.B.C    of the program; meters take only what is newer than what they ran\n"
    "  --hardware TEXT    what it runs on (linux- and this machine's processor)\n"
    "  --name TEXT        for people (the name of the program's file)\n"
    "  --continue         send: do not initiate a transfer, go on with the one under way\n"
    "  --activate         send: activate it, too\n" WK_METER_OPTIONS;

/* ---- files ------------------------------------------------------------------------------- */

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "wk: %s: %s\n", what, why);
    return false;
}

uint8_t *wk_image_file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *octets = file != NULL ? malloc(WK_IMAGE_FILE_MOST) : NULL;
    if (octets == NULL) {
        complain(path, strerror(errno));
    } else {
        *size = fread(octets, 1, WK_IMAGE_FILE_MOST, file);
        if (ferror(file) != 0 || *size == WK_IMAGE_FILE_MOST || *size == 0) {
            complain(path, ferror(file) != 0 ? strerror(errno)
                                             : "must have 1 octet to less than 64 MiB");
            free(octets);
            octets = NULL;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return octets;
}

bool wk_image_file_check(const char *path, const uint8_t *octets, size_t size,
                         struct wk_image_header *header)
{
    uint8_t digest[WK_IMAGE_DIGEST];
    struct wk_crypto crypto;
    if (size < WK_IMAGE_HEADER || wk_image_header_read(octets, header) != WK_OK) {
        return complain(path, "is no firmware image: \"wk image sign\" makes one");
    }
    if (header->size != size - WK_IMAGE_HEADER) {
        return complain(path, "is not whole: its size is not the one in its head");
    }
    const bool good =
        wk_crypto_init(&crypto) == WK_OK &&
        crypto.hal.sha256(&crypto, octets + WK_IMAGE_HEADER, header->size, digest) == WK_OK;
    wk_crypto_close(&crypto);
    return good && memcmp(digest, header->digest, sizeof digest) == 0
               ? true
               : complain(path, "is damaged: its octets are not those that were signed");
}

static bool write_file(const char *path, const uint8_t *head, const uint8_t *octets,
                       size_t size)
{
    FILE *file = fopen(path, "wbe");
    bool good = file != NULL && fwrite(head, 1, WK_IMAGE_HEADER, file) == WK_IMAGE_HEADER &&
                fwrite(octets, 1, size, file) == size;
    good = file != NULL && fclose(file) == 0 && good;
    return good ? true : complain(path, strerror(errno));
}

/* ---- what needs no meter ----------------------------------------------------------------- */

/* A key pair; or a certificate, which has the public key only: then key->size is 0. */
static bool read_key(const char *path, struct wk_hal_private *key, struct wk_image_maker *maker)
{
    char error[WK_PEM_ERROR];
    char of_certificate[WK_PEM_ERROR];
    if (wk_pem_private(path, key, maker->point, error) == WK_OK) {
        maker->size = key->size;
        return true;
    }
    *key = (struct wk_hal_private){.size = 0};
    if (wk_pem_point(path, maker->point, &maker->size, of_certificate) == WK_OK) {
        return true;
    }
    fprintf(stderr,
            "wk: %s; \"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256\" makes "
            "one\n",
            error);
    return false;
}

static void print_hex(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        printf("%02x", octets[i]);
    }
}

static int run_key(const char *path)
{
    struct wk_hal_private key;
    struct wk_image_maker maker = {0};
    if (!read_key(path, &key, &maker)) {
        return WK_EXIT_FAILED;
    }
    printf("maker_key = ");
    print_hex(maker.point, 2U * maker.size);
    printf("\n");
    return WK_EXIT_OK;
}

static bool set_text(const char *option, const char *value, char *to, size_t most)
{
    if (value[0] == '\0' || strlen(value) > most) {
        fprintf(stderr, "wk: %s \"%s\": must have 1 to %zu characters\n", option, value, most);
        return false;
    }
    snprintf(to, most + 1, "%s", value);
    return true;
}

static bool describe(struct wk_image_header *header, const char *program)
{
    char usual[WK_IMAGE_HARDWARE + 1];
    struct utsname machine;
    const char *slash = strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    snprintf(usual, sizeof usual, "linux-%.10s",
             uname(&machine) == 0 ? machine.machine : "unknown");
    if (order.version == NULL ||
        wk_image_version_read(order.version, &header->version) != WK_OK) {
        return complain("--version", "must be given as MAJOR.MINOR.PATCH, such as 1.4.0");
    }
    return set_text("--hardware", order.hardware != NULL ? order.hardware : usual,
                    header->hardware, WK_IMAGE_HARDWARE) &&
           set_text("--name", order.name != NULL ? order.name : name, header->name,
                    WK_IMAGE_NAME);
}

static wk_err seal(struct wk_image_header *header, const struct wk_hal_private *key,
                   const uint8_t *octets, uint8_t head[WK_IMAGE_HEADER])
{
    struct wk_crypto crypto;
    uint8_t hash[WK_HAL_HASH];
    WK_TRY(wk_crypto_init(&crypto));
    wk_err err = crypto.hal.sha256(&crypto, octets, header->size, header->digest);
    err = err == WK_OK ? wk_image_header_write(header, head) : err;
    err = err == WK_OK ? wk_image_header_hash(&crypto.hal, key->size, head, hash) : err;
    err = err == WK_OK ? crypto.hal.sign(&crypto, key, hash, header->signature) : err;
    wk_crypto_close(&crypto);
    return err == WK_OK ? wk_image_header_write(header, head) : err;
}

static int run_sign(const char *program, const char *path)
{
    struct wk_image_header header = {0};
    struct wk_hal_private key = {0};
    struct wk_image_maker maker = {0};
    uint8_t head[WK_IMAGE_HEADER];
    size_t size = 0;
    if (order.key == NULL) {
        complain("--key", "must name the file with the maker's key pair");
        return WK_EXIT_USAGE;
    }
    if (!describe(&header, program)) {
        return WK_EXIT_USAGE;
    }
    if (!read_key(order.key, &key, &maker)) {
        return WK_EXIT_FAILED;
    }
    if (key.size == 0) {
        complain(order.key, "is a certificate: signing needs the private key");
        return WK_EXIT_FAILED;
    }
    uint8_t *octets = wk_image_file_read(program, &size);
    if (octets == NULL) {
        return WK_EXIT_FAILED;
    }
    header.size = (uint32_t)size;
    header.curve = key.size;
    const wk_err err = seal(&header, &key, octets, head);
    const bool good =
        err == WK_OK ? write_file(path, head, octets, size) : complain(path, wk_err_text(err));
    free(octets);
    memset(&key, 0, sizeof key);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

static void print_header(const struct wk_image_header *header, const char *is_signed)
{
    char version[WK_IMAGE_VERSION_TEXT];
    const bool json = order.meter.json;
    wk_image_version_print(header->version, version);
    printf(json ? "{\"name\":\"%s\",\"version\":\"%s\",\"hardware\":\"%s\",\"octets\":%" PRIu32
                  ",\"sha256\":\""
                : "name:     %s\nversion:  %s\nhardware: %s\noctets:   %" PRIu32 "\nsha256:   ",
           header->name, version, header->hardware, header->size);
    print_hex(header->digest, sizeof header->digest);
    printf(json ? "\",\"curve\":\"P-%d\",\"signature\":\"%s\"}\n" : "\nsigned:   P-%d, %s\n",
           header->curve * 8, is_signed);
}

static int run_show(const char *path)
{
    struct wk_image_header header;
    struct wk_hal_private key;
    struct wk_image_maker maker = {0};
    struct wk_crypto crypto;
    size_t size = 0;
    if (order.key != NULL && !read_key(order.key, &key, &maker)) {
        return WK_EXIT_FAILED;
    }
    uint8_t *octets = wk_image_file_read(path, &size);
    bool good = octets != NULL && wk_image_file_check(path, octets, size, &header);
    if (good && order.key != NULL) {
        good = wk_crypto_init(&crypto) == WK_OK &&
               wk_image_header_verify(&crypto.hal, &maker, octets, &header) == WK_OK;
        wk_crypto_close(&crypto);
        print_header(&header, good ? "by this key" : "not by this key");
    } else if (good) {
        print_header(&header, "not checked: no --key");
    }
    free(octets);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

/* ---- the command ------------------------------------------------------------------------- */

enum { KEY = 1, VERSION, HARDWARE, NAME, CONTINUE, ACTIVATE };

static bool take_option(int option, const char *value)
{
    switch (option) {
    case KEY:
        order.key = value;
        return true;
    case VERSION:
        order.version = value;
        return true;
    case HARDWARE:
        order.hardware = value;
        return true;
    case NAME:
        order.name = value;
        return true;
    case CONTINUE:
        order.goes_on = true;
        return true;
    case ACTIVATE:
        order.activates = true;
        return true;
    default:
        return wk_meter_option(&order.meter, option, value);
    }
}

static int run(const char *what, int given, char **words)
{
    const bool sends = strcmp(what, "send") == 0;
    if (strcmp(what, "key") == 0 && given == 1) {
        return run_key(words[0]);
    }
    if (strcmp(what, "sign") == 0 && given == 2) {
        return run_sign(words[0], words[1]);
    }
    if (strcmp(what, "show") == 0 && given == 1) {
        return run_show(words[0]);
    }
    const bool asks = strcmp(what, "status") == 0 || strcmp(what, "verify") == 0 ||
                      strcmp(what, "activate") == 0;
    if (!(sends && given == 2) && !(asks && given == 1)) {
        fprintf(stderr, "wk: wk image key|sign|show|send|status|verify|activate ...; \"wk help "
                        "image\" tells more\n");
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&order.meter, words[0])) {
        return WK_EXIT_USAGE;
    }
    return sends                         ? wk_image_send(&order, words[1])
           : strcmp(what, "status") == 0 ? wk_image_show_status(&order)
                                         : wk_image_ask(&order, what[0] == 'a');
}

int wk_image_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"key", required_argument, NULL, KEY},
                                              {"version", required_argument, NULL, VERSION},
                                              {"hardware", required_argument, NULL, HARDWARE},
                                              {"name", required_argument, NULL, NAME},
                                              {"continue", no_argument, NULL, CONTINUE},
                                              {"activate", no_argument, NULL, ACTIVATE},
                                              WK_METER_LONG_OPTIONS,
                                              {0}};
    int option;
    wk_meter_init(&order.meter, WK_DLMS_CLIENT_MANAGEMENT);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (order.meter.wants_help) {
        printf("%s", k_help);
        return WK_EXIT_OK;
    }
    const int given = argc - optind;
    return run(given > 0 ? argv[optind] : "", given - 1, argv + optind + 1);
}
