/* SPDX-License-Identifier: Apache-2.0
 *
 * wk audit - follows the chain of a meter's security log, offline. */
#include <inttypes.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_store.h"
#include "base/civil.h"
#include "daemon/layout.h"
#include "management/module_pack.h"
#include "port/linux/crypto.h"
#include "port/linux/flash_file.h"

static const char k_help[] =
    "usage: wk audit IMAGE [HASH]\n\n"
    "Proves that nobody changed, removed or put in an entry of the security log: each entry "
    "holds\n"
    "the SHA-256 of the one before it. IMAGE is the file \"store\" in a meter's state "
    "directory, or\n"
    "the content of its flash; it is not changed.\n\n"
    "HASH is the newest hash as noted elsewhere, 64 hexadecimal digits, at a time when the log "
    "was\n"
    "the same. Without it the hash in the image is taken: that shows a change of the log "
    "alone,\n"
    "but not one by somebody who wrote log and hash anew.\n\n"
    "Exit status 0: the chain holds; 1: it does not, or the image cannot be read.\n";

static void print_hash(const uint8_t hash[WK_EVENT_CHAIN])
{
    for (int i = 0; i < WK_EVENT_CHAIN; i++) {
        printf("%02x", hash[i]);
    }
    printf("\n");
}

static bool read_hash(const char *text, uint8_t hash[WK_EVENT_CHAIN])
{
    static const char k_digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * WK_EVENT_CHAIN) {
        return false;
    }
    for (size_t i = 0; i < 2 * WK_EVENT_CHAIN; i++) {
        const char *digit = strchr(k_digits, text[i] | 0x20);
        if (digit == NULL || *digit == '\0') {
            return false;
        }
        hash[i / 2] = (uint8_t)(hash[i / 2] << 4 | (digit - k_digits));
    }
    return true;
}

static void print_broken(const struct wk_image *image, uint64_t number)
{
    struct wk_event event;
    struct wk_civil civil;
    struct wk_store_reader reader = {.number = number};
    if (wk_event_read(&image->store, WK_ROOMS_LOG_SECURITY, &reader, &event) == WK_OK &&
        wk_civil_from_utc(&wk_zone_utc, event.at, &civil) == WK_OK) {
        printf("entry %" PRIu64 " does not follow from the one before it: %04u-%02u-%02u "
               "%02u:%02u:%02u UTC, %s\n",
               number, civil.year, civil.month, civil.day, civil.hour, civil.minute,
               civil.second, wk_event_text(event.code));
    } else {
        printf("entry %" PRIu64 " cannot be read\n", number);
    }
}

/* Whether the chain holds. */
static bool report(const struct wk_image *image, const struct wk_event_proof *proof,
                   const uint8_t head[WK_EVENT_CHAIN])
{
    if (proof->broken != proof->next) {
        print_broken(image, proof->broken);
        return false;
    }
    printf("entries %" PRIu64 " to %" PRIu64 " follow from each other\n", proof->oldest,
           proof->next > 0 ? proof->next - 1 : 0);
    if (!proof->head_fits) {
        printf("but they do not lead to the hash: entries were cut off or written anew\n");
        return false;
    }
    printf("newest hash: ");
    print_hash(head);
    return true;
}

static int audit(struct wk_image *image, const char *noted)
{
    uint8_t head[WK_EVENT_CHAIN] = {0};
    struct wk_crypto crypto;
    struct wk_event_proof proof;
    size_t size = 0;
    if (image->mounted != WK_OK) {
        fprintf(stderr, "wk audit: the store cannot be read: %s; see \"wk store check\"\n",
                wk_err_text(image->mounted));
        return WK_EXIT_FAILED;
    }
    image->store.flash = &image->flash.port; /* as recovered: what a meter would read */
    if (noted != NULL && !read_hash(noted, head)) {
        fputs("wk audit: HASH must be 64 hexadecimal digits\n", stderr);
        return WK_EXIT_USAGE;
    }
    const wk_err known = noted != NULL ? WK_OK
                                       : wk_module_value(&image->store, WK_MODULE_KEY_CHAIN,
                                                         head, sizeof head, &size);
    if (known != WK_OK || wk_crypto_init(&crypto) != WK_OK) {
        fprintf(stderr, "wk audit: no newest hash in the image: %s\n", wk_err_text(known));
        return WK_EXIT_FAILED;
    }
    const wk_err err =
        wk_event_verify(&image->store, WK_ROOMS_LOG_SECURITY, &crypto.hal, head, &proof);
    wk_crypto_close(&crypto);
    if (err != WK_OK) {
        fprintf(stderr, "wk audit: the security log cannot be read: %s\n", wk_err_text(err));
        return WK_EXIT_FAILED;
    }
    return report(image, &proof, head) ? WK_EXIT_OK : WK_EXIT_FAILED;
}

int wk_audit_run(int argc, char **argv)
{
    static struct wk_image image;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (argc < 2 || argc > 3) {
        fputs(k_help, stderr);
        return WK_EXIT_USAGE;
    }
    image = (struct wk_image){.layout = wk_layout_meter(),
                              .sector = WK_FLASH_FILE_SECTOR,
                              .unit = WK_FLASH_FILE_UNIT};
    int status = WK_EXIT_FAILED;
    if (wk_image_open(&image, argv[1])) {
        status = audit(&image, argc == 3 ? argv[2] : NULL);
    } else {
        fprintf(stderr, "wk audit: %s\n", image.why);
    }
    wk_image_close(&image);
    return status;
}
