/* SPDX-License-Identifier: Apache-2.0 */
#include "management/image_test.h"

#include "tests/wk_test.h"

#define SEED 20261121U

static struct wk_image image;

/* ---- start ------------------------------------------------------------------------------- */

static void restart(uint64_t version)
{
    const struct wk_image_config config = test_config(version);
    EXPECT_OK(wk_image_init(&image, &config));
}

static void begin(void)
{
    EXPECT_OK(test_make_maker(32));
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    test_port = (struct test_port){.stage = WK_OK};
    test_erase_area();
    restart(TEST_RUNS);
}

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* ---- versions and heads ------------------------------------------------------------------ */

static void versions_are_read_and_printed_and_compare_as_numbers(void)
{
    static const char *const k_wrong[] = {
        "",       "1",         "1.2",       "1.2.",           "1.2.3.",
        "1..3",   "65536.0.0", "0.65536.0", "0.0.4294967296", "1.2.x",
        " 1.2.3", "1.2.3 ",    "-1.2.3"};
    char text[WK_IMAGE_VERSION_TEXT];
    uint64_t low;
    uint64_t high;
    EXPECT_OK(wk_image_version_read("1.2.9", &low));
    EXPECT_OK(wk_image_version_read("1.10.0", &high));
    EXPECT(low < high);
    EXPECT_OK(wk_image_version_read("65535.65535.4294967295", &high));
    EXPECT(high == UINT64_MAX);
    wk_image_version_print(high, text);
    EXPECT(strcmp(text, "65535.65535.4294967295") == 0);
    wk_image_version_print(low, text);
    EXPECT(strcmp(text, "1.2.9") == 0);
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        EXPECT_ERR(WK_E_FORMAT, wk_image_version_read(k_wrong[i], &low));
    }
}

/* Offsets of docs/image.md, written down a second time. */
static void a_head_has_its_fields_where_the_document_says(void)
{
    struct wk_image_header header;
    begin();
    EXPECT(memcmp(test_image, "WKIMAGE1\x00\x01\x20\x00", 12) == 0);
    EXPECT_I64(TEST_PAYLOAD & 0xFF, test_image[12]);
    EXPECT(memcmp(test_image + 16, "\x04\0\0\0\x02\0\x01\0", 8) == 0);
    EXPECT(memcmp(test_image + 24, "board-1\0\0\0\0\0\0\0\0\0test\0", 21) == 0);
    EXPECT_OK(wk_image_header_read(test_image, &header));
    EXPECT(memcmp(test_image + 72, header.digest, 32) == 0);
    EXPECT(memcmp(test_image + 160, header.signature, 64) == 0);
    EXPECT(strcmp(header.hardware, "board-1") == 0 && strcmp(header.name, "test") == 0);
    EXPECT_I64(TEST_NEWER, header.version);
    header.hardware[0] = '\0';
    EXPECT_ERR(WK_E_ARGUMENT, wk_image_header_write(&header, test_image));
}

/* ---- transfer ---------------------------------------------------------------------------- */

static void blocks_come_in_any_order_and_repeated(void)
{
    uint32_t state = SEED;
    printf("# seed %u\n", SEED);
    for (int run = 0; run < 20; run++) {
        begin();
        EXPECT_OK(test_initiate(&image));
        EXPECT_I64(TEST_BLOCKS, wk_image_blocks(&image));
        while (wk_image_first_missing(&image) < TEST_BLOCKS) {
            const uint32_t number = draw(&state) % TEST_BLOCKS;
            EXPECT_OK(test_send(&image, number));
            EXPECT(wk_image_has(&image, number));
        }
        EXPECT_I64(TEST_BLOCKS, image.count);
        EXPECT(memcmp(test_octets + (size_t)WK_IMAGE_SECTORS * TEST_SECTOR, test_image,
                      TEST_IMAGE) == 0);
        EXPECT_I64(0, test_flash.violations);
    }
}

static void what_is_no_block_of_the_image_is_refused(void)
{
    begin();
    EXPECT_ERR(WK_E_REFUSED, test_send(&image, 0));
    EXPECT_ERR(WK_E_RANGE, wk_image_initiate(&image, (const uint8_t *)"", 0, TEST_IMAGE));
    EXPECT_ERR(WK_E_RANGE,
               wk_image_initiate(&image, test_image, WK_IMAGE_IDENTIFIER + 1, TEST_IMAGE));
    EXPECT_ERR(WK_E_RANGE, wk_image_initiate(&image, test_image, 4, WK_IMAGE_HEADER));
    EXPECT_ERR(WK_E_RANGE, wk_image_initiate(&image, test_image, 4, UINT32_MAX));
    const uint32_t room = (TEST_SECTORS - WK_IMAGE_SECTORS) * TEST_SECTOR;
    EXPECT_ERR(WK_E_RANGE, wk_image_initiate(&image, test_image, 4, room + 1));
    EXPECT_OK(wk_image_initiate(&image, test_image, 4, room));
    EXPECT_OK(test_initiate(&image));
    EXPECT_ERR(WK_E_RANGE, wk_image_block(&image, TEST_BLOCKS, test_image, TEST_BLOCK));
    EXPECT_ERR(WK_E_RANGE, wk_image_block(&image, UINT32_MAX, test_image, TEST_BLOCK));
    EXPECT_ERR(WK_E_RANGE, wk_image_block(&image, 0, test_image, TEST_BLOCK - 1));
    EXPECT_ERR(WK_E_RANGE, wk_image_block(&image, 0, test_image, TEST_BLOCK + 1));
    EXPECT_ERR(WK_E_RANGE, wk_image_block(&image, TEST_BLOCKS - 1, test_image, TEST_BLOCK));
    EXPECT_I64(0, image.count);
}

static void the_same_image_goes_on_and_another_begins_anew(void)
{
    begin();
    EXPECT_OK(test_initiate(&image));
    EXPECT_OK(test_send(&image, 3));
    EXPECT_OK(test_send(&image, 0));
    EXPECT_OK(test_initiate(&image));
    EXPECT_I64(2, image.count);
    restart(TEST_RUNS);
    EXPECT_I64(WK_IMAGE_INITIATED, image.status);
    EXPECT(wk_image_has(&image, 3) && wk_image_has(&image, 0));
    EXPECT_I64(1, wk_image_first_missing(&image));
    EXPECT_OK(test_initiate(&image));
    EXPECT_I64(2, image.count);
    EXPECT_OK(wk_image_initiate(&image, (const uint8_t *)"tesu", 4, TEST_IMAGE));
    EXPECT_I64(0, image.count);
    EXPECT_OK(test_initiate(&image));
    EXPECT_OK(test_send_all(&image)); /* over what lies there already */
    EXPECT_I64(0, test_flash.violations);
}

static void transfer_can_be_disabled_and_stays_so(void)
{
    begin();
    EXPECT_OK(wk_image_enable(&image, false));
    EXPECT_ERR(WK_E_DENIED, test_initiate(&image));
    EXPECT_ERR(WK_E_DENIED, test_send(&image, 0));
    EXPECT_ERR(WK_E_DENIED, wk_image_verify(&image));
    EXPECT_ERR(WK_E_DENIED, wk_image_activate(&image));
    restart(TEST_RUNS);
    EXPECT(!image.enabled);
    EXPECT_OK(wk_image_enable(&image, true));
    restart(TEST_RUNS);
    EXPECT_OK(test_initiate(&image));
}

/* Marks of blocks cost an erase of a small sector now and then, not one each. */
static void progress_costs_few_erases(void)
{
    const uint32_t images = 50;
    begin();
    const uint64_t before = test_flash.erases;
    for (uint32_t i = 0; i < images; i++) {
        const uint8_t name[] = {'i', (uint8_t)i};
        EXPECT_OK(wk_image_initiate(&image, name, sizeof name, TEST_IMAGE));
        for (uint32_t n = 0; n < TEST_BLOCKS; n++) {
            EXPECT_OK(test_send(&image, n));
        }
    }
    const uint64_t area = (TEST_IMAGE + TEST_SECTOR - 1) / TEST_SECTOR;
    const uint64_t journal = test_flash.erases - before - area * images;
    const uint64_t each = 1000 * journal / ((uint64_t)images * TEST_BLOCKS);
    WK_TEST_FIGURE("erases of the image journal for 1,000 blocks of a sector of 512 octets",
                   each, "erases", "<= 150", each <= 150, 0);
}

/* ---- verification ------------------------------------------------------------------------ */

static void a_good_image_is_verified_in_small_steps(void)
{
    begin();
    EXPECT_OK(test_send_all(&image));
    EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    EXPECT_I64(WK_IMAGE_VERIFYING, image.status);
    while (wk_image_is_busy(&image)) {
        const uint64_t before = test_flash.read;
        EXPECT_OK(wk_image_step(&image));
        EXPECT(test_flash.read - before <= WK_IMAGE_STEP);
    }
    EXPECT_OK(wk_image_verify(&image));
    EXPECT_I64(WK_IMAGE_VERIFIED, image.status);
    EXPECT_I64(WK_IMAGE_NEWS_READY, wk_image_take_news(&image));
    restart(TEST_RUNS);
    EXPECT_I64(WK_IMAGE_VERIFIED, image.status);
    EXPECT_I64(TEST_NEWER, image.header.version);
}

static void expect_refused(uint8_t refusal)
{
    EXPECT_OK(test_send_all(&image));
    EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT_I64(WK_IMAGE_NOT_VERIFIED, image.status);
    EXPECT_I64(refusal, image.refusal);
    EXPECT_ERR(WK_E_REFUSED, wk_image_verify(&image));
    EXPECT_ERR(WK_E_REFUSED, wk_image_activate(&image));
    const bool forged = (wk_image_take_news(&image) & WK_IMAGE_NEWS_FORGED) != 0;
    EXPECT(forged == (refusal == WK_IMAGE_REFUSED_SIGNATURE));
    restart(TEST_RUNS);
    EXPECT_I64(refusal, image.refusal);
}

static void images_for_others_or_of_others_are_refused(void)
{
    begin();
    EXPECT_OK(test_make_image("board-2", TEST_NEWER));
    expect_refused(WK_IMAGE_REFUSED_HARDWARE);
    EXPECT_OK(test_make_image("board-1", TEST_RUNS));
    expect_refused(WK_IMAGE_REFUSED_OLDER);
    EXPECT_OK(test_make_image("board-1", TEST_RUNS - 1));
    expect_refused(WK_IMAGE_REFUSED_OLDER);
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    test_image[0] ^= 1;
    expect_refused(WK_IMAGE_REFUSED_FORMAT);
    const struct wk_image_maker maker = test_maker;
    EXPECT_OK(test_make_maker(48));
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    test_maker = maker;
    restart(TEST_RUNS);
    expect_refused(WK_IMAGE_REFUSED_SIGNATURE);
    test_maker = (struct wk_image_maker){0};
    restart(TEST_RUNS);
    expect_refused(WK_IMAGE_REFUSED_SIGNATURE);
}

static void an_image_of_another_size_than_announced_is_refused(void)
{
    begin();
    EXPECT_OK(test_send_all(&image));
    image.size -= TEST_UNIT; /* as if announced so: the last block is there anyway */
    EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT_I64(WK_IMAGE_REFUSED_SIZE, image.refusal);
}

static void images_signed_with_p384_are_verified(void)
{
    begin();
    EXPECT_OK(test_make_maker(48));
    EXPECT_OK(test_make_image("board-1", TEST_NEWER));
    restart(TEST_RUNS);
    EXPECT_OK(test_send_all(&image));
    EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT_I64(WK_IMAGE_VERIFIED, image.status);
}

/* On the host all bits; on the target, where a signature takes long, some. */
static void one_wrong_bit_anywhere_is_refused(void)
{
    const uint32_t step = sizeof(void *) == 8 ? 1 : 97;
    const uint32_t base = WK_IMAGE_SECTORS * TEST_SECTOR;
    uint32_t accepted = 0;
    begin();
    EXPECT_OK(test_send_all(&image));
    const struct wk_image before = image;
    for (uint32_t bit = 0; bit < TEST_IMAGE * 8; bit += step) {
        image = before;
        test_octets[base + bit / 8] ^= (uint8_t)(1U << bit % 8);
        EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
        (void)test_finish(
            &image); /* the copy's journal may be full: what counts is the status */
        accepted += image.status == WK_IMAGE_VERIFIED ? 1 : 0;
        test_octets[base + bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    WK_TEST_FIGURE("images with one wrong bit that were accepted", accepted, "images", "0",
                   accepted == 0, 0);
}

/* ---- activation -------------------------------------------------------------------------- */

static void activate(void)
{
    EXPECT_OK(test_send_all(&image));
    test_port.waits = 2;
    EXPECT_ERR(WK_E_BUSY, wk_image_activate(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT(image.restart);
    EXPECT_I64(WK_IMAGE_ACTIVATING, image.status);
    EXPECT_I64(TEST_PAYLOAD, test_port.size);
    EXPECT_BYTES(test_image + WK_IMAGE_HEADER, test_port.staged, TEST_PAYLOAD);
    EXPECT_I64(TEST_NEWER, test_port.version);
}

static void what_is_activated_counts_once_it_is_confirmed(void)
{
    begin();
    activate();
    test_port.on_trial = true;
    restart(TEST_NEWER);
    EXPECT_I64(WK_IMAGE_ACTIVATING, image.status);
    EXPECT_I64(0, image.floor);
    EXPECT_OK(wk_image_confirm(&image));
    EXPECT_I64(1, test_port.confirmed);
    EXPECT_I64(WK_IMAGE_ACTIVATED, image.status);
    EXPECT_I64(WK_IMAGE_NEWS_ACTIVATED, wk_image_take_news(&image));
    EXPECT_OK(wk_image_confirm(&image));
    EXPECT_I64(1, test_port.confirmed);
    restart(TEST_NEWER);
    EXPECT_I64(WK_IMAGE_ACTIVATED, image.status);
    EXPECT_I64(0, wk_image_take_news(&image));
}

static void a_confirmation_that_a_cut_broke_off_counts(void)
{
    begin();
    activate();
    restart(TEST_NEWER); /* the port has confirmed, the journal does not know */
    EXPECT_I64(WK_IMAGE_ACTIVATED, image.status);
    EXPECT_I64(TEST_NEWER, image.floor);
    EXPECT_I64(WK_IMAGE_NEWS_ACTIVATED, wk_image_take_news(&image));
}

static void what_is_not_confirmed_falls_back_and_may_be_tried_again(void)
{
    begin();
    activate();
    restart(TEST_RUNS);
    EXPECT_I64(WK_IMAGE_NOT_ACTIVATED, image.status);
    EXPECT_I64(WK_IMAGE_REFUSED_FELL_BACK, image.refusal);
    EXPECT_I64(WK_IMAGE_NEWS_FELL_BACK, wk_image_take_news(&image));
    EXPECT_I64(0, image.floor);
    EXPECT_ERR(WK_E_BUSY, wk_image_activate(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT(image.restart);
}

/* Also when somebody puts the older one there by hand. */
static void nothing_older_than_what_was_confirmed_is_accepted(void)
{
    begin();
    activate();
    restart(TEST_NEWER);
    restart(TEST_RUNS);
    expect_refused(WK_IMAGE_REFUSED_OLDER);
    EXPECT_OK(test_make_image("board-1", TEST_NEWER + 1));
    EXPECT_OK(test_send_all(&image));
    EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT_I64(WK_IMAGE_VERIFIED, image.status);
}

static void staging_that_fails_changes_nothing(void)
{
    begin();
    test_port.stage = WK_E_FULL;
    EXPECT_OK(test_send_all(&image));
    EXPECT_ERR(WK_E_BUSY, wk_image_activate(&image));
    EXPECT_OK(test_finish(&image));
    EXPECT_I64(WK_IMAGE_NOT_ACTIVATED, image.status);
    EXPECT_I64(WK_IMAGE_REFUSED_STAGING, image.refusal);
    EXPECT(!image.restart);
}

/* ---- every status and method ------------------------------------------------------------- */

/* Leads an image into a status as a client would. */
static void lead_to(wk_image_status status)
{
    begin();
    if (status == WK_IMAGE_NOT_INITIATED) {
        return;
    }
    EXPECT_OK(test_send_all(&image));
    if (status == WK_IMAGE_NOT_VERIFIED) {
        test_octets[WK_IMAGE_SECTORS * TEST_SECTOR + 300] ^= 1;
    }
    if (status >= WK_IMAGE_VERIFYING) {
        EXPECT_ERR(WK_E_BUSY, wk_image_verify(&image));
    }
    if (status >= WK_IMAGE_VERIFIED) {
        EXPECT_OK(test_finish(&image));
    }
    if (status >= WK_IMAGE_ACTIVATING) {
        EXPECT_ERR(WK_E_BUSY, wk_image_activate(&image));
    }
    if (status >= WK_IMAGE_ACTIVATED) {
        EXPECT_OK(test_finish(&image));
        restart(status == WK_IMAGE_ACTIVATED ? TEST_NEWER : TEST_RUNS);
    }
    EXPECT_I64(status, image.status);
}

enum { INITIATE, BLOCK, VERIFY, ACTIVATE, METHODS };

/* A new transfer is initiated with another name; the block is one that is there already. */
static wk_err call(int method)
{
    switch (method) {
    case INITIATE:
        return wk_image_initiate(&image, test_image, 5, TEST_IMAGE);
    case BLOCK:
        return test_send(&image, 0);
    case VERIFY:
        return wk_image_verify(&image);
    default:
        return wk_image_activate(&image);
    }
}

static void expect_of(wk_image_status status, int method, wk_err wanted)
{
    lead_to(status);
    const wk_err err = call(method);
    if (err != wanted) {
        printf("# status %d, method %d\n", (int)status, method);
    }
    EXPECT_ERR(wanted, err);
    if (method == INITIATE && err == WK_OK) {
        EXPECT_I64(WK_IMAGE_INITIATED, image.status);
        EXPECT_I64(0, image.count);
    }
}

static void every_method_in_every_status_does_what_the_table_says(void)
{
    static const wk_err k_wanted[WK_IMAGE_STATUSES][METHODS] = {
        [WK_IMAGE_NOT_INITIATED] = {WK_OK, WK_E_REFUSED, WK_E_REFUSED, WK_E_REFUSED},
        [WK_IMAGE_INITIATED] = {WK_OK, WK_OK, WK_E_BUSY, WK_E_BUSY},
        [WK_IMAGE_VERIFYING] = {WK_E_BUSY, WK_E_BUSY, WK_E_BUSY, WK_E_BUSY},
        [WK_IMAGE_VERIFIED] = {WK_OK, WK_E_REFUSED, WK_OK, WK_E_BUSY},
        [WK_IMAGE_NOT_VERIFIED] = {WK_OK, WK_E_REFUSED, WK_E_REFUSED, WK_E_REFUSED},
        [WK_IMAGE_ACTIVATING] = {WK_E_BUSY, WK_E_BUSY, WK_E_BUSY, WK_E_BUSY},
        [WK_IMAGE_ACTIVATED] = {WK_OK, WK_E_REFUSED, WK_OK, WK_OK},
        [WK_IMAGE_NOT_ACTIVATED] = {WK_OK, WK_E_REFUSED, WK_E_BUSY, WK_E_BUSY},
    };
    for (int status = 0; status < WK_IMAGE_STATUSES; status++) {
        for (int method = 0; method < METHODS; method++) {
            expect_of((wk_image_status)status, method, k_wanted[status][method]);
        }
    }
}

static void an_impossible_area_is_refused(void)
{
    begin();
    struct wk_image_config config = test_config(TEST_RUNS);
    config.block_size = 96;
    EXPECT_ERR(WK_E_ARGUMENT, wk_image_init(&image, &config));
    config = test_config(TEST_RUNS);
    config.received_size = TEST_SECTOR;
    EXPECT_ERR(WK_E_ARGUMENT, wk_image_init(&image, &config));
    config = test_config(TEST_RUNS);
    struct wk_hal_crypto crypto = test_crypto.hal;
    crypto.digest_add = NULL;
    config.crypto = &crypto;
    EXPECT_ERR(WK_E_ARGUMENT, wk_image_init(&image, &config));
}

WK_TEST_MAIN(
    T(versions_are_read_and_printed_and_compare_as_numbers),
    T(a_head_has_its_fields_where_the_document_says), T(blocks_come_in_any_order_and_repeated),
    T(what_is_no_block_of_the_image_is_refused),
    T(the_same_image_goes_on_and_another_begins_anew), T(transfer_can_be_disabled_and_stays_so),
    T(progress_costs_few_erases), T(a_good_image_is_verified_in_small_steps),
    T(images_for_others_or_of_others_are_refused),
    T(an_image_of_another_size_than_announced_is_refused),
    T(images_signed_with_p384_are_verified), T(one_wrong_bit_anywhere_is_refused),
    T(what_is_activated_counts_once_it_is_confirmed),
    T(a_confirmation_that_a_cut_broke_off_counts),
    T(what_is_not_confirmed_falls_back_and_may_be_tried_again),
    T(nothing_older_than_what_was_confirmed_is_accepted), T(staging_that_fails_changes_nothing),
    T(every_method_in_every_status_does_what_the_table_says), T(an_impossible_area_is_refused))
